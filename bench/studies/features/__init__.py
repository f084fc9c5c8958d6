"""Studies that look at a backbone's features instead of comparing detectors."""
