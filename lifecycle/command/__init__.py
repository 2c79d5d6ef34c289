"""What a docker line means: its flags, its names, its promises."""
