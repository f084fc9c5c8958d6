"""Runs a comparison study: detectors on data, what the paper prints, and how ours compares."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

from bench.cli.app import is_users_mistake
from bench.errors import BenchError
from bench.results.comparison import Comparison, compare
from bench.results.numbers import MEAN
from bench.results.robustness import mean_rows
from bench.scoring.build import create_datamodule
from bench.scoring.options import RunOptions
from bench.scoring.specs import DetectorSpec, parse_detector
from bench.store.schema import CLEAN
from bench.studies.arms import Arm, Group, adapted, chosen_arms, grouped, without_blocks
from bench.studies.base import Cost, Line, Result, Study
from bench.studies.figures import Axis, draw_rows, draw_sweep
from bench.studies.paper_table import Measured, Origin, PaperTable
from detectors import Backbone, create_backbone, create_detector, list_detectors

WORST_CUE_NOTE = "Worst cue: "
STAND_IN = "efficientnet-lite0"
NOT_RUN = "Not run: "
METRICS = ("auroc", "ap_real")


class ComparisonStudy(Study):
    """Detectors compared on one data set.

    Args:
        name: As in ``Study``.
        title: As in ``Study``.
        source: As in ``Study``.
        dataset: As in ``Study``.
        arms: The rows.
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
        source: str,
        dataset: str,
        arms: Sequence[Arm],
        *,
        backbone: str = "dinov2-vitl14",
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
        super().__init__(name, title, source, dataset, backbone)
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
            own = [passes_of(arm.detector) for arm in group.arms]
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
        paper = PaperTable(self.table, self.dataset, options.dataset != self.dataset)
        lines: list[Line] = []
        notes = dict.fromkeys([*self.notes, *self._overridden(options)])
        figures: dict[str, str] = {}
        failures: list[Exception] = []
        first = True
        arms = chosen_arms(self.arms, options.backbone, self.backbone)
        groups = grouped(arms, options.view, options.seeds)
        for group in groups:
            own = replace(options, backbone=group.backbone, view=group.view, seeds=group.seeds)
            try:
                kept, said = self._at_hand(group, own)
                comparison = compare([arm.detector for arm in kept], own, progress, tables=False)
            except Exception as error:
                if not is_users_mistake(error):
                    raise
                failures.append(error)
                lines += [paper.not_run(arm, one, one_line(error)) for arm in group.arms for one in self.metrics]
                notes.update(dict.fromkeys(f"{NOT_RUN}{arm.row}: {one_line(error)}" for arm in group.arms))
                continue
            if comparison is None:
                first = False  # this device takes part in every comparison, and the first one writes
                continue
            lines += self._lines(comparison, kept, own, paper)
            figures.update(self.figures_of(comparison, kept))
            notes.update(dict.fromkeys([*said, *_notes(comparison)]))
        if len(failures) == len(groups):
            raise BenchError(one_line(failures[0]))
        if not first:
            return Result()
        if self.rest:
            lines += paper.rest(self.metrics, self.by_generator)
        figures.update(self._figures(lines, options, arms))
        return Result(tuple(lines), figures, tuple(notes))

    def measure(self, comparison: Comparison, arms: Mapping[str, Arm]) -> Iterator[Measured]:
        """Yields our numbers.

        Args:
            comparison: What was found.
            arms: The arms by their detector's label.
        """
        summary = comparison.report.summary
        shown = {id(row) for row in mean_rows(summary)}
        for row in summary.rows:
            if self.by_generator or id(row) in shown:
                arm = arms[row.detector]
                name = arm.row if row.condition == CLEAN else f"{arm.row}, {row.condition}"
                for metric in self.metrics:
                    yield Measured(name, arm, row.generator, row.condition, metric, row.numbers[metric])

    def figures_of(self, comparison: Comparison, arms: Sequence[Arm]) -> dict[str, str]:
        """Draws what only the comparison itself holds."""
        return {}

    def _at_hand(self, group: Group, options: RunOptions) -> tuple[list[Arm], list[str]]:
        depth = create_backbone(options.backbone, options.weights).depth
        return adapted(group.arms, options.dataset, depth)

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


@cache
def passes_of(text: str) -> int:
    """Counts the passes through the backbone that a detector takes for an image and seed, beside the clean one.

    Args:
        text: As on the command line; the choice of blocks does not matter.

    Examples:
        >>> passes_of("wepe:blocks=0-18,n=5"), passes_of("rigid"), passes_of("aeroblade")
        (5, 1, 0)
    """
    spec = parse_detector(without_blocks(text))
    return sum(_passes(single) for single in (spec.members or (spec,)))


def _passes(spec: DetectorSpec) -> int:
    if "backbone" not in list_detectors()[spec.name].__init__.__annotations__:
        return 0
    return create_detector(spec.name, _stand_in(), **spec.options).passes


@cache
def _stand_in() -> Backbone:
    """Returns a network whose weights are always here: how many passes a method takes does not depend on it."""
    return create_backbone(STAND_IN)


def _words(value: object) -> str:
    if value is None:
        return "all"
    if isinstance(value, str) or not isinstance(value, Sequence):
        return str(value)
    return " ".join(map(str, value)) or "none"


def one_line(error: Exception) -> str:
    """Writes an error's message in one line."""
    return " ".join(str(error).split())


def _notes(comparison: Comparison) -> list[str]:
    """Takes the comparison's notes; the worst cue is not in these tables."""
    report = comparison.report
    notes = [note for note in report.notes if not note.startswith(WORST_CUE_NOTE)]
    return [*(f"Warning: {warning}" for warning in report.warnings), *notes]
