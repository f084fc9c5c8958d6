"""Ranks and paired tests as rows of text, for the terminal, Markdown and the page."""

from collections.abc import Mapping

from bench.ranking import Pair, Ranking

RANKS = ("rank", "detector", "AUROC", "wins and losses", "rank without any one generator")
RANKS_NOTE = (
    "Rank: detectors that share a letter are not separated by the paired test. Wins and losses: over rivals and "
    "generators, by the sign of the difference alone. The last column: the best and worst place when each generator in "
    "turn is left out of the mean; ranks are conditional on these generators."
)
PAIRS = ("first", "second", "difference of AUROC", "p (Holm)", "verdict", "smallest difference", "views")
PAIRS_NOTE = (
    "Paired over the same groups of images; p adjusted for the number of pairs. Smallest difference: what this number of "
    "images finds in four of five cases. Where views differ, the two were shown different pictures of an image."
)
SIGNIFICANT = 0.05


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
