"""Ranks and paired tests as rows of text, for the terminal, Markdown and the page."""

from collections.abc import Collection, Mapping

from bench.results.numbers import MEAN, Summary
from bench.statistics.ranking import Pair, Ranking, rank_detectors

RANKS = ("rank", "detector", "AUROC", "wins and losses", "rank without any one generator")
RANKS_NOTE = (
    "Rank: detectors that share a letter are not separated by the paired test. Wins and losses: over rivals and "
    "generators that have an interval, by the sign of the difference alone. The last column: the best and worst place "
    "when each generator in turn is left out of the mean; ranks are conditional on these generators."
)
PAIRS = ("first", "second", "difference of AUROC", "p (Holm)", "verdict", "smallest difference", "views")
PAIRS_NOTE = (
    "Paired over the same groups of images; p is adjusted for the number of pairs, the interval is not. Smallest "
    "difference: what this number of images finds in four of five cases. Where views differ, the two were shown "
    "different pictures of an image."
)
SIGNIFICANT = 0.05


def rankings_of(summary: Summary, left_out: Collection[tuple[str, str]] = ()) -> dict[str, Ranking]:
    """Ranks the detectors of each condition by their mean AUROC, or that of the only generator.

    Args:
        summary: The numbers.
        left_out: Detectors and conditions that are not compared, since they lack images.
    """
    labels: dict[str, list[str]] = {}
    targets: dict[str, str] = {}
    for row in summary.rows:
        if (row.detector, row.condition) not in left_out:
            of = labels.setdefault(row.condition, [])
            of += [row.detector] if row.detector not in of else []
            if row.generator == MEAN or row.condition not in targets:
                targets[row.condition] = row.generator
    return {
        condition: rank_detectors({one: summary.influences.get((one, condition), {}) for one in of}, targets[condition])
        for condition, of in labels.items()
    }


def rank_rows(ranking: Ranking) -> list[list[str]]:
    """Returns a row for each ranked detector, under ``RANKS``."""
    rows = []
    for detector in ranking.order:
        wins = sum(of[0] for of in ranking.wins[detector].values())
        losses = sum(of[1] for of in ranking.wins[detector].values())
        best, worst = ranking.leave_one_out.get(detector, (0, 0))
        places = "" if not best else str(best) if best == worst else f"{best} to {worst}"
        value = f"{ranking.values[detector]:.4f}"
        rows.append([ranking.letters[detector], detector, value, f"{wins} : {losses}", places])
    return rows


def pair_rows(ranking: Ranking, views: Mapping[str, str]) -> list[list[str]]:
    """Returns a row for each pair of detectors, under ``PAIRS``.

    Args:
        ranking: The tests.
        views: The picture that each detector was shown.
    """
    return [_pair_row(pair, views) for pair in ranking.pairs]


def _pair_row(pair: Pair, views: Mapping[str, str]) -> list[str]:
    test, (first, second) = pair.test, (views[pair.first], views[pair.second])
    return [
        pair.first,
        pair.second,
        f"{test.difference:+.4f} [{test.low:+.3f}, {test.high:+.3f}]",
        f"{pair.p_adjusted:.4f}" if pair.p_adjusted >= 0.0001 else "< 0.0001",
        "separated" if pair.p_adjusted < SIGNIFICANT else "not separated",
        f"{pair.smallest:.3f}",
        "the same" if first == second else f"{first} | {second}",
    ]
