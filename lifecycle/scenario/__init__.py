"""What the author wrote: the file format, its errors, its variables."""
