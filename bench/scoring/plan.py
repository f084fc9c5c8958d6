"""What a run will do, as its first process sees it before any image is scored."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.scoring.attacks.condition import is_attack
from bench.scoring.build import (
    Detectors,
    check_conditions,
    check_content,
    create_detectors,
    create_entries,
    run_facts,
    set_up,
    single_detectors,
    wanted,
    with_named_sources,
)
from bench.scoring.claiming import Claiming
from bench.scoring.conditions import PlannedCondition, plan_conditions
from bench.scoring.entry import Entry
from bench.scoring.exclusion import groups_to_fit, trained_groups
from bench.scoring.facts import data_facts, detector_facts, members_of, provenance
from bench.scoring.findings import TrainedGroups
from bench.scoring.known import KnownDetector, Weights, known_detectors, weights_of
from bench.scoring.machine.phases import phase
from bench.scoring.options import EXACT, RunOptions
from bench.scoring.probed_blocks import asks_for_probe, resolve_probes
from bench.scoring.specs import DetectorSpec, parse_detectors
from bench.store.facts import FORMAT, Facts
from bench.store.findings import DamagedFiles, Finding
from bench.store.listings import Listing, listing_of
from bench.store.mending import mend
from bench.store.runs import RunRecord
from bench.store.schema import CLEAN, Scoring
from bench.store.scores import ScoreStore, missing
from datamodules import DetectionData
from datamodules.sampling import limited
from detectors import Backbone, create_backbone

LEAST_SAMPLE, MOST_SAMPLE, SAMPLED_SHARE = 16, 64, 1 / 32
"""Images of each source that are scored in both precisions: a share of the largest source's, between two bounds.

They cost twice what the others do, and more, so a small run takes few; their error is in the note, an interval.
"""


@dataclass(frozen=True)
class Job:
    """Scores that a run computes with one trainer.

    Args:
        absent: ``(n_items, n_entries)``, true where a score is not in the store.
        record: What is kept beside the scores.
    """

    absent: NDArray[np.bool_]
    record: RunRecord


@dataclass(frozen=True)
class Plan:
    """What the first process tells the others.

    Args:
        specs: The detectors, probed blocks filled in.
        fit_groups: Groups whose real images a detector's scales or blocks are chosen on, by its label.
        left_out: Groups that a detector was fitted to or trained on, by its label; its own numbers leave them out.
        listing: The data set that the images were chosen from.
        check: Some scores in exact precision, to compare the others with; nothing where all are exact.
    """

    specs: Sequence[DetectorSpec]
    datamodule: DetectionData
    conditions: Sequence[PlannedCondition]
    fit_groups: Mapping[str, frozenset[str]]
    left_out: Mapping[str, frozenset[str]]
    findings: Sequence[Finding]
    job: Job
    listing: Listing
    check: Job | None = None

    @property
    def lacks_scores(self) -> bool:
        """Whether anything is to be scored."""
        return any(job.absent.any() for job in (self.job, self.check) if job is not None)


class Preparation:
    """Makes the plan on the first process, and the detectors on each; the kind of device is for the record.

    With ``claiming`` the plan is carried out: damaged files of the store are set aside, and what is missing is claimed.
    ``noted`` is what the run keeps of itself beside what every run does.
    """

    def __init__(
        self,
        detectors: Sequence[str],
        options: RunOptions,
        device: str,
        claiming: Claiming | None = None,
        noted: Facts | None = None,
    ) -> None:
        self.detectors, self.options, self.device, self.claiming = detectors, options, device, claiming
        self._detectors: Detectors | None = None
        self.noted = noted or {}
        self.weights: Weights | None = None
        self._entries: list[Entry] | None = None

    @cached_property
    def backbone(self) -> Backbone:
        """The network, built when it is first asked for."""
        self.weights = weights_of(self.options)
        return create_backbone(self.options.backbone, self.options.weights)

    def plan(self) -> Plan:
        """Lists the images, builds the detectors and asks the store what is missing.

        Raises:
            BenchError: The options cannot be carried out.
        """
        specs = parse_detectors(list(self.detectors))
        datamodule = set_up(self.options)
        check_content(specs, datamodule)
        trained = trained_groups(specs, datamodule)
        fitted = [spec for spec in specs if spec.members or asks_for_probe(spec)]
        fit_groups = {spec.label: groups_to_fit(datamodule.items, trained.get(spec.label, ())) for spec in fitted}
        left_out = dict(trained)
        for spec in fitted:
            for label in {spec.label, *(single.label for single in spec.singles if asks_for_probe(single))}:
                left_out[label] = left_out.get(label, frozenset()) | fit_groups[spec.label]
        probed = any(map(asks_for_probe, specs))
        specs, chosen = resolve_probes(specs, self.backbone, datamodule, fit_groups) if probed else (specs, [])
        conditions = plan_conditions(self.options, datamodule, specs)
        check_conditions(specs, conditions)
        folder = ScoreStore(self.options.output, datamodule.title).folder
        plain = not probed and not any(spec.members for spec in specs)
        if self.claiming and plain and not any(map(is_attack, self.options.conditions)):
            self._detectors = known_detectors(specs, self.options, folder)
            self.weights = weights_of(self.options)
        detectors = self._made(specs, conditions)
        conditions = with_named_sources(conditions, detectors, run_facts(datamodule, self.options))
        entries = self._built(specs, datamodule, conditions)
        self.options.make_output()
        by_groups = {groups: [label for label in trained if trained[label] == groups] for groups in trained.values()}
        findings = [*chosen, *(TrainedGroups(labels, len(groups)) for groups, labels in by_groups.items())]
        if self.claiming:
            damaged = [(_name(file, folder), reason) for file, reason in mend(folder)]
            findings += [DamagedFiles(damaged)] if damaged else []
        plan = partial(self._plan, specs, entries, datamodule, conditions, fit_groups, left_out, findings)
        return self.claiming.plan(folder, plan, partial(self._absent, entries)) if self.claiming else plan()

    def _plan(
        self,
        specs: Sequence[DetectorSpec],
        entries: Sequence[Entry],
        datamodule: DetectionData,
        conditions: Sequence[PlannedCondition],
        fit_groups: Mapping[str, frozenset[str]],
        left_out: Mapping[str, frozenset[str]],
        findings: Sequence[Finding],
    ) -> Plan:
        """Asks the store what is missing."""
        asked = wanted(entries, conditions, len(datamodule.items))
        listing = listing_of(self.options.output, datamodule.title, datamodule.listing)
        if self.claiming:
            listing.save()
        data = data_facts(datamodule, conditions, listing)
        job = self._job(entries, asked, self.options, datamodule, data, conditions, left_out)
        plan = Plan(specs, datamodule, conditions, fit_groups, left_out, findings, job, listing)
        if self.options.precision == EXACT:
            return plan
        exact, options = exact_entries(entries, datamodule, self.options), replace(self.options, precision=EXACT)
        chosen = limited(datamodule.items, sample_size(datamodule.items))
        sampled = datamodule.items["path"].is_in(chosen["path"].to_list()).to_numpy()[:, np.newaxis]
        check = self._job(exact, sampled, options, datamodule, data, conditions, left_out, kind="check-")
        return replace(plan, check=check)

    def _absent(self, entries: Sequence[Entry], plan: Plan) -> list[Scoring]:
        """Returns what lacks scores."""
        jobs = [(entries, plan.job)]
        jobs += [(exact_entries(entries, plan.datamodule, self.options), plan.check)] if plan.check else []
        return [
            entry.scoring
            for of_job, job in jobs
            for entry, lacks in zip(of_job, np.atleast_1d(job.absent.any(axis=0)), strict=True)
            if lacks
        ]

    def _job(
        self,
        entries: Sequence[Entry],
        asked: NDArray[np.bool_],
        options: RunOptions,
        datamodule: DetectionData,
        data: Facts,
        conditions: Sequence[PlannedCondition],
        left_out: Mapping[str, frozenset[str]],
        kind: str = "",
    ) -> Job:
        """Takes the scores asked for that the store lacks; ``left_out`` are groups by the detector fitted to them."""
        store = ScoreStore(options.output, datamodule.title)
        with phase("Looking for scores in the store"):
            known = store.known(datamodule, [entry.scoring for entry in entries], columns=())
        facts = {
            **provenance(options.as_facts(), self.device),
            "format": FORMAT,
            "asked": list(self.detectors),
            **self.noted,
            "data": data,
            "detectors": detector_facts(entries, options, left_out, run_facts(datamodule, options), self.weights),
        }
        absent = missing(known, len(datamodule.items), len(entries))
        return Job(absent & asked, RunRecord.now(facts, members_of(conditions), kind))

    def entries(self, plan: Plan) -> list[Entry]:
        """Returns the detectors of a plan, for every seed and condition; built, where they are to score."""
        known = self._entries
        if plan.lacks_scores and known and isinstance(known[0].detector, KnownDetector):
            self._detectors = self._entries = None
            if [entry.scoring for entry in self._built(plan.specs, plan.datamodule, plan.conditions)] != [
                entry.scoring for entry in known
            ]:
                raise BenchError("What the store says of a detector is not what it is now: remove its run.json.")
        return self._built(plan.specs, plan.datamodule, plan.conditions)

    def _built(
        self, specs: Sequence[DetectorSpec], datamodule: DetectionData, conditions: Sequence[PlannedCondition]
    ) -> list[Entry]:
        if self._entries is None:
            detectors, singles, seeds = (
                self._made(specs, conditions),
                single_detectors(specs),
                range(self.options.seeds),
            )
            self._entries = create_entries(singles, detectors, datamodule, conditions, self.options, seeds)
        return self._entries

    @phase("Loading the networks")
    def _made(self, specs: Sequence[DetectorSpec], conditions: Sequence[PlannedCondition]) -> Detectors:
        if self._detectors is None:
            singles, seeds = single_detectors(specs), range(self.options.seeds)
            self._detectors = create_detectors(singles, self.backbone, conditions, self.options, seeds)
        return self._detectors


def _name(file: Path, folder: Path) -> str:
    return str(file.relative_to(folder if file.is_relative_to(folder) else folder.parent.parent))


def sample_size(items: pl.DataFrame) -> int:
    """Says how many images of each source show what a precision does.

    Examples:
        >>> [sample_size(pl.DataFrame({"label": [0] * n, "generator": ["a"] * n})) for n in (9, 1000, 9000)]
        [16, 32, 64]
    """
    largest = max(items.group_by("label", "generator").len()["len"].to_list(), default=0)
    return min(MOST_SAMPLE, max(LEAST_SAMPLE, math.ceil(SAMPLED_SHARE * largest)))


def exact_entries(entries: Sequence[Entry], datamodule: DetectionData, options: RunOptions) -> list[Entry]:
    """Returns the entries of the clean images and the first seed, filed under exact precision."""
    facts = run_facts(datamodule, replace(options, precision=EXACT))
    return [
        replace(entry, scoring=replace(entry.scoring, fingerprint=entry.detector.fingerprint(**facts)))
        for entry in entries
        if entry.scoring.condition == CLEAN and entry.scoring.seed == 0
    ]
