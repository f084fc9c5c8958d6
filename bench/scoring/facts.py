"""What a run keeps beside its scores, so that every table can be made, and explained, from the store alone."""

import importlib.metadata
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from bench.scoring.conditions import PlannedCondition
from bench.scoring.entry import Entry
from bench.scoring.options import RunOptions
from bench.scoring.specs import DetectorSpec
from bench.statistics.names import hash_of
from bench.store.runs import MEMBERS, Facts
from bench.store.schema import Scoring
from datamodules import GENERATED, REAL, DetectionDataModule
from detectors import Backbone, Detector, Ensemble

NOT_KNOWN = "not known"
TRAINED_ON = "trained_on"
"""The fact that a run keeps of a trained detector: names of generators, none where they are not known."""
PACKAGES = ("fauxbench", "torch", "torchvision", "lightning", "torchmetrics", "timm", "Pillow", "numpy", "polars")


def data_facts(datamodule: DetectionDataModule, conditions: Sequence[PlannedCondition]) -> Facts:
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
            one.condition.name: len(items) if one.chosen is None else int(one.chosen.sum()) for one in conditions
        },
        "contrasts": {
            one.condition.name: {rule.generator: list(rule.reals) for rule in one.contrasts} for one in conditions
        },
    }


def members_of(conditions: Sequence[PlannedCondition]) -> pl.DataFrame:
    """Returns ``condition, generator, path`` of contrasts that take only some images of their sources."""
    rows = [
        (one.condition.name, rule.generator, path)
        for one in conditions
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


def trained_on(facts: Iterable[Mapping[str, Any]]) -> list[str] | None:
    """Puts together what the members of an ensemble were trained on.

    Args:
        facts: Of each member, as a run keeps them.

    Returns:
        The generators' names, ``not known`` among them where one member's are not known; None where no member is
        trained.
    """
    told = [one[TRAINED_ON] for one in facts if TRAINED_ON in one]
    if not told:
        return None
    return sorted({name for names in told for name in (names or [NOT_KNOWN])})


def provenance(options: dict[str, Any], device: str) -> dict[str, Any]:
    """Describes a run.

    Args:
        options: The run's options as the command line or a configuration file gave them.
        device: What computed, in words.

    Returns:
        Facts for ``run.json``.
    """
    return {
        "command": " ".join(["bench", *sys.argv[1:]]),
        "options": options,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "versions": {"python": platform.python_version(), **_versions(), "libjpeg": _libjpeg()},
        "device": device,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _versions() -> dict[str, str]:
    return {package: importlib.metadata.version(package) for package in PACKAGES}


def _libjpeg() -> str:
    """Decoders have changed pixels between versions, so the decoder's version belongs to a score."""
    from PIL import features

    return features.version("libjpeg_turbo") or features.version("jpg") or "unknown"


def _commit() -> str | None:
    """Returns the commit of the suite's own checkout, with ``+`` where files differ; None outside of one."""
    folder = Path(__file__).parent
    try:
        git = ("git", "-C", str(folder))
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changes = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changes.stdout.strip() else "")


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
