"""Verdicts on papers' numbers, as columns of tables and in words."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from bench.references.verdicts import Verdict
from bench.statistics.number import finite

COLUMNS = ("verdict", "detectable", "sensitivity", "because")
NOTE = (
    "A verdict asks whether the paper's number lies in the interval in which it is expected if nothing differs but the "
    "images and seeds; one in twenty then says *differs*. *Detectable* is the difference that it finds in four of five "
    "cases: where that is more than --margin, a number within the interval is *too wide to tell*. *Sensitivity* is the "
    "verdict by the number of images of each class in the paper, where it does not say it. What the paper does not say "
    "is never chosen so that it fits."
)


def verdict_cells(verdict: Verdict) -> list[str]:
    """Writes a verdict under ``COLUMNS``, for people."""
    detectable = finite(verdict.detectable)
    number = "" if detectable is None else f"{detectable:.4f}"
    kinds = {images: other.kind for images, other in verdict.sensitivity.items()}
    return [verdict.kind, number, sensitivity_words(kinds), verdict.because]


def verdict_record(verdict: Verdict | None) -> dict[str, Any]:
    """Returns a verdict's columns of tables for programs, without the verdict's kind."""
    kinds = {} if verdict is None else {images: other.kind for images, other in verdict.sensitivity.items()}
    return {
        "expected_low": verdict and finite(verdict.low),
        "expected_high": verdict and finite(verdict.high),
        "because": verdict and verdict.because,
        "detectable": verdict and finite(verdict.detectable),
        "sensitivity": sensitivity_words(kinds) or None,
    }


def sensitivity_words(kinds: Mapping[int, str]) -> str:
    """Says which verdict holds at which numbers of images.

    Examples:
        >>> sensitivity_words({500: "matches", 1000: "matches", 2048: "differs"})
        'matches at 500 to 1,000, differs at 2,048'
    """
    runs = [(kind, [images for images, _ in run]) for kind, run in groupby(sorted(kinds.items()), lambda item: item[1])]
    return ", ".join(
        f"{kind} at {images[0]:,}" + (f" to {images[-1]:,}" if len(images) > 1 else "") for kind, images in runs
    )
