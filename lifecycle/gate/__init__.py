"""The socket through which all commands of a run reach the engine, and the process behind it."""
