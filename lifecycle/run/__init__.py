"""Doing it, step by step, and remembering what was made."""
