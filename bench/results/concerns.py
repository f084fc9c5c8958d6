"""What makes a detector's scores doubtful, by its own word or by what its method was published for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bench.results.summary import Summary
from bench.statistics.number import BELOW, Number
from bench.store.facts import Facts
from bench.store.findings import Finding, Severity
from bench.store.panel import Panel
from bench.store.schema import CLEAN

if TYPE_CHECKING:
    from bench.scoring.entry import Entry
    from datamodules import DetectionData


@dataclass(frozen=True)
class DetectorConcern(Finding):
    """A detector's scores of the real images show that it cannot work as set up; ``words`` are its own."""

    detector: str
    seed: int
    condition: str
    words: str
    severity: ClassVar[Severity] = "warning"


@dataclass(frozen=True)
class ScaledImages(Finding):
    """Detectors whose methods were published for images as they are saw scaled ones; ``preprocessing`` says how."""

    detectors: Sequence[str]
    preprocessing: str


def find_scaled_images(entries: "Sequence[Entry]", datamodule: "DetectionData") -> list[ScaledImages]:
    """Looks for detectors that should have seen images at their own size."""
    labels = dict.fromkeys(entry.scoring.detector for entry in entries if entry.detector.unscaled)
    return [ScaledImages(tuple(labels), datamodule.preprocessing)] if labels and datamodule.resize is not None else []


@dataclass(frozen=True)
class InvertedLogits(Finding):
    """A classifier below chance, of which an option says which logit is that of generated images."""

    detector: str
    auroc: Number
    generated: int


def find_inverted_logits(summary: Summary, detectors: Mapping[str, Facts]) -> list[InvertedLogits]:
    """Looks for classifiers that may have been read the wrong way round, on the clean images."""
    found = []
    for row in summary.means:
        generated = detectors.get(row.detector, {}).get("options", {}).get("generated")
        if generated in (0, 1) and row.condition == CLEAN and row.numbers["auroc"].against_chance == BELOW:
            found.append(InvertedLogits(row.detector, row.numbers["auroc"], generated))
    return found


def find_concerns(panel: Panel, entries: "Sequence[Entry]") -> list[DetectorConcern]:
    """Asks each detector what it thinks of its scores of the real images."""
    import torch

    concerns = []
    detectors = {entry.scoring: entry.detector for entry in entries}
    for scoring, scores in zip(panel.scorings, panel.scores, strict=True):
        if scoring not in detectors:
            continue
        of_reals = scores[(panel.labels == 0) & np.isfinite(scores)]
        words = detectors[scoring].concern(torch.from_numpy(of_reals)) if len(of_reals) else None
        if words:
            concerns.append(DetectorConcern(scoring.detector, scoring.seed, scoring.condition, words))
    return concerns
