"""Names of numbers in every logger; the parts are separated by slashes, so that W&B and TensorBoard group panels."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.store.schema import CLEAN

if TYPE_CHECKING:
    from bench.scoring.entry import Entry

FED = ("path", "generator", "label", "score", "status")
"""What the live metrics are fed of stored rows."""


def logged_name(detector: str, condition: str, generator: str, metric: str, seed: int | None = None) -> str:
    """Names a number of a detector under a condition against a generator.

    Args:
        detector: Its label, by which panels are grouped.
        condition: Of the clean images it is left out.
        generator: Or ``mean``, over generators.
        metric: And what of it, as in ``auroc_low``.
        seed: Comes last, and only where a detector has several: panels of one metric stand together.

    Examples:
        >>> logged_name("wepe", "jpeg:75", "ADM", "auroc"), logged_name("wepe", "clean", "ADM", "auroc", seed=1)
        ('wepe/jpeg:75/ADM/auroc', 'wepe/ADM/auroc/seed1')
    """
    parts = [detector, *([] if condition == CLEAN else [condition]), generator, metric]
    return "/".join([*parts, *([] if seed is None else [f"seed{seed}"])])


def seeds_named(entries: "Sequence[Entry]") -> list[int | None]:
    """Returns the seed of each entry where its detector has several under a condition; else nothing."""
    seeds = Counter((entry.scoring.detector, entry.scoring.condition) for entry in entries)
    places = [(entry.scoring.detector, entry.scoring.condition) for entry in entries]
    return [entry.scoring.seed if seeds[place] > 1 else None for entry, place in zip(entries, places, strict=True)]
