"""What a study is: a table or figure of the paper that can be run again, on its data or on any other."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.references.reported import ReportedNumber
from bench.references.verdicts import Verdict
from bench.scoring.options import RunOptions
from bench.statistics.number import Number


@dataclass(frozen=True)
class Paper:
    """A paper whose tables and figures are studies.

    Args:
        source: Name of its reference file, ``bench/references/<source>.json``.
        name: What tables call it.
        backbone: The backbone that it used, unless a study says otherwise.
        depth: That backbone's number of blocks.
        machine: What it measured times on; empty where it measured none.
    """

    source: str
    name: str
    backbone: str
    depth: int
    machine: str = ""


@dataclass(frozen=True)
class Line:
    """One number of a study, ours and the paper's.

    Args:
        row: The method or the setting, in words.
        column: The generator, level or other column.
        metric: As in ``bench.statistics.metrics``, or what the study measures.
        ours: Our number; its ``reason`` says why there is none.
        reported: What the paper prints there, if anything.
        verdict: How ours compares; None where the paper prints nothing.
    """

    row: str
    column: str
    metric: str
    ours: Number | None
    reported: ReportedNumber | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Result:
    """What a study came to.

    Args:
        lines: Its numbers.
        figures: SVG by name; the first part of the file's name is the study's.
        notes: What a reader must know, one sentence each.
        not_run: Parts that could not run here, each with the reason.
    """

    lines: tuple[Line, ...] = ()
    figures: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    not_run: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Cost:
    """What a study asks for before it starts.

    Args:
        images: Number of images.
        passes: Passes through the backbone for each image, the clean one included.
        note: What else takes time, in words.
    """

    images: int
    passes: int
    note: str = ""


class Study(ABC):
    """A table or figure of a paper.

    Args:
        name: On the command line, for instance ``table1``.
        title: What it shows.
        place: Where it stands, for instance ``Table 1``.
        dataset: The data that the paper used, by this suite's name; what the user names is used instead.
        paper: The paper.
        backbone: The backbone that the paper used there; its usual one by default.
    """

    seeds: int = 1
    """Number of seeds, unless the user names another."""

    def __init__(
        self, name: str, title: str, place: str, dataset: str, paper: Paper, backbone: str | None = None
    ) -> None:
        self.name, self.title, self.dataset, self.paper = name, title, dataset, paper
        self.source, self.backbone = f"{paper.name}, {place}", backbone or paper.backbone

    def defaults(self, dataset: str) -> dict[str, object]:
        """Returns the options that hold unless the user names others.

        Args:
            dataset: The dataset of the run.
        """
        return {"dataset": self.dataset, "backbone": self.backbone, "seeds": self.seeds}

    @abstractmethod
    def cost(self, options: RunOptions, images: int) -> Cost:
        """Says what it costs on so many images."""

    @abstractmethod
    def run(self, options: RunOptions, progress: bool = False) -> Result:
        """Runs it.

        Args:
            options: Data, backbone, machine and results' folder, as for every command.
            progress: Whether to draw a progress bar.

        Raises:
            BenchError: The options cannot be carried out.
        """
