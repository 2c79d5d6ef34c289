"""What a run holds open: people, their folders and configuration, the engine, locks, gates."""
