"""Writes the page: one file that holds everything it shows and opens from disk without a network."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from bench.errors import BenchError
from bench.report.html.board import metric_tables
from bench.report.html.figures import histogram_figure, roc_figure
from bench.report.html.headline import counts, headline, images_of
from bench.report.html.histograms import histograms_of
from bench.report.html.roc import RocCurve, RocCurves
from bench.report.html.runs import cost_tables, detectors_of, older_runs, runs_of
from bench.report.html.section import Section
from bench.report.html.tables import changes_of, cue_table, sort_keys, tests_of
from bench.report.html.thumbnails import Thumbnail, Thumbnails
from bench.report.html.wrong import WrongImage, most_wrong
from bench.report.plots.robustness import robustness_svg
from bench.report.plots.svg import MARKERS, series_style
from bench.results.robustness import robustness_curves
from bench.store.files import write_atomically

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Figure:
    """A drawing, or why there is none.

    Args:
        name: What it is about.
        svg: The drawing.
        note: Under it.
    """

    name: str
    svg: str = ""
    note: str = ""


def write_html(title: str, sections: Sequence[Section], target: Path) -> Path:
    """Writes the page; the same sections give the same bytes.

    Args:
        title: Its heading.
        sections: One for each data set.
        target: The file.

    Returns:
        The file.

    Raises:
        BenchError: The file cannot be written.
    """
    if not target.parent.is_dir():
        raise BenchError(f"Cannot write {target}: there is no folder {target.parent}.")
    # A name that is no Unicode has no better way into the page than escaped.
    return write_atomically(target, render(title, sections).encode("utf-8", errors="backslashreplace"))


def render(title: str, sections: Sequence[Section]) -> str:
    """Makes the page's text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return environment.get_template("page.html.j2").render(
        title=title,
        sections=[SectionView(section, f"s{number}") for number, section in enumerate(sections, start=1)],
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        sort_keys=sort_keys,
        images_of=images_of,
    )


class SectionView:
    """What the template shows of a section.

    Args:
        section: The section.
        prefix: What its ids begin with.
    """

    def __init__(self, section: Section, prefix: str) -> None:
        self.section, self.prefix = section, prefix
        self.headline, self.counts = headline(section), counts(section)
        self.boards, self.cues = metric_tables(section), cue_table(section)
        self.tests, self.changes, self.tables = tests_of(section), changes_of(section), section.tables
        self.costs, self.detectors, self.runs = cost_tables(section), detectors_of(section), runs_of(section)
        self.older_runs = older_runs(section)
        self.roc, self.roc_draws = self._roc()
        self.histograms = self._histograms()
        self.robustness = [
            Figure(
                curve.kind,
                Markup(robustness_svg(curve, f"{prefix}r{number}-", section.detectors)),
                " ".join(f"{detector}: {reason}." for detector, reason in curve.incomplete.items()),
            )
            for number, curve in enumerate(robustness_curves(section.comparison.summary))
        ]
        self.legend = [(name, *_swatch(position)) for position, name in enumerate(section.detectors)]
        self.wrong = self._wrong()

    def _roc(self) -> tuple[list[Figure], int]:
        curves = RocCurves(self.section.comparison.panel)
        found = {name: curves.curve(name, self.section.shown) for name in self.section.detectors}
        drawn = {name: curve for name, curve in found.items() if isinstance(curve, RocCurve)}
        figures = []
        for position, (name, curve) in enumerate(found.items()):
            if isinstance(curve, str):
                figures.append(Figure(name, note=f"No curve: {curve}."))
                continue
            svg = Markup(roc_figure(name, drawn, position, f"{self.prefix}c{position}-"))
            figures.append(Figure(name, svg, f"No band: {curve.reason}." if curve.reason else ""))
        return figures, max((curve.draws for curve in drawn.values()), default=0)

    def _histograms(self) -> list[Figure]:
        figures = []
        for position, name in enumerate(self.section.detectors):
            found = histograms_of(self.section.comparison.panel, name, self.section.shown)
            if found is None:
                figures.append(Figure(name, note="No scores."))
            else:
                svg = histogram_figure(name, found, position, f"{self.prefix}h{position}-")
                figures.append(Figure(name, Markup(svg)))
        return figures

    def _wrong(self) -> list[tuple[str, dict[int, list[tuple[WrongImage, Thumbnail | None]]]]]:
        read_bytes = self.section.comparison.read_bytes
        thumbnails = Thumbnails(read_bytes) if read_bytes else None
        found = []
        for name in self.section.detectors:
            images = most_wrong(self.section.comparison.panel, name, self.section.shown)
            shown = {
                label: [(image, thumbnails.of(image.path) if thumbnails else None) for image in of]
                for label, of in images.items()
            }
            found.append((name, shown))
        return found


def _swatch(position: int) -> tuple[str, int, str]:
    """Returns a series' colour for CSS, the number of its marker, and its dashes for SVG."""
    style = series_style(position)
    dashes = {"-": "none", "--": "5 2.5", "-.": "6 2 1.5 2", ":": "1.5 2.5"}[style["linestyle"]]
    marker = MARKERS.index(style["marker"])
    return f"var(--series-{marker + 1})", marker, dashes
