"""Homes with a long past, written directly instead of by thousands of updates."""
