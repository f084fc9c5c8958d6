"""Of submitted scores: who stands behind a row of a board."""

from typing import Any

from bench.results.comparison import Comparison
from bench.results.submissions.standing import Origin
from bench.statistics.number import finite

CONFIRMED = "confirmed by"
SCORES_ONLY = "scores only"
"""The mark of scores that came from elsewhere, as those of a closed detector."""


def confirmed_cell(comparison: Comparison, detector: str) -> str:
    """Says how many others confirm a row; nothing where scores were not submitted."""
    standing = comparison.standings.get(detector)
    return "" if standing is None else str(standing.confirmations)


def standing_record(comparison: Comparison, detector: str) -> dict[str, Any]:
    """Returns the same, and the submissions behind the row, as plain values."""
    standing = comparison.standings.get(detector)
    if standing is None:
        return {}
    companions = [
        {
            **origin_record(companion.origin),
            "confirms": companion.confirms,
            "largest_difference": finite(companion.difference.spreads),
        }
        for companion in standing.companions
    ]
    return {
        "submission": {
            **origin_record(standing.scored.origin),
            "scores_only": standing.scored.scores_only,
            "confirmations": standing.confirmations,
            "same_scores": companions,
        }
    }


def origin_record(origin: Origin) -> dict[str, str]:
    """Says where a submission is from."""
    return {"submitter": origin.submitter, "repository": origin.repository, "folder": origin.folder}
