"""Writes the page: one file that holds everything it shows and opens from disk without a network."""

import base64
import functools
import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bench.errors import BenchError
from bench.report.escaping import printable
from bench.report.given import given_table
from bench.report.heat_map import change_table
from bench.report.html.board import metric_tables
from bench.report.html.headline import area_words, counts, headline, images_of
from bench.report.html.heat import heat_table
from bench.report.html.histograms import histogram_figure, histograms_of
from bench.report.html.names import Names
from bench.report.html.roc import RocCurve, mean_roc_curve, roc_figure
from bench.report.html.runs import MOST_RUNS, cost_tables, described, latest_run, runs_of
from bench.report.html.wrong import most_wrong, thumbnail_of
from bench.report.images import further_tables
from bench.report.numbers import value_text
from bench.report.plots.colours import css_variables
from bench.report.plots.robustness import robustness_svg
from bench.report.plots.svg import MARKERS, series_style
from bench.report.ranks import ranking_tables
from bench.report.table import Table
from bench.results.comparison import Comparison
from bench.results.cues.worst import ALL_CUES, WORST_CUE
from bench.results.robustness import robustness_curves
from bench.results.summary import MEAN
from bench.statistics.ranking import Ranking
from bench.store.files import write_atomically

HERE = Path(__file__).parent
CUES_NOTE = (
    "The simple property of an image that tells the classes apart best, and a logistic regression on all of them, both "
    "cross-fitted and without an interval. Above: a paired test puts the detector above every property and above all "
    "together. Below: one of them is better (Holm over them). A detector that is not above may have measured nothing "
    "else."
)
_NUMBER = re.compile(r"(?:< )?([+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?)(?=$|[\s\[%])")
DASHES = {"-": "none", "--": "5 2.5", "-.": "6 2 1.5 2", ":": "1.5 2.5"}
"""The lines of series, for SVG."""

EXTENTS = {"short": 24, "long": 72, "longer": math.inf}
"""Letters of a cell, for its least width."""


@dataclass(frozen=True)
class Figure:
    """A drawing, with a note below it, or why there is none."""

    name: str
    svg: str = ""
    note: str = ""


@dataclass(frozen=True)
class Section:
    """What the page says of one data set.

    Args:
        notes: What a reader must know, a sentence each.
        warnings: What makes the numbers doubtful.
        tables: Further tables.
        figures: Drawings of their own, shown with these tables.
        heading: What it is called; by default as the comparison is.
    """

    comparison: Comparison
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    heading: str = ""


def write_html(
    title: str,
    sections: Sequence[Section],
    target: Path,
    across: Sequence[Mapping[str, Any]] = (),
    last: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Writes the page, with a section for each data set; the same sections give the same bytes.

    Before them stand those about several sets, of `bench.report.html.across.shown_across`, and behind them ``last``,
    which are made alike.

    Raises:
        BenchError: The file cannot be written.
    """
    if not target.parent.is_dir():
        raise BenchError(f"Cannot write {target}: there is no folder {target.parent}.")
    # A name that is no Unicode has no better way into the page than escaped.
    return write_atomically(target, render(title, sections, across, last).encode("utf-8", errors="backslashreplace"))


def render(
    title: str,
    sections: Sequence[Section],
    across: Sequence[Mapping[str, Any]] = (),
    last: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Makes the page's text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        finalize=_shown_text,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    comparisons = [section.comparison for section in sections]
    generators = (rule.generator for c in comparisons for rules in c.panel.contrasts.values() for rule in rules)
    environment.filters["name"] = Names([*(label for c in comparisons for label in c.labels), *generators])
    environment.filters["extent"] = _extent
    colours = {"light": Markup(css_variables()), "dark": Markup(css_variables(dark=True))}
    script = (HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return environment.get_template("page.html.j2").render(
        title=title,
        across=across,
        last=last,
        sections=[_shown(section, f"s{number}") for number, section in enumerate(sections, start=1)],
        version=version("fauxbench"),
        latest=latest_run(comparisons),
        style=Markup(environment.get_template("page.css").render(colours)),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        sort_keys=sort_keys,
        images_of=images_of,
    )


def _shown_text(value: Any) -> Any:  # noqa: ANN401 - whatever the template shows
    """Writes out what a browser would obey in a name, such as a change of direction; what we wrote ourselves stays."""
    return printable(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value


def _extent(text: str) -> str:
    """Says how much room a text of a table takes: a line of its own, several, or many."""
    return next(name for name, most in EXTENTS.items() if len(text) <= most)


def sort_keys(rows: Sequence[Sequence[str]], column: int) -> list[float] | None:
    """Reads a column as numbers, each text by the number that it starts with.

    Returns:
        A number for each row, nan where there is no text; None where a text is no number.

    Examples:
        >>> sort_keys([["0.91 [0.88, 0.93]"], ["< 0.0001"], ["1,024"]], 0)
        [0.91, 0.0001, 1024.0]
        >>> sort_keys([["12"], ["2026-01-01"]], 0)
    """
    keys = []
    for row in rows:
        number = _NUMBER.match(row[column])
        if number is None and row[column] not in ("", "n/a"):
            return None
        keys.append(float(number[1].replace(",", "")) if number else float("nan"))
    return keys if any(row[column] for row in rows) else None


def _shown(section: Section, prefix: str) -> dict[str, Any]:
    """Makes what the template shows of a section, whose ids begin with ``prefix``."""
    comparison, first = section.comparison, section.comparison.conditions[0]
    curves = {name: mean_roc_curve(comparison.panel, name, first) for name in comparison.labels}
    rankings = {condition: comparison.rankings.get(condition, Ranking()) for condition in comparison.conditions}
    tests = {condition: ranking_tables(ranking, comparison.views) for condition, ranking in rankings.items()}
    given = given_table(comparison)
    changes = change_table(comparison, "Against the clean images")
    return {
        "section": section,
        "prefix": prefix,
        "first": first,
        "headline": list(headline(comparison, first)),
        "counts": counts(comparison),
        "boards": metric_tables(comparison),
        "cues": _cue_table(comparison),
        "tests": {condition: tables for condition, tables in tests.items() if tables},
        "given": given if given.rows else None,
        "changes": changes if changes.rows else None,
        "tables": [*further_tables(comparison), *section.tables],
        "costs": cost_tables(comparison),
        "detectors": [(detector, described(comparison, detector)) for detector in comparison.labels],
        "runs": runs_of(comparison),
        "older_runs": max(0, len(comparison.runs) - MOST_RUNS),
        "roc": list(_roc_figures(comparison, curves, prefix)),
        "roc_draws": max((curve.draws for curve in curves.values() if isinstance(curve, RocCurve)), default=0),
        "histograms": list(_histogram_figures(comparison, first, prefix)),
        "heat": heat_table(comparison),
        "robustness": list(_robustness_figures(comparison, prefix)),
        "legend": [(name, *_swatch(position)) for position, name in enumerate(comparison.labels)],
        "wrong": _wrong_images(comparison, first),
    }


def _cue_table(comparison: Comparison) -> Table | None:
    """Makes a row for each generator: its worst cue, all together, and how every detector stands against them."""
    cues = comparison.cues
    together = {
        (row.condition, row.generator): value_text(row.numbers["auroc"])
        for row in cues.rows
        if row.detector == ALL_CUES
    }
    tested = {detector for detector, _, _ in cues.verdicts}
    detectors = [detector for detector in comparison.labels if detector in tested]
    rows = [
        [
            row.condition,
            row.generator,
            cues.names.get((row.condition, row.generator), "each generator's own" if row.generator == MEAN else ""),
            value_text(row.numbers["auroc"]),
            together.get((row.condition, row.generator), ""),
            *(cues.verdicts.get((detector, row.condition, row.generator), "") for detector in detectors),
        ]
        for row in cues.rows
        if row.detector == WORST_CUE
    ]
    columns = ("condition", "generator", "worst cue", "AUROC", "all cues together", *detectors)
    return Table("", columns, rows, CUES_NOTE) if rows else None


def _roc_figures(comparison: Comparison, curves: dict[str, RocCurve | str], prefix: str) -> Iterator[Figure]:
    drawn = {name: curve for name, curve in curves.items() if isinstance(curve, RocCurve)}
    for position, (name, curve) in enumerate(curves.items()):
        if isinstance(curve, str):
            yield Figure(name, note=f"No curve: {curve}.")
        else:
            svg = roc_figure(name, drawn, position, f"{prefix}c{position}-")
            reason = f"No band: {curve.reason}." if curve.reason else ""
            yield Figure(name, Markup(svg), f"{area_words(comparison, name)} {reason}".strip())


def _histogram_figures(comparison: Comparison, condition: str, prefix: str) -> Iterator[Figure]:
    for position, name in enumerate(comparison.labels):
        histograms = histograms_of(comparison.panel, name, condition)
        if histograms is None:
            yield Figure(name, note="No scores.")
        else:
            yield Figure(name, Markup(histogram_figure(name, histograms, position, f"{prefix}h{position}-")))


def _robustness_figures(comparison: Comparison, prefix: str) -> Iterator[Figure]:
    for number, curve in enumerate(robustness_curves(comparison.summary)):
        svg = robustness_svg(curve, f"{prefix}r{number}-", comparison.labels)
        yield Figure(curve.kind, Markup(svg), " ".join(f"{name}: {why}." for name, why in curve.incomplete.items()))


def _wrong_images(comparison: Comparison, condition: str) -> list[tuple[str, dict[int, list[tuple[Any, Any]]]]]:
    """Lists the most wrong images of each detector by label, each with its thumbnail where there are image files."""
    read_bytes = comparison.read_bytes
    thumbnail = functools.cache(lambda path: thumbnail_of(path, read_bytes) if read_bytes else None)
    wrong = {name: most_wrong(comparison.panel, name, condition) for name in comparison.labels}
    return [
        (name, {label: [(image, thumbnail(image.path)) for image in images] for label, images in by_label.items()})
        for name, by_label in wrong.items()
    ]


def _swatch(position: int) -> tuple[str, int, str, str]:
    """Returns a series' colour for CSS, the number of its marker, its dashes for SVG, and what a screen reader says."""
    style = series_style(position)
    marker = MARKERS.index(style["marker"])
    return f"var(--series-{marker + 1})", marker, DASHES[style["linestyle"]], f"line and marker {position + 1}"
