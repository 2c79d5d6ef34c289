"""Looks inside the containers of a run: at their start, and by a shell that stays."""
