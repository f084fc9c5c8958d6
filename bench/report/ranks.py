"""Ranks and paired tests as tables."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from bench.report.numbers import cell, p_cell
from bench.report.table import Table
from bench.statistics.bootstrap import Interval
from bench.statistics.number import Number, finite
from bench.statistics.ranking import LeftOut, Pair, Ranking

LEFT_OUT = "rank (AUROC) without any one generator"
RANKS = ("rank", "detector", "AUROC", "worst generator", "wins and losses", LEFT_OUT)
RANKS_NOTE = (
    "Rank: detectors that share a letter are not separated by the paired test. Wins and losses: over rivals and "
    "generators that have an interval, by the sign of the difference alone. The last column: best and worst when each "
    "generator in turn is left out of the mean. Ranks and intervals are conditional on these generators; of others "
    "they say nothing."
)
PAIRS = ("first", "second", "difference of AUROC", "p (Holm)", "verdict", "smallest difference", "views")
PAIRS_NOTE = (
    "Paired over the same groups of images; p is adjusted (Holm) for the number of pairs of a table, not for that of "
    "conditions; the interval is not adjusted. Smallest difference: what the adjusted test would find in four of five "
    "data sets like this one. For this draw: one of the two draws something that all images share, such as perturbed "
    "weights, with a single seed; a claim about the method takes several (--seeds 5). Where views differ, the two were "
    "shown different pictures of an image."
)

IN_COMMON_NOTE = (
    " Where one lacks images of the other, the test is on the images that both have, and their number is given."
)


def ranking_tables(ranking: Ranking, views: Mapping[str, str]) -> list[Table]:
    """Makes the tables of one ranking, its ranks and its pairs; none where fewer than two detectors are ranked."""
    if len(ranking.order) < 2:
        return []
    pairs = [_pair_row(pair, views) for pair in ranking.pairs]
    return [
        Table("Ranks", RANKS, _rank_rows(ranking), RANKS_NOTE),
        Table("Paired tests", PAIRS, pairs, _pairs_note([ranking]), names=2),
    ]


def rank_table(rankings: Mapping[str, Ranking]) -> Table:
    """Makes a row for each ranked detector of each condition with several."""
    several = {condition: ranking for condition, ranking in rankings.items() if len(ranking.order) > 1}
    rows = [[condition, *row] for condition, ranking in several.items() for row in _rank_rows(ranking)]
    return Table("Ranks", ("condition", *RANKS), rows, RANKS_NOTE, names=2)


def pair_table(
    rankings: Mapping[str, Ranking],
    views: Mapping[str, str],
    title: str = "Detectors against each other, paired",
    column: str = "condition",
) -> Table:
    """Makes a row for each pair of detectors of each ranking; ``views`` are the pictures that detectors were shown."""
    rows = [[name, *_pair_row(pair, views)] for name, ranking in rankings.items() for pair in ranking.pairs]
    return Table(title, (column, *PAIRS), rows, _pairs_note(rankings.values()), names=3)


def pair_records(rankings: Mapping[str, Ranking], column: str) -> list[dict[str, Any]]:
    """Makes a record for each pair of detectors of each ranking, whose name is in the first column."""
    return [{column: name, **pair.columns} for name, ranking in rankings.items() for pair in ranking.pairs]


def full_pairs(ranking: Ranking, views: Mapping[str, str]) -> list[dict[str, Any]]:
    """Makes a record for each pair as the table has it, and its values in full precision."""
    records = []
    for pair in ranking.pairs:
        values = {name: finite(value) if isinstance(value, float) else value for name, value in pair.columns.items()}
        records.append({**dict(zip(PAIRS, _pair_row(pair, views), strict=True)), **values})
    return records


def rank_records(rankings: Mapping[str, Ranking], column: str) -> list[dict[str, Any]]:
    """Makes a record for each ranked detector of each ranking, best first."""
    records = []
    for name, ranking in rankings.items():
        for detector in ranking.order:
            left_out, worst = ranking.leave_one_out.get(detector), ranking.worst.get(detector)
            records.append(
                {
                    column: name,
                    "detector": detector,
                    "letters": ranking.letters[detector],
                    "auroc": ranking.values[detector],
                    "worst_generator": worst and worst[0],
                    **(worst[1].columns("worst") if worst else {}),
                    "places_without_one": left_out and left_out.places,
                    "auroc_without_one": left_out and left_out.values,
                }
            )
    return records


def _pairs_note(rankings: Iterable[Ranking]) -> str:
    differ = any(pair.images is not None for ranking in rankings for pair in ranking.pairs)
    return PAIRS_NOTE + (IN_COMMON_NOTE if differ else "")


def _rank_rows(ranking: Ranking) -> list[list[str]]:
    rows = []
    for detector in ranking.order:
        wins = sum(counts[0] for counts in ranking.wins[detector].values())
        losses = sum(counts[1] for counts in ranking.wins[detector].values())
        left_out, worst = ranking.leave_one_out.get(detector), ranking.worst.get(detector)
        values = (
            f"{ranking.values[detector]:.3f}",
            f"{worst[0]}: {cell(worst[1])}" if worst else "",
            f"{wins} : {losses}",
            _range(left_out) if left_out else "",
        )
        rows.append([ranking.letters[detector], detector, *values])
    return rows


def _range(left_out: LeftOut) -> str:
    best, worst = min(left_out.places), max(left_out.places)
    places = str(best) if best == worst else f"{best} to {worst}"
    return f"{places} ({min(left_out.values):.3f} to {max(left_out.values):.3f})"


def _verdict(pair: Pair) -> str:
    if not pair.separated:
        return "not separated"
    return "separated, for this draw" if pair.one_draw else "separated"


def _pair_row(pair: Pair, views: Mapping[str, str]) -> list[str]:
    on = "" if pair.images is None else f" on the {pair.images:,} images of both"
    test, (first, second) = pair.test, (views.get(pair.first, "unknown"), views.get(pair.second, "unknown"))
    difference = Number(test.difference, Interval(test.low, test.high))
    return [
        pair.first,
        pair.second,
        "n/a" + on if math.isnan(test.p) else cell(difference, signed=True) + on,
        p_cell(pair.p_adjusted),
        _verdict(pair),
        f"{pair.smallest:.3f}",
        "the same" if first == second else f"{first} | {second}",
    ]
