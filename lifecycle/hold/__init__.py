"""Holding a container that somebody else made to a docker line; no run is needed."""
