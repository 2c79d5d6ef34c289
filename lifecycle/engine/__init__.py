"""What is really there: the daemon, terminals, people, GPUs, and a disposable engine."""
