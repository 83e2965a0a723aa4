"""Expectations of whole tables, judged in a second process."""
