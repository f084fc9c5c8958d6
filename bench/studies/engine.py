"""Comparison studies: detectors on data, what the paper prints, and how ours compares."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace

from bench.errors import BenchError, is_users_mistake, message_of
from bench.report.loggers.session import compare_and_log
from bench.report.notes import comparison_notes, warnings_of
from bench.report.plots.robustness import robustness_svg
from bench.report.robustness import figure_file
from bench.results.comparison import Comparison
from bench.results.robustness import robustness_curves
from bench.results.summary import MEAN
from bench.results.thresholds.halves import Halves
from bench.results.thresholds.points import operating_points
from bench.results.thresholds.rules import parse_rule
from bench.scoring.build import create_datamodule
from bench.scoring.forecast import own_passes
from bench.scoring.machine.signals import is_first_process
from bench.scoring.options import RunOptions
from bench.store.schema import CLEAN
from bench.studies.arms import Arm, adapted, chosen_arms, grouped, in_presets, without_blocks
from bench.studies.base import Cost, Line, Result, Study
from bench.studies.figures import Axis, draw_rows, draw_sweep
from bench.studies.paper_table import Measured, PaperTable, origin_of
from detectors import create_backbone

RULES = ("fpr:1", "fpr:5", "fpr:10", "best")
ACCURACIES = ("accuracy", "balanced_accuracy")


@dataclass
class ComparisonStudy(Study):
    """Detectors compared on one data set.

    Args:
        arms: The rows; backbones of their own, separated by commas, are the study's ``backbone`` by default.
        table: The table of the reference file that holds the paper's numbers; the study's place by default.
        generators: The generators of the paper's table on its data; None for all.
        conditions: Degradations beside the clean images.
        metrics: As in ``bench.statistics.metrics``; the AP of WePe's code, as of RIGID's, is ``ap_real``.
        by_generator: Whether the table has a column for each generator, or only their mean.
        rest: Whether the table's other rows are shown as reported.
        axis: What the levels of the arms measure, for a sweep.
        view: ``method``, or ``common``, one crop for all; a preset has its own.
    """

    arms: Sequence[Arm]
    _: KW_ONLY
    table: str = ""
    generators: Sequence[str] | None = None
    conditions: Sequence[str] = ()
    metrics: Sequence[str] = ("auroc", "ap_real")
    by_generator: bool = False
    rest: bool = True
    axis: Axis | None = None
    seeds: int = 5
    view: str = "method"
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.table = self.table or self.place
        self.backbone = self.backbone or ", ".join(arm.backbone for arm in self.arms if arm.backbone)
        super().__post_init__()

    def defaults(self, dataset: str) -> dict[str, object]:
        """Returns the options that hold unless the user names others; generators are declared for the paper's data."""
        return {
            **super().defaults(dataset),
            "generators": self.generators if dataset == self.dataset else None,
            "view": self.view,
            "conditions": self.conditions,
        }

    def cost(self, options: RunOptions, images: int) -> Cost:  # noqa: D102 - see Study
        arms = self._chosen(options)
        passes = 0
        for settings, group in grouped(arms, options):
            perturbed = [own_passes(without_blocks(arm.detector)) for arm in group]
            # What needs no backbone has no clean pass of it either.
            passes += (1 + len(options.conditions)) * (settings.seeds * sum(perturbed) + any(perturbed))
        notes = []
        if any("aeroblade" in arm.detector for arm in arms):
            notes.append("and a reconstruction by each autoencoder of aeroblade under each condition")
        if any(arm.top for arm in arms) and options.backbone != self.backbone:
            notes.append("and a pass for each block on the real images held out")
        return Cost(images, passes, "; ".join(notes))

    def run(self, options: RunOptions, progress: bool = False) -> Result:  # noqa: D102 - see Study
        create_datamodule(options).setup()  # data that are not here are told before weights are fetched
        paper = PaperTable(self.paper, self.table, self.dataset, options.dataset != self.dataset)
        lines: list[Line] = []
        notes = dict.fromkeys([*self.notes, *self._overridden(options)])
        figures: dict[str, str] = {}
        not_run: list[tuple[str, str]] = []
        arms = self._chosen(options)
        for settings, group in grouped(arms, options):
            try:
                depth = create_backbone(settings.backbone, settings.weights).depth
                kept, adaptations = adapted(group, settings.dataset, depth, self.paper)
                comparison = compare_and_log([arm.detector for arm in kept], settings, progress)
            except Exception as error:
                if not is_users_mistake(error):
                    raise
                reason = one_line(error)
                lines += [paper.not_run(arm, metric, reason) for arm in group for metric in self.metrics]
                not_run += [(arm.row, reason) for arm in group]
                notes.update(dict.fromkeys(not_run_note(*part) for part in not_run))
                continue
            if comparison is None:
                continue  # this device takes part in every comparison, and the first one writes
            lines += [
                paper.line(measured, origin_of(comparison, measured.arm.detector, settings))
                for measured in self.measure(comparison, {arm.detector: arm for arm in kept})
            ]
            figures.update(self.figures_of(comparison, kept))
            warnings = [f"Warning: {warning}" for warning in warnings_of(comparison)]
            # The worst cue is not in these tables.
            notes.update(dict.fromkeys([*adaptations, *warnings, *comparison_notes(comparison, worst_cue=False)]))
        if len(not_run) == len(arms):
            raise BenchError(not_run[0][1])
        if not is_first_process():
            return Result()
        if self.rest:
            lines += paper.rest(self.metrics, self.by_generator)
        figures.update(self._figures(lines, options, arms))
        return Result(tuple(lines), figures, tuple(notes), tuple(not_run))

    def _chosen(self, options: RunOptions) -> list[Arm]:
        """Takes the arms that a run is about, in each preset."""
        arms = in_presets(self.arms, self.presets, options.view == self.view)
        return chosen_arms(arms, options.backbone, self.backbone)

    def measure(self, comparison: Comparison, arms: Mapping[str, Arm]) -> Iterator[Measured]:
        """Yields our numbers; the arms are by their detector's label."""
        rows = comparison.summary.rows if self.by_generator else comparison.summary.means
        for row in rows:
            arm = arms[row.detector]
            name = arm.row if row.condition == CLEAN else f"{arm.row}, {row.condition}"
            for metric in self.metrics:
                yield Measured(name, arm, row.generator, row.condition, metric, row.numbers[metric])

    def figures_of(self, comparison: Comparison, arms: Sequence[Arm]) -> dict[str, str]:
        """Draws what only the comparison itself holds."""
        return {}

    def _figures(self, lines: Sequence[Line], options: RunOptions, arms: Sequence[Arm]) -> dict[str, str]:
        targets = {line.column for line in lines if line.ours is not None}
        column = MEAN if MEAN in targets or not targets else min(targets)
        # The paper's mean stands beside our only generator.
        chosen = [line for line in lines if line.column in (column, MEAN)]
        title = f"{self.source}: {self.title}, {options.dataset}, {options.backbone}"
        if self.axis is None:
            return {self.name: draw_rows(title, chosen, self.metrics)}
        levels = {arm.row: arm.level for arm in arms if arm.level is not None}
        return {self.name: draw_sweep(title, self.axis, levels, chosen, self.metrics)}

    def _overridden(self, options: RunOptions) -> Iterator[str]:
        """Says what the user, or the data, put in the place of what the study declares."""
        for name, declared in self.defaults(options.dataset).items():
            nothing = "none" if name == "resize" else "all"
            given, default = _words(getattr(options, name), nothing), _words(declared, nothing)
            if given != default:
                yield f"--{name} {given} rather than the study's {default}."
        if options.limit is not None:
            yield f"--limit {options.limit}: at most so many images of each source."


class AccuracyStudy(ComparisonStudy):
    """Accuracies under every named threshold rule; the paper does not say its rule."""

    def measure(self, comparison: Comparison, arms: Mapping[str, Arm]) -> Iterator[Measured]:  # noqa: D102
        halves = Halves(comparison.panel)
        for label, arm in arms.items():
            for rule in RULES:
                for point in operating_points(halves, label, CLEAN, parse_rule(rule)):
                    row = f"{arm.row}, {point.rule}"
                    for metric in self.metrics:
                        yield Measured(row, arm, point.generator, CLEAN, metric, point.numbers[metric], rule)


class RobustnessStudy(ComparisonStudy):
    """Mean AUROC over the levels of each degradation."""

    def figures_of(self, comparison: Comparison, arms: Sequence[Arm]) -> dict[str, str]:  # noqa: D102
        names = {arm.detector: arm.row for arm in arms}
        rows = [replace(row, detector=names[row.detector]) for row in comparison.summary.means]
        of_preset = [name for name in self.presets if all(arm.row.endswith(f"({name})") for arm in arms)]
        which = re.sub(r"\W+", "-", arms[0].row.lower()).strip("-") if len(arms) == 1 else "".join(of_preset)
        start = f"{self.name}-{which}-" if which else f"{self.name}-"
        return {
            start + figure_file(curve.kind).removesuffix(".svg"): robustness_svg(curve)
            for curve in robustness_curves(replace(comparison.summary, rows=rows))
        }


def _words(value: object, nothing: str) -> str:
    if value is None:
        return nothing
    if isinstance(value, str) or not isinstance(value, Sequence):
        return str(value)
    return " ".join(map(str, value)) or "none"


def one_line(error: Exception) -> str:
    """Writes an error's message in one line."""
    return " ".join(message_of(error).split())


def not_run_note(part: str, reason: str) -> str:
    """Says that a part of a study could not run."""
    return f"Not run: {part}: {reason}"
