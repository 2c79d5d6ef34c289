"""Lines that are not plain docker: what they will do about the engine, as far as words tell."""
