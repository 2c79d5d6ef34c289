"""What is: asked of the engine, the inside of a container and this machine; never judged."""
