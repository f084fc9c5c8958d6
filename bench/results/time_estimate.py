"""``--dry-run --estimate``: how long a run would take, from a few images that are scored for it and thrown away."""

import math
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.results.comparing import compare
from bench.scoring.forecast import Forecast
from bench.scoring.machine.phases import STARTED, say, silent
from bench.scoring.options import EXACT, RunOptions
from bench.scoring.specs import members_of
from bench.store.runs import Run, read_runs

PROBE = 20
"""Images that are scored: so many, or two of each source."""


@dataclass(frozen=True)
class TimeEstimate:
    """How long a run would take on this machine.

    Args:
        start: Seconds of what does not grow with the images: imports, networks, a first batch, tables of few images.
        scoring: Seconds of the test loop.
        images: That were scored to know.
        without_compile: Seconds of all without ``--compile``, where the run has it.
        in_exact_precision: Seconds of all in ``32-true``, where the run has another precision.
    """

    start: float
    scoring: float
    images: int
    without_compile: float | None = None
    in_exact_precision: float | None = None

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.start + self.scoring


@dataclass(frozen=True)
class Probe:
    """What a few images took.

    Args:
        start: Seconds outside the test loop.
        first: Seconds by which the first batches of a process take longer than others.
        scoring: Seconds that the loop would take for the images of the plan.
        images: That were scored.
    """

    start: float
    first: float
    scoring: float
    images: int


@dataclass
class Cost:
    """What test loops took: seconds, images read, and both by detector."""

    seconds: float = 0.0
    images: int = 0
    seconds_by_detector: Counter[str] = field(default_factory=Counter)
    scores: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, runs: Iterable[Run]) -> "Cost":
        """Adds up what runs note."""
        total = cls()
        for cost in (run.facts["cost"] for run in runs if run.finished):
            total.seconds += cost["seconds"]
            total.images += cost["images"]
            total.seconds_by_detector.update(cost["seconds_by_detector"])
            total.scores.update(cost["scores_by_detector"])
        return total

    def seconds_of(self, images: int, scores: Mapping[str, int]) -> float:
        """Says what other images, and their scores by detector, would take at the same speed."""
        beside = max(0.0, self.seconds - self.seconds_by_detector.total()) / max(1, self.images)
        each = {name: self.seconds_by_detector[name] / max(1, self.scores[name]) for name in scores}
        return images * beside + sum(count * each[name] for name, count in scores.items())


def estimate_time(detectors: Sequence[str], options: RunOptions, plan: Forecast, planning: float = 0.0) -> TimeEstimate:
    """Scores a few images in two runs, to tell what a run costs from what each of its images does.

    The first run pays for imports and for what only a first batch has to do, as the run that is asked about would; the
    second gives the speed. Scores go to a folder that is deleted. One device does it, and the loop's seconds are
    divided by the number of those asked for. What is meant to make a run faster is left out once, so that it is seen
    whether it does.

    Args:
        detectors: As on the command line; of an ensemble the members are scored.
        options: Of the run.
        plan: What it would do.
        planning: Seconds that this plan took, which the run will not need.

    Raises:
        BenchError: The options cannot be carried out, or a detector failed.
    """
    say(f"Scoring {PROBE} images to estimate the time")
    before = time.monotonic() - STARTED - planning
    probe = _probe(detectors, options, plan)
    estimate = TimeEstimate(before + probe.start + probe.first, probe.scoring, probe.images)

    def seconds_with(**changes: Any) -> float:  # noqa: ANN401 - fields of the options
        """Says what a run with other options would take; it would import as much."""
        other = _probe(detectors, replace(options, **changes), plan)
        return before + probe.start + other.first + other.scoring

    if options.compile:
        say("Scoring them again without --compile")
        estimate = replace(estimate, without_compile=seconds_with(compile=False))
    if options.precision != EXACT:
        say(f"Scoring them again in {EXACT}")
        exact = seconds_with(precision=EXACT, compile=False)
        estimate = replace(estimate, in_exact_precision=exact)
    return estimate


def _probe(detectors: Sequence[str], options: RunOptions, plan: Forecast) -> Probe:
    """Scores a few images in two runs."""
    texts, each = members_of(detectors), max(2, math.ceil(PROBE / plan.sources))
    with tempfile.TemporaryDirectory() as folder, silent():
        output = Path(folder)
        probe = replace(options, output=output, devices=1, num_nodes=1, strategy="auto", logger=(), wandb=None)
        began = time.monotonic()
        compare(texts, _limited(probe, each // 2))
        first = time.monotonic() - began
        cold = _runs(output)
        compare(texts, _limited(probe, each))
        warm = [run for run in _runs(output) if run.name not in {run.name for run in cold}]
    loops = Cost.of(_of_kind(cold, False)), Cost.of(_of_kind(cold, True))
    speed, check = (Cost.of(_of_kind(warm, exact)) for exact in (False, True))
    speed, check = speed if speed.images else loops[0], check if check.images else loops[1]
    again = loops[0].seconds - speed.seconds_of(loops[0].images, loops[0].scores)
    exact_share = plan.check / max(1, check.scores.total())
    scoring = speed.seconds_of(plan.to_read, plan.by_detector) + check.seconds * exact_share
    return Probe(
        start=first - sum(loop.seconds for loop in loops),
        first=max(0.0, again) if plan.to_read else 0.0,
        scoring=scoring / plan.devices,
        images=loops[0].images + speed.images,
    )


def _limited(options: RunOptions, limit: int) -> RunOptions:
    return replace(options, limit=min(limit, options.limit or limit))


def _runs(output: Path) -> list[Run]:
    return read_runs(file.parent for file in output.glob("scores/*/*/run.json"))


def _of_kind(runs: Iterable[Run], exact: bool) -> list[Run]:
    """Takes the runs that measure what a precision does, or the others."""
    return [run for run in runs if ("-check-" in run.name) == exact]
