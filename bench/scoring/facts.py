"""What a run keeps beside its scores, so that every table can be made, and explained, from the store alone."""

from collections.abc import Mapping, Sequence

import polars as pl

from bench.results.seen import TRAINED_ON, trained_on
from bench.scoring.conditions import Assignment
from bench.scoring.entry import Entry
from bench.scoring.options import RunOptions
from bench.scoring.specs import DetectorSpec
from bench.statistics.names import hash_of
from bench.store.runs import MEMBERS, Facts
from bench.store.schema import Scoring
from datamodules import GENERATED, REAL, DetectionDataModule
from detectors import Backbone, Detector, Ensemble


def data_facts(datamodule: DetectionDataModule, assignments: Sequence[Assignment]) -> Facts:
    """Describes the images of a run and who faces whom under each condition."""
    items = datamodule.items
    counts = items.group_by("label", "generator").len().sort("label", "generator")
    return {
        "name": datamodule.name,
        "title": datamodule.title,
        "images": len(items),
        "real": {name: n for label, name, n in counts.iter_rows() if label == REAL},
        "generated": {name: n for label, name, n in counts.iter_rows() if label == GENERATED},
        "paths_sha256": hash_of(items["path"].to_list()),
        "preprocessing": datamodule.preprocessing,
        "notes": list(datamodule.notes),
        "protocol": datamodule.protocol,
        "wanted": {
            one.treatment.name: len(items) if one.chosen is None else int(one.chosen.sum()) for one in assignments
        },
        "contrasts": {
            one.treatment.name: {rule.generator: list(rule.reals) for rule in one.contrasts} for one in assignments
        },
    }


def members_of(assignments: Sequence[Assignment]) -> pl.DataFrame:
    """Returns ``condition, generator, path`` of contrasts that take only some images of their sources."""
    rows = [
        (one.treatment.name, rule.generator, path)
        for one in assignments
        for rule in one.contrasts
        if rule.members is not None
        for path in sorted(rule.members)
    ]
    return pl.DataFrame(rows, schema=MEMBERS, orient="row")


def detector_facts(
    entries: Sequence[Entry], options: RunOptions, held_out: Mapping[str, frozenset[str]]
) -> dict[str, Facts]:
    """Describes each detector by its fingerprint.

    Args:
        entries: What is run.
        options: The run's options.
        held_out: Groups that a detector was fitted to, by its label; its numbers leave them out.
    """
    return {
        entry.scoring.fingerprint: _described(entry.detector)
        | {
            "label": entry.scoring.detector,
            "view_mode": options.view,
            "precision": options.precision,
            "seeds": options.seeds,
            "held_out": sorted(held_out.get(entry.scoring.detector, ())),
        }
        for entry in entries
    }


def fused_facts(
    specs: Sequence[DetectorSpec],
    entries: Sequence[Entry],
    scorings: Sequence[Scoring],
    options: RunOptions,
    held_out: frozenset[str],
) -> dict[str, Facts]:
    """Describes the ensembles of a run by their fingerprints, as :func:`detector_facts` does single detectors."""
    facts = {}
    for spec in specs:
        members = [
            next(entry for entry in entries if (entry.spec.name, entry.spec.options) == (member.name, member.options))
            for member in spec.members
        ]
        described = [_described(entry.detector) for entry in members]
        for scoring in scorings if members else ():
            if scoring.detector == spec.label:
                facts[scoring.fingerprint] = {
                    "name": spec.name,
                    "version": max(one["version"] for one in described),
                    "paper": Ensemble.paper,
                    "options": {f"{one['name']}.{key}": v for one in described for key, v in one["options"].items()},
                    "view": ", ".join(dict.fromkeys(one["view"] for one in described)),
                    "passes": sum(one["passes"] for one in described),
                    "tuned_on": Ensemble.tuned_on,
                    "backbone": described[0]["backbone"],
                    "label": spec.label,
                    "view_mode": options.view,
                    "precision": options.precision,
                    "seeds": options.seeds,
                    "held_out": sorted(held_out),
                    "members": [entry.scoring.fingerprint for entry in members],
                    **_training(trained_on(described)),
                }
    return facts


def _described(detector: Detector) -> Facts:
    backbone = getattr(detector, "backbone", None)
    named = {"name": backbone.name, "weights": backbone.fingerprint} if isinstance(backbone, Backbone) else None
    return {
        "name": detector.name,
        "version": detector.version,
        **({"source": detector.source_sha256} if detector.source_sha256 else {}),
        "paper": detector.paper,
        "options": {name: _plain(value) for name, value in detector.settled.items()},
        "view": str(detector.view),
        "passes": detector.passes,
        "tuned_on": detector.tuned_on,
        "backbone": named,
        **_training(getattr(detector, "trained_on", None)),
    }


def _training(names: Sequence[str] | None) -> Facts:
    """States the generators that a detector was trained on; a detector without training has no such fact."""
    return {} if names is None else {TRAINED_ON: list(names)}


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
