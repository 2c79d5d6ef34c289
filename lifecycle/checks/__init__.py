"""Facts, and whether a promise was kept: one file a subject."""
