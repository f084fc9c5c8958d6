"""What a study is: a table or figure of the paper that can be run again, on its data or on any other."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import ClassVar

from bench.references.reported import ReportedNumber, load_reported
from bench.references.verdicts import Verdict
from bench.scoring.options import RunOptions
from bench.statistics.number import Number, sd_over_seeds


@dataclass(frozen=True)
class Paper:
    """A paper whose tables and figures are studies.

    Args:
        source: Name of its reference file, ``bench/references/<source>.json``.
        name: What tables call it.
        backbone: The backbone that it used, unless a study says otherwise.
        depth: That backbone's number of blocks.
        machine: What it measured times on; empty where it measured none.
        presets: The ways that its own methods are known in, where its authors' code and its text differ.
    """

    source: str
    name: str
    backbone: str
    depth: int
    machine: str = ""
    presets: tuple[str, ...] = ()

    def printed(self, table: str | None, **wanted: object) -> list[ReportedNumber]:
        """Returns the numbers that a table prints, those whose fields have the wanted values."""
        wanted |= {"source": self.source, "table": table}
        return [
            number
            for number in load_reported()
            if all(getattr(number, name) == value for name, value in wanted.items())
        ]


@dataclass(frozen=True)
class Line:
    """One number of a study, ours and the paper's.

    Args:
        row: The method or the setting, in words.
        column: The generator, level or other column.
        metric: As in ``bench.statistics.metrics``, or what the study measures.
        ours: Our number; its ``reason`` says why there is none.
    """

    row: str
    column: str
    metric: str
    ours: Number | None
    reported: ReportedNumber | None = None
    verdict: Verdict | None = None


def plain_line(row: str, column: str, metric: str, value: float, reason: str, seeds: Sequence[float] = ()) -> Line:
    """Makes a line of a number that has no interval, and says why; ``seeds`` are what it is the mean of."""
    number = Number(float(value), seeds_sd=sd_over_seeds(seeds), reason=reason, seeds=tuple(seeds))
    return Line(row, column, metric, number)


def not_comparable(*reasons: str) -> Verdict:
    """Makes the verdict where no interval could help."""
    return Verdict("not comparable", reasons, float("nan"), float("nan"), "")


def seeds_words(seeds: int) -> str:
    """Counts seeds in words."""
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


@dataclass(frozen=True)
class Result:
    """What a study came to.

    Args:
        figures: SVG by name; the first part of the file's name is the study's.
        notes: What a reader must know, one sentence each.
        not_run: Parts that could not run here, each with the reason.
    """

    lines: tuple[Line, ...] = ()
    figures: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    not_run: tuple[tuple[str, str], ...] = ()

    def under(self, margin: float) -> "Result":
        """Judges again whether matches could have seen a difference of the margin."""
        lines = (replace(line, verdict=line.verdict and line.verdict.under(margin)) for line in self.lines)
        return replace(self, lines=tuple(lines))


@dataclass(frozen=True)
class Cost:
    """What a study asks for before it starts.

    Args:
        passes: Passes through the backbone for each image, the clean one included.
        note: What else takes time, in words.
    """

    images: int
    passes: int
    note: str = ""


@dataclass
class Study(ABC):
    """A table or figure of a paper.

    Args:
        name: On the command line, for instance ``table1``.
        title: What it shows.
        place: Where it stands, for instance ``Table 1``.
        dataset: The data that the paper used, by this suite's name; what the user names is used instead.
        backbone: The backbone that the paper used there; its usual one by default.
        seeds: Number of seeds, unless the user names another.
        resize: Length of the short side before a view is cut, as ``--resize``; None leaves images as they are.
        presets: Those of the paper's presets that are run; all by default.
    """

    name: str
    title: str
    place: str
    _: KW_ONLY
    dataset: str
    paper: Paper
    backbone: str = ""
    seeds: int = 1
    resize: int | None = None
    presets: tuple[str, ...] = ()

    by_preset: ClassVar[bool] = False
    """Whether it goes over its images once for each preset, rather than in arms of each."""

    def __post_init__(self) -> None:
        self.backbone = self.backbone or self.paper.backbone
        self.presets = self.presets or self.paper.presets

    @property
    def source(self) -> str:
        """The paper and the place in it."""
        return f"{self.paper.name}, {self.place}"

    def defaults(self, dataset: str) -> dict[str, object]:
        """Returns the options that hold on a dataset unless the user names others."""
        return {"dataset": self.dataset, "backbone": self.backbone, "seeds": self.seeds, "resize": self.resize}

    def differences(self, options: RunOptions) -> list[str]:
        """Says in one sentence, or none, that data or backbone are not the paper's."""
        kinds = (("data", options.dataset, self.dataset), ("backbone", options.backbone, self.backbone))
        reasons = [f"other {kind} ({ours}, paper {papers})" for kind, ours, papers in kinds if ours != papers]
        if options.weights:
            reasons.append(f"weights from {options.weights}")
        return [f"Not comparable with the paper: {', '.join(reasons)}."] if reasons else []

    def whole_cost(self, options: RunOptions, images: int) -> Cost:
        """Says what it costs in all its presets."""
        cost = self.cost(options, images)
        return replace(cost, passes=cost.passes * max(1, len(self.presets))) if self.by_preset else cost

    @abstractmethod
    def cost(self, options: RunOptions, images: int) -> Cost:
        """Says what it costs on so many images."""

    @abstractmethod
    def run(self, options: RunOptions, progress: bool = False) -> Result:
        """Runs it.

        Raises:
            BenchError: The options cannot be carried out.
        """
