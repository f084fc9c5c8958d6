"""Detectors with weights that others, or ``python -m bench fit``, trained; each needs its file."""
