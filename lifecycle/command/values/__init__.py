"""Values of flags, read as the docker CLI reads them, and the shapes of their promises."""
