"""Doing the steps: one file a kind, and what several of them need."""
