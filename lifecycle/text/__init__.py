"""Text of any origin: on one line, near another, free of secrets. Imports nothing of ours."""
