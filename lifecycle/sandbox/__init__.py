"""A disposable Docker engine of our own, apart from any engine that the machine has."""
