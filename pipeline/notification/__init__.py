"""Messages, and the destinations that they are delivered to."""
