"""A sweep over a detector's settings: its table, its sentences, Markdown, CSV, and plain values for ``--json``."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from bench.report.escaping import markdown
from bench.report.notes import comparison_notes, warnings_of
from bench.report.numbers import cell
from bench.report.plots.sweep import sweep_svg
from bench.report.store_notes import CHOSEN
from bench.report.table import Table, frame_csv, note_lines, print_tables, write_texts
from bench.results.sweep import SettingResult, Sweep
from bench.statistics.ranking import SIGNIFICANT
from bench.store.schema import CLEAN
from bench.store.sweeps import SweptSettings

FIGURE = "sweep.svg"
OWN = "the method's own"


def sweep_table(sweep: Sweep) -> Table:
    """Makes a row for each setting under each condition; the condition is a column where there are several."""
    several = len(sweep.results) > 1
    names = (*(("condition",) if several else ()), *sweep.options)
    columns = (*names, "AUROC", "against chance", "")
    rows = []
    for condition, results in sweep.results.items():
        for result in results:
            where = ((condition,) if several else ()) + tuple(result.setting.values.values())
            mark = _mark(sweep, condition, result)
            rows.append((*where, cell(result.auroc), result.auroc.against_chance or "", mark))
    title = f"{sweep.comparison.run['data']['title']}: {len(sweep.settings)} settings of {sweep.method}"
    return Table(title, columns, rows, names=len(names), numbers=["AUROC"])


def sweep_sentences(sweep: Sweep) -> list[str]:
    """Says for each condition whether the sign depends on the setting, and which setting is best."""
    sentences = []
    for condition in sweep.results:
        where = "" if condition == CLEAN else f"{condition}: "
        ends = sweep.extremes(condition)
        if ends is None:
            sentences.append(f"{where}No setting has an AUROC.")
            continue
        sentences += [where + _sign_words(sweep, condition, *ends), where + _best_words(sweep, ends[1])]
    return sentences


def sweep_notes(sweep: Sweep) -> list[str]:
    """Writes what a reader must know: the sweep's own sentences, and then what holds for every comparison.

    The table has the settings, and says itself which is chosen on this data.
    """
    findings = [finding for finding in sweep.comparison.findings if not isinstance(finding, SweptSettings)]
    return [
        *sweep_sentences(sweep),
        "The store keeps what was tried: compare and leaderboard mark these settings on this data set from now on.",
        *comparison_notes(replace(sweep.comparison, findings=findings), worst_cue=False, settings=False),
    ]


def print_sweep(sweep: Sweep, console: Console) -> None:
    """Prints the table, and under it warnings and notes."""
    print_tables([sweep_table(sweep)], console, warnings_of(sweep.comparison), sweep_notes(sweep))


def write_sweep(sweep: Sweep, output: Path, raw_names: bool = False) -> tuple[Path, ...]:
    """Writes ``sweep.csv``, with every generator, ``sweep.md`` and the figure; ``raw_names`` as for `csv_line`."""
    table = sweep_table(sweep)
    lines = [*table.markdown("##"), f"![AUROC by setting of {markdown(sweep.method)}]({FIGURE})", ""]
    lines += note_lines(sweep_notes(sweep), warnings_of(sweep.comparison))
    texts = {"sweep.csv": frame_csv(sweep_frame(sweep), raw_names), "sweep.md": "\n".join(lines) + "\n"}
    return write_texts(texts | {FIGURE: sweep_svg(sweep) + "\n"}, output)


def sweep_frame(sweep: Sweep) -> pl.DataFrame:
    """Returns the rows of ``compare.csv`` with the settings: every generator and metric, and how each setting stands.

    The interval for all settings at once is that of the AUROC that they are compared by.
    """
    rows = [
        {
            "detector": result.setting.label,
            "condition": condition,
            "is_default": result.setting.is_default,
            "highest": _is_best(sweep, condition, result),
            **{f"option_{name}": value for name, value in result.setting.values.items()},
        }
        for condition, results in sweep.results.items()
        for result in results
    ]
    intervals = [
        {
            "detector": result.setting.label,
            "condition": condition,
            "generator": result.row.generator,
            "metric": "auroc",
            "low_of_all_settings": result.simultaneous and result.simultaneous.low,
            "high_of_all_settings": result.simultaneous and result.simultaneous.high,
        }
        for condition, results in sweep.results.items()
        for result in results
    ]
    ends = {"low_of_all_settings": pl.Float64, "high_of_all_settings": pl.Float64}
    on = ["detector", "condition"]
    frame = sweep.comparison.to_polars().join(pl.DataFrame(rows), on=on, maintain_order="left")
    known = pl.DataFrame(intervals, schema_overrides=ends)
    return frame.join(known, on=[*on, "generator", "metric"], how="left", maintain_order="left")


def sweep_json(sweep: Sweep) -> dict[str, Any]:
    """Returns everything as plain values."""
    return {
        "title": sweep.comparison.title,
        "numbers": sweep_frame(sweep).to_dicts(),
        "sign": {condition: sweep.sign(condition) for condition in sweep.results},
        "highest": {name: ends[1].setting.label for name in sweep.results if (ends := sweep.extremes(name))},
        "warnings": warnings_of(sweep.comparison),
        "notes": sweep_notes(sweep),
        "scored": sweep.comparison.scored,
    }


def _is_best(sweep: Sweep, condition: str, result: SettingResult) -> bool:
    ends = sweep.extremes(condition)
    return ends is not None and result is ends[1]


def _mark(sweep: Sweep, condition: str, result: SettingResult) -> str:
    """Marks the method's own setting, and the highest: of others that is one chosen on this data."""
    best = _is_best(sweep, condition, result)
    if result.setting.is_default:
        return f"{OWN}, highest" if best else OWN
    return CHOSEN if best else ""


def _sign_words(sweep: Sweep, condition: str, lowest: SettingResult, highest: SettingResult) -> str:
    sign, count = sweep.sign(condition), len(sweep.settings)
    low, high = (f"{values_text(end.setting.values)} {cell(end.auroc)}" for end in (lowest, highest))
    if sign == "depends":
        level = f"{1 - SIGNIFICANT / count:.2%}".replace("%", " %")
        return (
            f"The sign depends on the setting: above chance is {high}, below it {low}; also by the intervals that hold "
            f"for all {count} settings at once ({level} each)."
        )
    if sign == "not adjusted":
        return (
            f"The sign may depend on the setting: each by its own 95 % interval, {high} is above chance and {low} "
            f"below it, but not by intervals that hold for all {count} settings at once."
        )
    if sign == "values alone":
        lacking = lowest.auroc.interval is None or highest.auroc.interval is None
        why = "without an interval" if lacking else "but are not separated from it on both"
        return f"AUROCs lie on both sides of 0.5, from {low} to {high}, {why}: the sign may be chance."
    return f"No setting turns the sign: AUROCs from {low} to {high}."


def _best_words(sweep: Sweep, best: SettingResult) -> str:
    named = values_text(best.setting.values)
    if best.setting.is_default:
        return f"Highest of {len(sweep.settings)} settings: {named}, which is the method's own."
    return (
        f"Highest of {len(sweep.settings)} settings: {named}, {CHOSEN}, so that its number is optimistic: take other "
        f"images to measure it."
    )


def values_text(values: Mapping[str, str]) -> str:
    """Names a setting by what was swept.

    Examples:
        >>> values_text({"noise": "0.01", "view": "native"})
        'noise=0.01, view=native'
    """
    return ", ".join(f"{option}={value}" for option, value in values.items())
