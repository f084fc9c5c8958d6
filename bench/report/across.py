"""Several data sets together: tables, CSV, Markdown and plain values."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console

from bench.report.numbers import cell
from bench.report.table import Table, columns_of, csv_text, note_lines, print_tables
from bench.report.words import named
from bench.results.across.findings import AcrossDetector, AcrossSets, Agreement, Worst
from bench.results.summary import DRAWS
from bench.statistics.number import Number
from bench.store.schema import CLEAN

COLUMNS = (
    *("condition", "statistic", "detector", "rival", "dataset", "generator", "sets", "detectors"),
    *("value", "low", "high", "seeds_sd", "reason"),
)
MEANS_NOTE = (
    "Over the sets in which a detector is ranked; each counts once, and the interval is for exactly these sets. Worst: "
    "the lowest that was measured, which is too low as a rule, as it was picked for being low; its interval is that of "
    "the lowest true one, whichever that is. Detectors that are not ranked in every set come last: their means are not "
    "to be held against the others'."
)
SEPARATED_NOTE = (
    "Sets in which the paired tests of that set's own board (Holm over its pairs) separate the two; not adjusted for "
    "the number of sets. Where one of them has drawn something that all images share with a single seed, for this draw."
)
SHORT_NOTE = (
    "Over the sets in which a detector is ranked, each counting once; the worst was picked for being low, so it is too "
    "low as a rule."
)
AGREEMENT_NOTE = (
    "Spearman's rho of the rankings of two sets, Kendall's W of all of them (1: the same order). Intervals: "
    f"{DRAWS:,} draws of the groups of all sets, those that sets share drawn together; they are for more images of "
    "these sets, not for other sets or detectors. 1 is in them as long as no two detectors are separated one way on "
    "one set and the other way on another; rho's -1 as long as none are separated the same way on both."
)


def across_tables(across: AcrossSets) -> list[Table]:
    """Makes the tables: means and worst, separations, and agreement."""
    means = [row for detector in across.detectors for row in _mean_rows(detector)]
    pairs = [
        (row.first, row.second, *(f"{count} of {row.sets}" for count in (row.above, row.below)))
        for row in across.separations
    ]
    agreements = [(_where(row, across), str(len(row.detectors)), cell(row.number)) for row in across.agreements]
    separated = ("first", "second", "first above", "second above")
    tables = [
        Table(_title(across), ("detector", "over", "AUROC"), means, MEANS_NOTE, names=2),
        Table("Separated", separated, pairs, SEPARATED_NOTE, names=2),
        Table("Agreement of rankings", ("sets", "detectors", "rho, or W of all"), agreements, AGREEMENT_NOTE),
    ]
    return [table for table in tables if table.rows]


def across_notes(across: AcrossSets) -> list[str]:
    """Says which sets count, what is missing, and why a number or an interval is."""
    store, names = across.store, [ranked.name for ranked in across.sets]
    notes = [f"Sets: {named(names, count=True)}."]
    protocols = {name: store.protocols[name] for name in names}
    if len(set(protocols.values())) > 1:
        listed = [f"{name}: {protocol}" for name, protocol in protocols.items()]
        notes.append(f"The sets' images are prepared in different ways: {named(listed)}.")
    if store.left_out:
        listed = [f"{title} ({protocol})" for title, protocol in store.left_out]
        notes.append(f"Left out, as the same images count under another protocol: {named(listed)}.")
    if store.unranked.get(across.condition):
        notes.append(f"No detector is ranked on {named(list(store.unranked[across.condition]))}.")
    if store.shared:
        notes.append(f"{store.shared:,} groups of images lie in several sets.")
    for row in across.detectors:
        missing = [
            *([f"not scored on {named(list(row.not_scored))}"] if row.not_scored else []),
            *([f"not ranked on {named(list(row.not_ranked))}"] if row.not_ranked else []),
        ]
        notes += [f"{row.detector}: {', '.join(missing)}."] if missing else []
    return notes + [f"{reason}." for reason in dict.fromkeys(_reasons(across))]


def across_markdown(across: AcrossSets) -> list[str]:
    """Writes the section, with a link to its figure."""
    first, *others = across_tables(across)
    lines = [*first.markdown("##"), *note_lines(across_notes(across)), ""]
    lines += [f"![Mean AUROC by detector and data set]({figure_file(across.condition)})", ""]
    return lines + [line for table in others for line in table.markdown("###")]


def print_across(across: AcrossSets, console: Console, long: bool = True) -> None:
    """Prints the tables, and under them the notes; the means alone without ``long``."""
    tables, notes = across_tables(across), across_notes(across)
    if long:
        notes += [f"{table.title}: {table.note}" for table in tables]
    else:
        tables, notes = tables[:1], [*notes[:1], SHORT_NOTE]
    print_tables(tables, console, notes=notes)


def across_texts(sections: Sequence[AcrossSets], raw_names: bool = False) -> dict[str, str]:
    """Makes the files beside the leaderboard, by their names: a CSV of everything, and a figure for each condition."""
    if not sections:
        return {}
    records = (record for across in sections for record in across_records(across))
    from bench.report.plots.across import across_svg  # matplotlib takes half a second to import

    figures = {figure_file(across.condition): across_svg(across) + "\n" for across in sections}
    return {"leaderboard-across.csv": csv_text(records, COLUMNS, raw_names), **figures}


def across_records(across: AcrossSets) -> Iterator[dict[str, Any]]:
    """Yields the rows of ``leaderboard-across.csv``."""
    blank = dict.fromkeys(COLUMNS) | {"condition": across.condition}
    for row in across.detectors:
        common = blank | {"detector": row.detector, "sets": len(row.aurocs)}
        for name, number in row.aurocs.items():
            yield common | {"statistic": "set", "dataset": name, "sets": 1, **_record(number)}
        yield common | {"statistic": "mean", **_record(row.mean)}
        for statistic, worst in (("worst set", row.worst_set), ("worst generator", row.worst_generator)):
            place = {"dataset": worst.set_name, "generator": worst.generator}
            yield common | {"statistic": statistic, **place, **_record(worst.auroc)}
    for pair in across.separations:
        for first, second, count in ((pair.first, pair.second, pair.above), (pair.second, pair.first, pair.below)):
            names = {"detector": first, "rival": second, "sets": pair.sets}
            yield blank | {"statistic": "separated above", **names, "value": count / pair.sets}
    for agreement in across.agreements:
        sizes = {"sets": len(agreement.sets), "detectors": len(agreement.detectors)}
        place = {"statistic": agreement.statistic, "dataset": " | ".join(agreement.sets)}
        yield blank | place | sizes | _record(agreement.number)


def across_json(across: AcrossSets) -> dict[str, Any]:
    """Returns everything as plain values."""
    return {
        "condition": across.condition,
        "sets": [ranked.name for ranked in across.sets],
        "detectors": [
            {
                "detector": row.detector,
                "sets": {name: number.columns() for name, number in row.aurocs.items()},
                "not_ranked": list(row.not_ranked),
                "not_scored": list(row.not_scored),
                **row.mean.columns("mean"),
                "worst_set": _worst_record(row.worst_set),
                "worst_generator": _worst_record(row.worst_generator),
            }
            for row in across.detectors
        ],
        "separated": [columns_of(row, "first", "second", "sets", "above", "below") for row in across.separations],
        "agreement": [
            {
                "statistic": row.statistic,
                **{name: list(getattr(row, name)) for name in ("sets", "detectors")},
                **_record(row.number),
            }
            for row in across.agreements
        ],
        "notes": across_notes(across),
    }


def figure_file(condition: str) -> str:
    """Names the figure of a condition.

    Examples:
        >>> figure_file("clean"), figure_file("jpeg:75")
        ('leaderboard-across.svg', 'leaderboard-across-jpeg-75.svg')
    """
    tail = "" if condition == CLEAN else f"-{re.sub('[^a-z0-9.]+', '-', condition)}"
    return f"leaderboard-across{tail}.svg"


def _title(across: AcrossSets) -> str:
    where = "" if across.condition == CLEAN else f", {across.condition}"
    return f"Across {len(across.sets)} data sets{where}"


def _mean_rows(row: AcrossDetector) -> list[tuple[str, str, str]]:
    sets = next(iter(row.aurocs)) if len(row.aurocs) == 1 else f"mean of {len(row.aurocs)} sets"
    worst = row.worst_generator
    rows = [(row.detector, sets, cell(row.mean))]
    if len(row.aurocs) > 1:
        rows.append((row.detector, f"worst set: {row.worst_set.set_name}", cell(row.worst_set.auroc)))
    rows.append((row.detector, f"worst generator: {worst.generator} ({worst.set_name})", cell(worst.auroc)))
    return rows


def _where(row: Agreement, across: AcrossSets) -> str:
    return " | ".join(row.sets) if len(row.sets) == 2 else f"all {len(across.sets)} (W)"


def _reasons(across: AcrossSets) -> Iterator[str]:
    for row in across.detectors:
        for number in (row.mean, row.worst_set.auroc, row.worst_generator.auroc):
            if number.reason:
                yield f"{row.detector}: no interval, {number.reason}"
    for agreement in across.agreements:
        if agreement.number.reason:
            yield f"{_where(agreement, across)}: {agreement.number.reason}"


def _record(number: Number) -> dict[str, Any]:
    return {**number.columns(), "seeds_sd": number.seeds_sd, "reason": number.reason}


def _worst_record(worst: Worst) -> dict[str, Any]:
    return {"dataset": worst.set_name, "generator": worst.generator, **_record(worst.auroc)}
