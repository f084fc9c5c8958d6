"""Ranks and paired tests as tables."""

from collections.abc import Mapping

from bench.report.table import Table
from bench.statistics.ranking import Pair, Ranking

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


def rank_table(rankings: Mapping[str, Ranking], title: str = "Ranks", of: str = "condition") -> Table:
    """Makes a row for each ranked detector of each ranking with several.

    Args:
        rankings: By the name in the first column; by the empty name for a table without that column.
        title: Its heading.
        of: What the names are.
    """
    rows = [
        (*([name] if name else []), *row)
        for name, ranking in rankings.items()
        if len(ranking.order) > 1
        for row in _rank_rows(ranking)
    ]
    named = "" not in rankings
    return Table(title, (of, *RANKS) if named else RANKS, rows, RANKS_NOTE, names=2)


def pair_table(
    rankings: Mapping[str, Ranking],
    views: Mapping[str, str],
    title: str = "Detectors against each other, paired",
    of: str = "condition",
) -> Table:
    """Makes a row for each pair of detectors of each ranking; arguments as for :func:`rank_table`.

    Args:
        rankings: By the name in the first column; by the empty name for a table without that column.
        views: The picture that each detector was shown.
        title: Its heading.
        of: What the names are.
    """
    rows = [
        (*([name] if name else []), *_pair_row(pair, views))
        for name, ranking in rankings.items()
        for pair in ranking.pairs
    ]
    named = "" not in rankings
    return Table(title, (of, *PAIRS) if named else PAIRS, rows, PAIRS_NOTE, names=3 if named else 2)


def _rank_rows(ranking: Ranking) -> list[list[str]]:
    rows = []
    for detector in ranking.order:
        wins = sum(counts[0] for counts in ranking.wins[detector].values())
        losses = sum(counts[1] for counts in ranking.wins[detector].values())
        best, worst = ranking.leave_one_out.get(detector, (0, 0))
        places = "" if not best else str(best) if best == worst else f"{best} to {worst}"
        value = f"{ranking.values[detector]:.4f}"
        rows.append([ranking.letters[detector], detector, value, f"{wins} : {losses}", places])
    return rows


def _pair_row(pair: Pair, views: Mapping[str, str]) -> list[str]:
    test, (first, second) = pair.test, (views.get(pair.first, "unknown"), views.get(pair.second, "unknown"))
    return [
        pair.first,
        pair.second,
        f"{test.difference:+.4f} [{test.low:+.3f}, {test.high:+.3f}]",
        f"{pair.p_adjusted:.4f}" if pair.p_adjusted >= 0.0001 else "< 0.0001",
        "separated" if pair.separated else "not separated",
        f"{pair.smallest:.3f}",
        "the same" if first == second else f"{first} | {second}",
    ]
