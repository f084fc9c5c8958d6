"""Networks of trained detectors that no library has, and those that several of them share."""
