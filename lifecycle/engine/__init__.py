"""Asking a Docker engine, within limits of seconds and bytes, whatever it answers."""
