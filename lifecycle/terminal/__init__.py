"""A pseudo-terminal: what is typed into it, and the screen that a person would see."""
