"""Great Expectations suites turned into row conditions, evidence and table checks."""
