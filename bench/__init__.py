"""Measures the pipeline against what people would use instead, on the machine at hand."""
