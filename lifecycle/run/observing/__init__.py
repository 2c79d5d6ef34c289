"""Gathering the facts of one step."""
