"""This machine: its people, processes, files, GPUs and network namespaces; no Docker."""
