"""What every room stands on: errors, the clock, stopping, fault points, names in SQL."""
