"""What a run will do, as its first process sees it before any image is scored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.results.precision_effect import exact_entries, sampled
from bench.scoring.build import check_content, create_datamodule, create_entries, single_detectors, wanted
from bench.scoring.conditions import Assignment, assign_treatments
from bench.scoring.ensembles import groups_to_fit
from bench.scoring.entry import Entry
from bench.scoring.exclusion import exclusion_note, trained_groups
from bench.scoring.facts import data_facts, detector_facts, members_of
from bench.scoring.machine.precision import EXACT
from bench.scoring.options import RunOptions
from bench.scoring.probed_blocks import asks_for_probe, resolve_probes
from bench.scoring.provenance import provenance
from bench.scoring.specs import DetectorSpec, parse_detectors
from bench.store.runs import FORMAT, Facts, RunRecord
from bench.store.schema import SCHEMA
from bench.store.writer import ScoreStore, missing
from datamodules import DetectionDataModule
from detectors import Backbone, create_backbone


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
        datamodule: The dataset, listed.
        assignments: What happens to which images.
        held_out: Groups that something was fitted to.
        trained: Groups that a detector was trained on; every number leaves them out.
        left_out: All these groups by the label of the detector that was fitted or trained.
        notes: What the probes said.
        facts: What is kept of the run.
        job: The scores.
        check: Some scores in exact precision, to compare the others with; nothing where all are exact.
    """

    specs: Sequence[DetectorSpec]
    datamodule: DetectionDataModule
    assignments: Sequence[Assignment]
    held_out: frozenset[str]
    trained: frozenset[str]
    left_out: dict[str, frozenset[str]]
    notes: Sequence[str]
    facts: Facts
    job: Job
    check: Job | None = None


class Preparation:
    """Makes the plan on the first process, and the detectors on each.

    Args:
        detectors: As on the command line.
        options: Data, backbone and machine.
        device: Kind of the device, for the record.
    """

    def __init__(self, detectors: Sequence[str], options: RunOptions, device: str) -> None:
        self.detectors, self.options, self.device = detectors, options, device
        self._entries: list[Entry] | None = None

    @cached_property
    def backbone(self) -> Backbone:
        """The network, built when it is first asked for."""
        return create_backbone(self.options.backbone, self.options.weights)

    def plan(self) -> Plan:
        """Lists the images, builds the detectors and asks the store what is missing.

        Raises:
            BenchError: The options cannot be carried out.
        """
        specs = parse_detectors(list(self.detectors))
        datamodule = create_datamodule(self.options)
        check_content(specs, datamodule)
        datamodule.setup()
        probed = {spec.label for spec in specs if asks_for_probe(spec)}
        fitted = {spec.label for spec in specs if spec.members} | probed
        own = trained_groups(specs, datamodule)
        trained = frozenset[str]().union(*own.values())
        untouched = datamodule.items.filter(~pl.col("group").is_in(list(trained)))
        held_out = groups_to_fit(untouched) if fitted else frozenset[str]()
        specs, notes = resolve_probes(specs, self.backbone, datamodule, held_out) if probed else (specs, [])
        assignments = assign_treatments(self.options, datamodule)
        entries = self._built(specs, datamodule, assignments)
        store = ScoreStore(self.options.make_output(), datamodule.title)
        left_out = own | {label: held_out | own.get(label, frozenset()) for label in sorted(fitted)}
        facts = self._facts(entries, datamodule, assignments, left_out)
        members = members_of(assignments)
        job = Job(
            _absent(store, datamodule, entries) & wanted(entries, assignments, len(datamodule.items)),
            RunRecord.now(facts, members),
        )
        notes = [*notes, *exclusion_note(own)]
        plan = Plan(specs, datamodule, assignments, held_out, trained, left_out, notes, facts, job)
        return plan if self.options.precision == EXACT else replace(plan, check=self._check(plan, store, entries))

    def _check(self, plan: Plan, store: ScoreStore, entries: Sequence[Entry]) -> Job:
        exact = exact_entries(entries, plan.datamodule, self.options)
        own = self._facts(exact, plan.datamodule, plan.assignments, plan.left_out, EXACT)
        absent = _absent(store, plan.datamodule, exact) & sampled(plan.datamodule.items)[:, np.newaxis]
        return Job(absent, RunRecord.now(own, members_of(plan.assignments), kind="check-"))

    def entries(self, plan: Plan) -> list[Entry]:
        """Returns the detectors of a plan, for every seed and condition."""
        return self._built(plan.specs, plan.datamodule, plan.assignments)

    def _built(
        self, specs: Sequence[DetectorSpec], datamodule: DetectionDataModule, assignments: Sequence[Assignment]
    ) -> list[Entry]:
        if self._entries is None:
            singles = single_detectors(specs)
            self._entries = create_entries(singles, self.backbone, datamodule, assignments, self.options)
        return self._entries

    def _facts(
        self,
        entries: Sequence[Entry],
        datamodule: DetectionDataModule,
        assignments: Sequence[Assignment],
        left_out: dict[str, frozenset[str]],
        precision: str | None = None,
    ) -> Facts:
        options = replace(self.options, precision=precision or self.options.precision)
        return {
            **provenance(options.as_facts(), self.device),
            "format": FORMAT,
            "data": data_facts(datamodule, assignments),
            "detectors": detector_facts(entries, options, left_out),
        }


def _absent(store: ScoreStore, datamodule: DetectionDataModule, entries: Sequence[Entry]) -> NDArray[np.bool_]:
    known = known_rows(store, datamodule, entries, ())
    return missing(known, len(datamodule.items), len(entries))


def known_rows(
    store: ScoreStore,
    datamodule: DetectionDataModule,
    entries: Sequence[Entry],
    columns: Sequence[str] = tuple(SCHEMA),
) -> pl.DataFrame:
    """Returns the stored rows that hold for the images and entries; see :meth:`ScoreStore.known`."""
    scorings = [entry.scoring for entry in entries]
    return store.known(datamodule.items, datamodule.read_bytes, scorings, columns)


def no_rows(columns: Sequence[str]) -> pl.DataFrame:
    """Returns what a process other than the first knows of the store."""
    schema = SCHEMA | {"scoring": pl.Int64, "index": pl.UInt32}
    return pl.DataFrame(schema={name: schema[name] for name in (*columns, "scoring", "index")})
