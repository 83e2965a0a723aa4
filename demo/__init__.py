"""The demo's acts: they explain themselves in the terminal and check what they show."""
