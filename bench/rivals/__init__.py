"""What people would use instead of the pipeline."""
