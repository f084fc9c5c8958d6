"""Attacks: generated pictures changed, within a budget, so that a detector's score falls."""
