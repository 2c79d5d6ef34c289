"""What only the author knows: the keys of ``expect``, each judged by a function."""
