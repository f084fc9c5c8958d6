"""How many images a comparison needs: tables, notes, CSV and JSON."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.report.table import Table, csv_text, print_tables, write_texts
from bench.results.planning import PlannedPair, PlannedSet
from bench.statistics.number import finite
from bench.statistics.planning import OTHER_CLASS, SEEDS, SHARED, TOO_MANY, Needed, Plan
from bench.store.schema import CLEAN

OBSERVED, ASKED = "observed", "asked"
WORDS = {SEEDS: "more seeds", OTHER_CLASS: "never", SHARED: "n/a", TOO_MANY: "too many"}
"""Reasons as cells say them."""
NOTES = (
    "Groups hold images that are not independent, such as a photograph and what was made from it; where each image is "
    "its own group they are images. So many of real + generated ones, in the pilot's ratio, and of one class alone "
    "where the other stays as it is. Generated ones are counted over all generators, in the pilot's shares.",
    "Can find: the smallest difference that the pilot itself would find in four of five data sets.",
    "With so many groups, four of five data sets find the difference at 5 % in the paired test, at the first step of "
    "Holm's procedure: the strictest one, so other pairs are found more often.",
    "[...]: real groups at both ends of the 95 % interval of the pilot's variance. The difference itself is not in it: "
    "what a pilot observed is uncertain, and too large where it was chosen for being large.",
)
CELL_NOTES = {
    SEEDS: "more seeds: the spread over seeds alone hides this difference, however many images there are.",
    OTHER_CLASS: "never: the other class as it is alone hides this difference.",
    SHARED: "n/a: groups hold images of both classes, which grow together.",
    TOO_MANY: f"too many: {TOO_MANY}.",
}
COLUMNS = (
    *("dataset", "condition", "generator", "first", "second", "observed_difference", "standard_error", "df"),
    *("smallest_difference", "pairs", "real_groups", "generated_groups", "for", "difference", "real", "generated"),
    *("real_low", "generated_low", "real_high", "generated_high", "real_alone", "generated_alone"),
    *("reason", "reason_real_alone", "reason_generated_alone", "several_seeds", "for_this_draw"),
)


@dataclass(frozen=True)
class PlanReport:
    """The plans of a store, ready to be told."""

    sets: Sequence[PlannedSet]

    @property
    def tables(self) -> list[Table]:
        """The pilot of each set, and a table for each difference."""
        return [table for part in self.sets if part.pairs for table in (_pilot(part), *_needs(part))]

    @property
    def notes(self) -> list[str]:
        """What a reader must know, a sentence each."""
        notes = list(NOTES)
        reasons = {
            need.reason for part in self.sets for pair in part.pairs for plan in _plans(pair) for need in _needed(plan)
        }
        notes += [note for reason, note in CELL_NOTES.items() if reason in reasons]
        pairs = [(part, planned) for part in self.sets for planned in part.pairs]
        if any(not planned.several_seeds and not planned.reason for _, planned in pairs):
            notes.append("With one seed the spread over seeds is unknown, and left out: more may be needed.")
        if any(planned.pair.one_draw for _, planned in pairs):
            notes.append(
                "Of pairs with a detector that draws something that all images share, with a single seed, the plan is "
                "for this draw."
            )
        notes += [
            f"{_title(part)}: {planned.pair.first} and {planned.pair.second}: {planned.reason}."
            for part, planned in pairs
            if planned.reason
        ]
        return notes + [
            f"{_title(part)}: {name} is in no pair: {why}." for part in self.sets for name, why in part.left_out.items()
        ]

    @property
    def records(self) -> list[dict[str, object]]:
        """The rows of ``plan.csv``: one for each pair and difference."""
        return [record for part in self.sets for planned in part.pairs for record in _records(part, planned)]


def write_plan(report: PlanReport, output: Path, raw_names: bool = False) -> tuple[Path, ...]:
    """Writes ``plan.csv`` into a folder; ``raw_names`` as for `csv_line`."""
    return write_texts({"plan.csv": csv_text(report.records, COLUMNS, raw_names)}, output)


def print_plan(report: PlanReport, console: Console) -> None:
    """Prints the tables, and under them the notes."""
    print_tables(report.tables, console, notes=report.notes)


def plan_json(report: PlanReport) -> dict[str, object]:
    """Returns everything as plain values, for ``--json``."""
    return {"plans": report.records, "notes": report.notes}


def _pilot(part: PlannedSet) -> Table:
    rows = [
        [
            planned.pair.first,
            planned.pair.second,
            "{} + {}".format(*planned.groups),
            _signed(planned.pair.test.difference),
            _plain(planned.pair.test.se),
            _plain(planned.pair.smallest),
        ]
        for planned in part.pairs
    ]
    return Table(_title(part), ("A", "B", "groups", "A - B", "SE", "can find"), rows, names=2)


def _needs(part: PlannedSet) -> list[Table]:
    """Makes the table of the observed differences, and one of each difference that was asked for."""
    observed = [(planned, planned.observed) for planned in part.pairs if planned.observed]
    tables = [_need_table("the observed difference", observed)] if observed else []
    differences = dict.fromkeys(plan.difference for planned in part.pairs for plan in planned.asked)
    for difference in differences:
        rows = [(planned, plan) for planned in part.pairs for plan in planned.asked if plan.difference == difference]
        tables.append(_need_table(f"a difference of {difference:g}", rows))
    return tables


def _need_table(what: str, rows: Sequence[tuple[PlannedPair, Plan]]) -> Table:
    cells = [
        [
            planned.pair.first,
            planned.pair.second,
            _both(plan),
            _alone(plan.real_alone, plan.real_alone.real),
            _alone(plan.generated_alone, plan.generated_alone.generated),
        ]
        for planned, plan in rows
    ]
    columns = ("A", "B", "real + generated", "real alone", "gen. alone")
    return Table(f"Groups needed to find {what}", columns, cells, names=2)


def _both(plan: Plan) -> str:
    if plan.both.reason:
        return WORDS[plan.both.reason]
    ends = [str(need.real) if need.real else WORDS[need.reason or TOO_MANY] for need in (plan.low, plan.high)]
    return f"{plan.both.real} + {plan.both.generated} [{' to '.join(ends)}]"


def _alone(need: Needed, number: int | None) -> str:
    return WORDS[need.reason] if need.reason else str(number)


def _plain(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.3f}"


def _signed(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:+.3f}"


def _title(part: PlannedSet) -> str:
    return part.title if part.condition == CLEAN else f"{part.title}, {part.condition}"


def _plans(planned: PlannedPair) -> list[Plan]:
    return [*([planned.observed] if planned.observed else []), *planned.asked]


def _needed(plan: Plan) -> tuple[Needed, ...]:
    return plan.both, plan.low, plan.high, plan.real_alone, plan.generated_alone


def _records(part: PlannedSet, planned: PlannedPair) -> list[dict[str, object]]:
    pair, test = planned.pair, planned.pair.test
    about = {
        "dataset": part.title,
        "condition": part.condition,
        "generator": pair.generator,
        "first": pair.first,
        "second": pair.second,
        "observed_difference": finite(test.difference),
        "standard_error": finite(test.se),
        "df": finite(test.df),
        "smallest_difference": finite(pair.smallest),
        "pairs": len(part.pairs),
        "real_groups": planned.groups[0],
        "generated_groups": planned.groups[1],
    }
    last = {"several_seeds": planned.several_seeds, "for_this_draw": pair.one_draw}
    asked: list[tuple[str, Plan | None]] = [(OBSERVED, planned.observed), *((ASKED, plan) for plan in planned.asked)]
    return [{**about, "for": word, **_plan_columns(plan, planned.reason), **last} for word, plan in asked]


def _plan_columns(plan: Plan | None, reason: str | None) -> dict[str, object]:
    if plan is None:
        nothing = Needed(reason=reason)
        return _plan_columns(Plan(math.nan, nothing, nothing, nothing, nothing, nothing), reason)
    return {
        "difference": finite(plan.difference),
        "real": plan.both.real,
        "generated": plan.both.generated,
        "real_low": plan.low.real,
        "generated_low": plan.low.generated,
        "real_high": plan.high.real,
        "generated_high": plan.high.generated,
        "real_alone": plan.real_alone.real,
        "generated_alone": plan.generated_alone.generated,
        "reason": plan.both.reason,
        "reason_real_alone": plan.real_alone.reason,
        "reason_generated_alone": plan.generated_alone.reason,
    }
