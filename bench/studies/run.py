"""Runs studies one after another: what holds for each, what it costs, what became of it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from bench.errors import is_users_mistake
from bench.report.table import Table
from bench.scoring.build import create_datamodule
from bench.scoring.options import RunOptions
from bench.studies.arms import DEMO
from bench.studies.base import Cost, Result, Study
from bench.studies.engine import one_line

State = Literal["done", "in part", "cannot run here"]
COSTS = ("study", "shows", "source", "data", "backbone", "images", "passes an image", "passes", "also")


@dataclass(frozen=True)
class Outcome:
    """What became of a study.

    Args:
        study: The study.
        state: Whether it ran.
        seconds: How long it took.
        result: What it came to, if it ran.
        reason: Why it did not, or not wholly, run.
    """

    study: Study
    state: State
    seconds: float
    result: Result = field(default_factory=Result)
    reason: str = ""


def settled(study: Study, options: RunOptions, given: Mapping[str, Any]) -> RunOptions:
    """Puts together what a study declares and what the user names, who wins.

    On the demo, a rehearsal, the embedded backbone stands in for the paper's unless the user names one.

    Args:
        study: The study.
        options: The shared options.
        given: Those among ``dataset``, ``backbone``, ``generators``, ``seeds``, ``view`` and
            ``conditions`` that the user named.
    """
    declared: dict[str, Any] = study.defaults(given.get("dataset", study.dataset))
    if given.get("dataset") == DEMO:
        declared["backbone"] = RunOptions.backbone
    own = replace(options, **declared | dict(given))
    return own if own.data_root is None else replace(own, data_root=_root_of(own, given))


def _root_of(options: RunOptions, given: Mapping[str, Any]) -> str | None:
    """Looks for a folder of the dataset's name, so that one folder can hold the data of all studies."""
    assert options.data_root is not None
    inside = Path(options.data_root) / options.dataset
    return str(inside) if "dataset" not in given and inside.is_dir() else options.data_root


class Costs:
    """Says what studies cost; the images of a data set are counted once.

    The counts are those of the listing, before any file is read.
    """

    def __init__(self) -> None:
        self._images: dict[tuple[object, ...], int | str] = {}

    def of(self, study: Study, options: RunOptions) -> Cost | str:
        """Returns a study's cost, or why it is not known: the data are not here, or the options do not fit them."""
        facts = options.as_facts()
        key = tuple(str(facts[name]) for name in ("dataset", "data_root", "generators", "limit", "balance"))
        if key not in self._images:
            self._images[key] = _count(options)
        images = self._images[key]
        return images if isinstance(images, str) else study.cost(options, images)

    def table(self, studies: Sequence[tuple[Study, RunOptions]]) -> Table:
        """Makes a row for each study with its options."""
        return Table("Costs", COSTS, [self._cells(*each) for each in studies], names=5)

    def _cells(self, study: Study, options: RunOptions) -> list[str]:
        found = self.of(study, options)
        head = [study.name, study.title, study.source, options.dataset, options.backbone]
        if isinstance(found, str):
            passes = study.cost(options, 0).passes
            return [*head, "not here", f"{passes:,}", "", found]
        return [*head, f"{found.images:,}", f"{found.passes:,}", f"{found.images * found.passes:,}", found.note]


def _count(options: RunOptions) -> int | str:
    try:
        datamodule = create_datamodule(options)
        datamodule.setup()
    except Exception as error:
        if not is_users_mistake(error):
            raise
        return one_line(error)
    return len(datamodule.items)


def run_study(study: Study, options: RunOptions, progress: bool = False) -> Outcome:
    """Runs a study; one that cannot run here has a reason.

    Args:
        study: The study.
        options: From :func:`settled`.
        progress: Whether to draw a progress bar.
    """
    started = time.monotonic()
    try:
        result = study.run(options, progress)
    except Exception as error:
        if not is_users_mistake(error):
            raise
        return Outcome(study, "cannot run here", time.monotonic() - started, reason=one_line(error))
    lacking = [f"{part}: {reason}" for part, reason in result.not_run]
    seconds = time.monotonic() - started
    return Outcome(study, "in part" if lacking else "done", seconds, result, "; ".join(lacking))


def outcome_table(outcomes: Sequence[Outcome]) -> Table:
    """Makes a row for each study."""
    rows = [[one.study.name, one.state, f"{one.seconds:.1f}", one.reason] for one in outcomes]
    return Table("Studies", ("study", "state", "seconds", "because"), rows, names=2)
