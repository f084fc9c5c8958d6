"""Named threshold rules, what they make of scores, how thresholds carry over, and calibration."""
