"""The ``robustness`` command: how detectors stand degraded images, level by level and over all levels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bench.errors import BenchError
from bench.report.robustness_frames import RobustnessReport, area_frame, pair_frame, point_frame
from bench.report.robustness_plot import robustness_svg
from bench.report.robustness_tables import figure_file, robustness_markdown, robustness_notes, robustness_tables
from bench.report.tables import print_tables
from bench.results.comparison import Comparison, compare
from bench.scoring.options import RunOptions
from bench.store.files import write_atomically
from datamodules.degradations import BOTH, CLASSES, CLEAN, PRESETS, parse_condition

DEFAULT_PRESET = "rigid"
WORST_CUE_NOTE = "Worst cue: "


@dataclass(frozen=True, kw_only=True)
class RobustnessStudy(RobustnessReport):
    """A robustness report with the comparison that it was made from, which a page needs, too.

    Args:
        comparison: The numbers, scores and facts.
    """

    comparison: Comparison


def robustness(
    detectors: Sequence[str],
    options: RunOptions,
    preset: str | None = None,
    conditions: Sequence[str] = (),
    only: str | None = None,
    progress: bool = False,
) -> RobustnessStudy | None:
    """Compares detectors on clean and degraded images; each image is read and decoded once for all conditions.

    Args:
        detectors: As on the command line.
        options: Data, backbone and machine; its conditions are not looked at.
        preset: As for :func:`robustness_conditions`.
        conditions: As for :func:`robustness_conditions`.
        only: As for :func:`robustness_conditions`.
        progress: Whether to draw a progress bar.

    Returns:
        The numbers; nothing on devices other than the first.

    Raises:
        BenchError: The options cannot be carried out, or a detector failed.
        DataOptionError: A condition is not in the language.
    """
    chosen = robustness_conditions(preset, conditions, only)
    comparison = compare(detectors, replace(options, conditions=chosen), progress, tables=False)
    return None if comparison is None else report_of(comparison)


def report_of(comparison: Comparison) -> RobustnessStudy:
    """Takes the numbers of a comparison under several conditions."""
    report = comparison.report
    # The worst cue is not in these tables: what we do to both classes says nothing of the data.
    notes = [note for note in report.notes if not note.startswith(WORST_CUE_NOTE)]
    title = f"{report.title}: robustness"
    return RobustnessStudy(
        title, report.summary, notes, report.warnings, report.views, comparison.scored, comparison=comparison
    )


def robustness_conditions(
    preset: str | None = None, conditions: Sequence[str] = (), only: str | None = None
) -> tuple[str, ...]:
    """Chooses the conditions of a study: those of a preset, then others, each once.

    Args:
        preset: One of :data:`datamodules.degradations.PRESETS`; ``rigid`` where no conditions are given either.
        conditions: Further conditions, such as ``jpeg:75``.
        only: ``real`` or ``generated``, the only class to be degraded; both by default.

    Raises:
        BenchError: The preset or the class is unknown, or a condition cannot be limited, or is the clean images.
        DataOptionError: A condition is not in the language.

    Examples:
        >>> robustness_conditions(conditions=["noise:0.10", "blur:2+jpeg:75"], only="generated")
        ('noise:0.1@generated', 'blur:2+jpeg:75@generated')
    """
    name = DEFAULT_PRESET if preset is None and not conditions else preset
    if name is not None and name not in PRESETS:
        raise BenchError(f"Unknown --preset {name!r}. Available: {', '.join(sorted(PRESETS))}.")
    if only is not None and only not in CLASSES:
        raise BenchError(f"--only must be one of {', '.join(sorted(CLASSES))}, got {only!r}.")
    texts = [*(PRESETS[name] if name else ()), *conditions]
    return tuple(dict.fromkeys(_limited(text, only) for text in texts))


def _limited(text: str, only: str | None) -> str:
    condition = parse_condition(text)
    if condition.name == CLEAN:
        raise BenchError(f"The condition {CLEAN!r} is always there: leave it out of --conditions.")
    if only is None:
        return condition.name
    if condition.classes != BOTH:
        raise BenchError(f"The condition {text!r} names its class already: leave out @... there, or --only {only}.")
    return replace(condition, classes=CLASSES[only]).name


def write_robustness(report: RobustnessReport, output: Path) -> tuple[Path, ...]:
    """Writes points, areas and pairs as CSV, everything as Markdown, and a figure for each kind.

    Args:
        report: The numbers.
        output: The results' folder.

    Returns:
        The files.

    Raises:
        BenchError: A file cannot be written.
    """
    texts = {
        "robustness.csv": point_frame(report).write_csv(),
        "robustness-areas.csv": area_frame(report).write_csv(),
        "robustness-pairs.csv": pair_frame(report).write_csv(),
        "robustness.md": robustness_markdown(report),
        **{figure_file(curve.kind): robustness_svg(curve) + "\n" for curve in report.curves},
    }
    return tuple(write_atomically(output / name, text.encode()) for name, text in texts.items())


def print_robustness(report: RobustnessReport, files: Sequence[Path], console: Console) -> None:
    """Prints the tables, and under them the warnings, the notes and what was written."""
    print_tables(robustness_tables(report), console)
    for warning in report.warnings:
        console.print(Text(f"Warning: {warning}", style="yellow"), soft_wrap=True)
    for note in robustness_notes(report):
        console.print(Text(f"- {note}"), soft_wrap=True)
    print(f"Scored now: {report.scored}. Written: {', '.join(map(str, files))}.")
