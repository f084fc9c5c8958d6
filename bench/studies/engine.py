"""Runs a comparison study: detectors on data, what the paper prints, and how ours compares."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bench.errors import BenchError, is_users_mistake
from bench.report.notes import comparison_notes, warnings_of
from bench.report.wandb import compare_and_log
from bench.results.comparison import Comparison
from bench.results.summary import MEAN
from bench.scoring.build import create_datamodule
from bench.scoring.forecast import own_passes
from bench.scoring.options import RunOptions
from bench.store.schema import CLEAN
from bench.studies.arms import Arm, adapted, chosen_arms, grouped, without_blocks
from bench.studies.base import Cost, Line, Paper, Result, Study
from bench.studies.figures import Axis, draw_rows, draw_sweep
from bench.studies.paper_table import Measured, Origin, PaperTable
from detectors import create_backbone

METRICS = ("auroc", "ap_real")


class ComparisonStudy(Study):
    """Detectors compared on one data set.

    Args:
        name: As in ``Study``.
        title: As in ``Study``.
        place: As in ``Study``.
        dataset: As in ``Study``.
        arms: The rows.
        paper: As in ``Study``.
        backbone: As in ``Study``; where rows have their own, all of them, separated by commas.
        table: The table of the reference file that holds the paper's numbers; None where nothing is printed.
        generators: The generators of the paper's table on its data; None for all.
        conditions: Degradations beside the clean images.
        metrics: As in ``bench.statistics.metrics``; the paper's AP is most likely ``ap_real``.
        by_generator: Whether the table has a column for each generator, or only their mean.
        rest: Whether the table's other rows are shown as reported.
        axis: What the levels of the arms measure, for a sweep.
        seeds: Number of seeds.
        view: ``common``, the paper's crop for all, or ``method``.
        notes: What a reader must know.
    """

    def __init__(
        self,
        name: str,
        title: str,
        place: str,
        dataset: str,
        arms: Sequence[Arm],
        *,
        paper: Paper,
        backbone: str | None = None,
        table: str | None = None,
        generators: Sequence[str] | None = None,
        conditions: Sequence[str] = (),
        metrics: Sequence[str] = METRICS,
        by_generator: bool = False,
        rest: bool = True,
        axis: Axis | None = None,
        seeds: int = 5,
        view: str = "common",
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__(name, title, place, dataset, paper, backbone)
        self.arms, self.table, self.conditions, self.metrics = tuple(arms), table, tuple(conditions), tuple(metrics)
        self.generators = None if generators is None else tuple(generators)
        self.by_generator, self.rest, self.axis = by_generator, rest, axis
        self.seeds, self.view, self.notes = seeds, view, tuple(notes)

    def defaults(self, dataset: str) -> dict[str, object]:
        """Returns the options that hold unless the user names others; generators are declared for the paper's data."""
        return {
            **super().defaults(dataset),
            "generators": self.generators if dataset == self.dataset else None,
            "view": self.view,
            "conditions": self.conditions,
        }

    def cost(self, options: RunOptions, images: int) -> Cost:  # noqa: D102 - see Study
        arms = chosen_arms(self.arms, options.backbone, self.backbone)
        groups = grouped(arms, options.view, options.seeds)
        conditions = 1 + len(options.conditions)
        passes, notes = 0, dict[str, None]()
        for group in groups:
            own = [own_passes(without_blocks(arm.detector)) for arm in group.arms]
            # What needs no backbone has no clean pass of it either.
            passes += conditions * (group.seeds * sum(own) + (1 if any(own) else 0))
            for arm in group.arms:
                if "aeroblade" in arm.detector:
                    notes["and a reconstruction by each autoencoder of aeroblade under each condition"] = None
        if any(arm.top for arm in arms) and options.backbone != self.backbone:
            notes["and a pass for each block on the real images held out"] = None
        return Cost(images, passes, "; ".join(notes))

    def run(self, options: RunOptions, progress: bool = False) -> Result:  # noqa: D102 - see Study
        create_datamodule(options).setup()  # data that are not here are told before weights are fetched
        paper = PaperTable(self.paper.source, self.table, self.dataset, options.dataset != self.dataset)
        lines: list[Line] = []
        notes = dict.fromkeys([*self.notes, *self._overridden(options)])
        figures: dict[str, str] = {}
        not_run: list[tuple[str, str]] = []
        failures: list[Exception] = []
        first = True
        arms = chosen_arms(self.arms, options.backbone, self.backbone)
        groups = grouped(arms, options.view, options.seeds)
        for group in groups:
            settings = replace(options, backbone=group.backbone, view=group.view, seeds=group.seeds)
            try:
                depth = create_backbone(settings.backbone, settings.weights).depth
                kept, adaptations = adapted(group.arms, settings.dataset, depth, self.paper)
                comparison = compare_and_log([arm.detector for arm in kept], settings, progress)
            except Exception as error:
                if not is_users_mistake(error):
                    raise
                failures.append(error)
                lines += [paper.not_run(arm, metric, one_line(error)) for arm in group.arms for metric in self.metrics]
                not_run += [(arm.row, one_line(error)) for arm in group.arms]
                notes.update(dict.fromkeys(not_run_note(*part) for part in not_run))
                continue
            if comparison is None:
                first = False  # this device takes part in every comparison, and the first one writes
                continue
            lines += self._lines(comparison, kept, settings, paper)
            figures.update(self.figures_of(comparison, kept))
            warnings = [f"Warning: {warning}" for warning in warnings_of(comparison)]
            # The worst cue is not in these tables.
            notes.update(dict.fromkeys([*adaptations, *warnings, *comparison_notes(comparison, worst_cue=False)]))
        if len(failures) == len(groups):
            raise BenchError(one_line(failures[0]))
        if not first:
            return Result()
        if self.rest:
            lines += paper.rest(self.metrics, self.by_generator)
        figures.update(self._figures(lines, options, arms))
        return Result(tuple(lines), figures, tuple(notes), tuple(not_run))

    def measure(self, comparison: Comparison, arms: Mapping[str, Arm]) -> Iterator[Measured]:
        """Yields our numbers.

        Args:
            comparison: What was found.
            arms: The arms by their detector's label.
        """
        summary = comparison.summary
        for row in summary.rows if self.by_generator else summary.means:
            arm = arms[row.detector]
            name = arm.row if row.condition == CLEAN else f"{arm.row}, {row.condition}"
            for metric in self.metrics:
                yield Measured(name, arm, row.generator, row.condition, metric, row.numbers[metric])

    def figures_of(self, comparison: Comparison, arms: Sequence[Arm]) -> dict[str, str]:
        """Draws what only the comparison itself holds."""
        return {}

    def _lines(
        self, comparison: Comparison, arms: Sequence[Arm], options: RunOptions, paper: PaperTable
    ) -> Iterator[Line]:
        by_label = {arm.detector: arm for arm in arms}
        origins = {label: Origin.of(comparison, label, options) for label in by_label}
        for measured in self.measure(comparison, by_label):
            yield paper.line(measured, origins[measured.arm.detector])

    def _figures(self, lines: Sequence[Line], options: RunOptions, arms: Sequence[Arm]) -> dict[str, str]:
        shown = [line for line in lines if line.metric in self.metrics]
        targets = {line.column for line in shown if line.ours is not None}
        column = MEAN if MEAN in targets or not targets else min(targets)
        # The paper's mean stands beside our only generator.
        chosen = [line for line in shown if line.column in (column, MEAN)]
        title = f"{self.source}: {self.title}, {options.dataset}, {options.backbone}"
        if self.axis is None:
            return {self.name: draw_rows(title, chosen, self.metrics)}
        levels = {arm.row: arm.level for arm in arms if arm.level is not None}
        return {self.name: draw_sweep(title, self.axis, levels, chosen, self.metrics)}

    def _overridden(self, options: RunOptions) -> Iterator[str]:
        """Says what the user, or the data, put in the place of what the study declares."""
        for name, declared in self.defaults(options.dataset).items():
            given, said = _words(getattr(options, name)), _words(declared)
            if given != said:
                yield f"--{name} {given} rather than the study's {said}."
        if options.limit is not None:
            yield f"--limit {options.limit}: at most so many images of each source."


def _words(value: object) -> str:
    if value is None:
        return "all"
    if isinstance(value, str) or not isinstance(value, Sequence):
        return str(value)
    return " ".join(map(str, value)) or "none"


def one_line(error: Exception) -> str:
    """Writes an error's message in one line."""
    return " ".join(str(error).split())


def not_run_note(part: str, reason: str) -> str:
    """Says that a part of a study could not run."""
    return f"Not run: {part}: {reason}"
