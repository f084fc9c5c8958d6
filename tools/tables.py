"""Writes the tables in the documentation that follow from code and locked numbers: ``make tables``."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bench.errors import BenchError
from bench.references.locks import read_lock
from bench.report.describing import facts_json
from bench.report.detectors import DEFAULT_BACKBONE, listed_detectors
from bench.training.recipes import RECIPES
from detectors.facts import FILE, DetectorFacts, recorded_facts
from tools.coverage_overview import overview
from tools.markdown import markdown_table, plain_text
from tools.real_weights import LEFT_OUT

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- table:begin -->", "<!-- table:end -->"
DETECTORS = ("name", "idea", "paper", "passes per image", "needs")
OPTIONS = ("detector", "option", "default", "meaning")
STATUS = ("detector", "run for real?")
RESULTS = ("detector", "AUROC [95 %]", "AP (generated)", "AP (real)")
FACTS = ROOT / "detectors" / FILE
LOCK = ROOT / "bench" / "references" / "demo.json"


def detectors_markdown() -> str:
    """Writes the table of detectors; the same on every machine."""
    methods = listed_detectors()
    rows = [(f"`{one.name}`", plain_text(one.title), one.paper, one.cost, plain_text(_needs(one))) for one in methods]
    return "\n".join(markdown_table(DETECTORS, rows))


def options_markdown() -> str:
    """Writes the table of every detector's options; the same on every machine."""
    rows = [
        (f"`{method.name}`", f"`{one.name}`", f"`{one.default}`", plain_text(one.meaning))
        for method in listed_detectors()
        for one in method.options
    ]
    return "\n".join(markdown_table(OPTIONS, rows))


def status_markdown() -> str:
    """Writes what was run of every detector; the same on every machine."""
    rows = [(f"`{method.name}`", _standing(method)) for method in listed_detectors()]
    return "\n".join(markdown_table(STATUS, rows))


def results_markdown() -> str:
    """Writes the means of the demo's locked numbers, highest AUROC first."""
    lock = read_lock(LOCK)
    means = {
        (number.detector, number.metric): number.value
        for number in lock.statistics
        if number.generator == "mean" and number.condition == "clean"
    }
    values = {name: value for (name, metric), value in means.items() if metric == "auroc" and value is not None}
    shown = sorted((name for name in values if name in lock.detectors), key=lambda name: -values[name])
    rows = [
        (
            f"`{name}`",
            f"{values[name]:.2f} [{means[name, 'auroc low']:.2f}, {means[name, 'auroc high']:.2f}]",
            *(f"{means[name, metric]:.2f}" for metric in ("ap_generated", "ap_real")),
        )
        for name in shown
    ]
    return "\n".join(markdown_table(RESULTS, rows))


TABLES: Mapping[Path, Callable[[], str]] = {
    ROOT / "README.md": results_markdown,
    ROOT / "docs" / "detectors.md": detectors_markdown,
    ROOT / "docs" / "statistics.md": overview,
    ROOT / "docs" / "status.md": status_markdown,
    ROOT / "detectors" / "README.md": options_markdown,
}
"""The table of each file."""


def with_table(text: str, table: str) -> str:
    """Replaces what stands between a file's markers.

    Args:
        text: The text of the file.
        table: What is to stand there.

    Raises:
        BenchError: The markers are missing, or there more than once.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise BenchError(f"A file with a table must hold {BEGIN} and, after it, {END}, once each.")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def main() -> None:
    """Rewrites the facts of this checkout's detectors, and its tables."""
    FACTS.write_text(facts_json(), encoding="utf-8")
    recorded_facts.cache_clear()
    print(f"Written: {FACTS}.")
    for file, table in TABLES.items():
        file.write_text(with_table(file.read_text(encoding="utf-8"), table()), encoding="utf-8")
        print(f"Written: {file}.")


def _needs(method: DetectorFacts) -> str:
    needs = [need for need in method.needs if not need.what.startswith("backbone")]
    asked = [need.what for need in method.needs if need.what.startswith("backbone")]
    words = ["a backbone" if what == f"backbone {DEFAULT_BACKBONE}" else what for what in asked]
    # The files that a checkpoint may be are on the card.
    words += [need.what.partition(" (")[0] for need in needs if not need.wanted_for]
    others = ", ".join(need.what for need in needs if need.wanted_for)
    return ", ".join(words) + (f"; for other options: {others}" if others else "")


def _standing(method: DetectorFacts) -> str:
    if recipe := RECIPES.get(method.name):
        how = "fitted" if recipe.linear else "trained from random weights"
        return f"{how} and tested on the CPU, with few images"
    if method.name in LEFT_OUT:
        return "no: tiny random models"
    if any(option.name == "checkpoint" for option in method.options):
        return "no: random weights in the layout of the released files"
    embedded = any("autoencoders of the demo" in need.what for need in method.needs)
    return "yes, with the demo's autoencoders" if embedded else "yes, on the CPU"


if __name__ == "__main__":
    main()
