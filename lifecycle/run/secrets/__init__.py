"""Secrets, and every disguise in which they are redacted."""
