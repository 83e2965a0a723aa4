"""Measures the pipeline against what people would use instead, on this machine."""
