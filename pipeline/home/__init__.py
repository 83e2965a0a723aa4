"""Every path below a lakehouse's home, its lock, and the intents of unfinished work."""
