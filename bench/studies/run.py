"""Runs studies one after another: what holds for each, what it costs, what became of it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from bench.errors import is_users_mistake
from bench.report.table import Table
from bench.report.words import named
from bench.scoring.build import create_datamodule
from bench.scoring.machine.phases import phase, say
from bench.scoring.options import RunOptions
from bench.studies.arms import DEMO
from bench.studies.base import Cost, Result, Study
from bench.studies.engine import one_line

State = Literal["done", "in part", "cannot run here"]
COSTS = ("study", "shows", "source", "data", "backbone", "images", "passes an image", "passes", "also")


@dataclass(frozen=True)
class Outcome:
    """What became of a study, and the reason why it did not, or not wholly, run."""

    study: Study
    state: State
    seconds: float
    result: Result = field(default_factory=Result)
    reason: str = ""


def settled(study: Study, options: RunOptions, given: Mapping[str, Any]) -> RunOptions:
    """Puts together what a study declares and what the user names, who wins.

    On the demo, a rehearsal, the embedded backbone stands in for the paper's unless the user names one. Where the data
    root has a folder of the dataset's name, it is taken instead, so that one root can hold the data of all studies.

    Args:
        study: What declares options.
        options: The shared options.
        given: Those of the options ``dataset``, ``backbone``, ``generators``, ``seeds``, ``view``, ``conditions``
            and ``resize`` that the user named.
    """
    declared: dict[str, Any] = study.defaults(given.get("dataset", study.dataset))
    if given.get("dataset") == DEMO:
        declared["backbone"] = RunOptions.backbone
    merged = replace(options, **declared | dict(given))
    if merged.data_root is None or "dataset" in given:
        return merged
    folder = Path(merged.data_root) / merged.dataset
    return replace(merged, data_root=str(folder)) if folder.is_dir() else merged


class Costs:
    """Says what studies cost; the images of a data set are counted once, in its listing, before any file is read."""

    def __init__(self) -> None:
        self._images: dict[tuple[object, ...], int | str] = {}

    def of(self, study: Study, options: RunOptions) -> Cost | str:
        """Returns a study's cost, or why it is not known: the data are not here, or the options do not fit them."""
        facts = options.as_facts()
        key = tuple(str(facts[name]) for name in ("dataset", "data_root", "generators", "limit", "balance"))
        if key not in self._images:
            self._images[key] = _count(options)
        images = self._images[key]
        return images if isinstance(images, str) else study.whole_cost(options, images)

    def table(self, studies: Sequence[tuple[Study, RunOptions]]) -> Table:
        """Makes a row for each study with its options."""
        rows = []
        for study, options in studies:
            cost = self.of(study, options)
            if isinstance(cost, str):
                cells = ["not here", f"{study.whole_cost(options, 0).passes:,}", "", ""]
            else:
                cells = [f"{cost.images:,}", f"{cost.passes:,}", f"{cost.images * cost.passes:,}", cost.note]
            rows.append([study.name, study.title, study.source, options.dataset, options.backbone, *cells])
        return Table("Studies and what they cost", COSTS, rows)

    def lacking(self, studies: Sequence[tuple[Study, RunOptions]]) -> list[str]:
        """Says why the costs of some studies are not known, a sentence for each reason."""
        names: dict[str, list[str]] = {}
        for study, options in studies:
            cost = self.of(study, options)
            if isinstance(cost, str):
                names.setdefault(cost, []).append(study.name)
        return [f"Not here, {named(studies)}: {reason}" for reason, studies in names.items()]


def _count(options: RunOptions) -> int | str:
    try:
        datamodule = create_datamodule(options)
        with phase("Listing the images"):
            datamodule.setup()
    except Exception as error:
        if not is_users_mistake(error):
            raise
        return one_line(error)
    return len(datamodule.items)


def run_study(study: Study, options: RunOptions, progress: bool = False) -> Outcome:
    """Runs a study with options from :func:`settled`; one that cannot run here has a reason."""
    started = time.monotonic()
    say(f"{study.name}: {study.title}")
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
    rows = [[outcome.study.name, outcome.state, f"{outcome.seconds:.1f}", outcome.reason] for outcome in outcomes]
    return Table("Studies", ("study", "state", "seconds", "because"), rows, names=2)
