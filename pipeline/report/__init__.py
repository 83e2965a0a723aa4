"""What an update reports: events and notifications."""
