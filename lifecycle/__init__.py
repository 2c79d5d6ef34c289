"""docker-lifecycle: the CLI acts, the command line predicts, the daemon testifies."""

__version__ = "0.1.0"
