"""Trains the simple detectors: a linear probe on frozen features, and fine-tuned classifiers."""
