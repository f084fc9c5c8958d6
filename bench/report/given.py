"""What is left of detectors given the images' JPEG quality and size, for people and for programs."""

from typing import Any

from bench.report.numbers import cell
from bench.report.table import Table, columns_of
from bench.results.comparison import Comparison
from bench.results.cues.given import QUALITY_STEP
from bench.statistics.number import finite
from bench.store.schema import CLEAN

TITLE = "Given JPEG quality and size"
COLUMNS = ("AUROC", "AUROC within", "pairs within")
NOTE = (
    f"Within: only pairs of a real and a generated image alike in JPEG quality (in steps of {QUALITY_STEP}; none is "
    "its own) and in size (pixels, to the nearest power of two). Where few pairs are alike, "
    "these cues and the generator cannot be told apart."
)


def given_table(comparison: Comparison) -> Table:
    """Makes a row for each detector and generator; none where all images are alike, so that nothing changes."""
    given = [row for row in comparison.cues.given if any(other.share < 1 for other in comparison.cues.given)]
    conditions = any(row.condition != CLEAN for row in given)
    names = ("detector", "condition", "generator") if conditions else ("detector", "generator")
    rows = [
        (
            *(getattr(row, name) for name in names),
            cell(row.auroc),
            cell(row.within) + (f" ({row.within.reason})" if finite(row.within.value) is None else ""),
            f"{100 * row.share:.1f} %",
        )
        for row in given
    ]
    return Table(TITLE, (*names, *COLUMNS), rows, NOTE, names=len(names))


def given_records(comparison: Comparison) -> list[dict[str, Any]]:
    """Returns the same as plain values."""
    return [
        {
            **columns_of(row, "detector", "condition", "generator"),
            **row.auroc.columns("auroc"),
            **row.within.columns("within"),
            "reason": row.within.reason,
            "pairs_within": row.share,
        }
        for row in comparison.cues.given
    ]
