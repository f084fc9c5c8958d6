"""Scores single images, and says how many real images of a reference set score at least as high."""

from bench.results.reference_set import Reference, Standing, read_references
from bench.scoring.files import ScoredImage, Scorer, score_files

__all__ = ["Reference", "ScoredImage", "Scorer", "Standing", "read_references", "score_files"]
