"""Compares detectors of AI-generated images: scores are saved, and every number is made from the saved scores."""
