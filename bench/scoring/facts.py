"""What a run keeps beside its scores, so that every table can be made, and explained, from the store alone."""

import importlib.metadata
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from PIL import features

from bench.errors import BenchError
from bench.scoring.attacks.condition import Attack
from bench.scoring.conditions import PlannedCondition
from bench.scoring.entry import Entry
from bench.scoring.known import KnownDetector, Weights, made_from
from bench.scoring.options import RunOptions
from bench.scoring.specs import DetectorSpec
from bench.statistics.names import hash_of
from bench.store.facts import COVERS, MADE_FROM, NOT_KNOWN, TRAINED_ON, Facts
from bench.store.listings import Listing
from bench.store.runs import MEMBERS
from bench.store.schema import Scoring
from bench.store.sharing.submission import fingerprint_of
from datamodules import GENERATED, REAL, DetectionData
from datamodules.release_dates import days_of
from detectors import Backbone, Detector, create_fusion
from detectors.ensemble import known_sum, member_names

"""The fact that a run keeps of a trained detector alone: names of generators, none where they are not known."""
PACKAGES = ("fauxbench", "torch", "torchvision", "lightning", "torchmetrics", "timm", "Pillow", "numpy", "polars")


def data_facts(datamodule: DetectionData, conditions: Sequence[PlannedCondition], listing: Listing) -> Facts:
    """Describes the images of a run, the data set that they were chosen from, and who faces whom."""
    items = datamodule.items
    counts = items.group_by("label", "generator").len().sort("label", "generator")
    attacks = {
        planned.condition.name: asdict(planned.condition)
        for planned in conditions
        if isinstance(planned.condition, Attack)
    }
    return {
        "name": datamodule.name,
        "title": datamodule.title,
        "set": listing.key,
        "identity": listing.identity,
        "images": len(items),
        "real": {name: n for label, name, n in counts.iter_rows() if label == REAL},
        "generated": {name: n for label, name, n in counts.iter_rows() if label == GENERATED},
        "paths_sha256": hash_of(items["path"]),
        "preprocessing": datamodule.preprocessing,
        "notes": list(datamodule.notes),
        **({"release_dates": _checked_dates(datamodule.release_dates)} if datamodule.release_dates else {}),
        **({"revision": datamodule.revision} if datamodule.revision else {}),
        **({"apart": list(datamodule.apart)} if datamodule.apart else {}),
        **({"partial": datamodule.partial} if datamodule.listing["kind"].is_not_null().any() else {}),
        "protocol": datamodule.protocol,
        "wanted": {
            planned.condition.name: len(items) if planned.chosen is None else int(planned.chosen.sum())
            for planned in conditions
        },
        **({"attacks": attacks} if attacks else {}),
        "contrasts": {
            planned.condition.name: {rule.generator: list(rule.reals) for rule in planned.contrasts}
            for planned in conditions
        },
    }


def _checked_dates(dates: Mapping[str, str]) -> dict[str, str]:
    """Takes release dates as they are.

    Raises:
        BenchError: One is no date.
    """
    for generator, text in dates.items():
        try:
            days_of(text)
        except ValueError:
            raise BenchError(
                f"The data say that {generator} was released on {text!r}, which is no date: write YYYY, YYYY-MM or "
                "YYYY-MM-DD."
            ) from None
    return dict(dates)


def members_of(conditions: Sequence[PlannedCondition]) -> pl.DataFrame:
    """Returns ``condition, generator, path`` of contrasts that take only some images of their sources."""
    rows = [
        (planned.condition.name, rule.generator, path)
        for planned in conditions
        for rule in planned.contrasts
        if rule.members is not None
        for path in sorted(rule.members)
    ]
    return pl.DataFrame(rows, schema=MEMBERS, orient="row")


def detector_facts(
    entries: Sequence[Entry],
    options: RunOptions,
    held_out: Mapping[str, frozenset[str]],
    run: Mapping[str, str] | None = None,
    weights: Weights | None = None,
) -> dict[str, Facts]:
    """Describes each detector by its fingerprint.

    Args:
        entries: The detectors.
        options: Of the run.
        held_out: Groups that a detector was fitted to, by its label.
        run: What fingerprints cover beside the detectors; without it nothing is said of what they cover.
        weights: Of the network; see :func:`bench.scoring.known.made_from`.
    """
    configured = {entry.scoring.fingerprint: entry for entry in entries}
    return {
        fingerprint: {
            **_described(entry.detector),
            **_configured(entry.scoring.detector, options, held_out.get(entry.scoring.detector, ()), entry.spec.view),
            **({} if run is None else _covered(entry.detector, fingerprint, run)),
            **({MADE_FROM: made} if run is not None and (made := made_from(entry.spec, options, weights)) else {}),
        }
        for fingerprint, entry in configured.items()
    }


def _covered(detector: Detector, fingerprint: str, run: Mapping[str, str]) -> Facts:
    """Says what the fingerprint covers; nothing of a plugin that makes its fingerprint in a way of its own."""
    covered = detector.covered(**run)
    return {COVERS: covered} if fingerprint_of(covered) == fingerprint else {}


def fused_facts(
    specs: Sequence[DetectorSpec],
    entries: Sequence[Entry],
    scorings: Sequence[Scoring],
    options: RunOptions,
    held_out: Mapping[str, frozenset[str]],
) -> dict[str, Facts]:
    """Describes the ensembles of a run by their fingerprints, as :func:`detector_facts` does single detectors."""
    facts = {}
    for spec in specs:
        if not spec.members:
            continue
        members = [next(entry for entry in entries if member.is_same(entry.spec)) for member in spec.members]
        described = [_described(entry.detector) for entry in members]
        trained, fusion = trained_on(described), create_fusion(**spec.fusion)
        names = member_names([entry.detector for entry in members])
        of_members = {
            f"{name}.{option}": value
            for name, member in zip(names, described, strict=True)
            for option, value in member["options"].items()
        }
        for scoring in scorings:
            if scoring.detector == spec.label:
                facts[scoring.fingerprint] = {
                    "name": spec.name,
                    "version": max(member["version"] for member in described),
                    "paper": fusion.paper,
                    "options": {"fuse": fusion.name, **fusion.options, **of_members},
                    "view": ", ".join(dict.fromkeys(member["view"] for member in described)),
                    "passes": known_sum(member["passes"] for member in described),
                    "shared_draw": any(member["shared_draw"] for member in described),
                    "tuned_on": fusion.tuned_on,
                    "backbone": described[0]["backbone"],
                    **_configured(spec.label, options, held_out.get(spec.label, ())),
                    "members": [entry.scoring.fingerprint for entry in members],
                    **({} if trained is None else {TRAINED_ON: trained}),
                }
    return facts


def trained_on(facts: Iterable[Mapping[str, Any]]) -> list[str] | None:
    """Puts together what the members of an ensemble were trained on.

    Returns:
        The generators' names, ``not known`` among them where one member's are not known; None where no member is
        trained.
    """
    trained = [member[TRAINED_ON] for member in facts if TRAINED_ON in member]
    return sorted({name for names in trained for name in (names or [NOT_KNOWN])}) if trained else None


def provenance(options: dict[str, Any], device: str) -> dict[str, Any]:
    """Describes a run for ``run.json``: its options, and the device that computed, in words."""
    return {
        "command": " ".join(["bench", *sys.argv[1:]]),
        "options": options,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "versions": {
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in PACKAGES},
            # Decoders have changed pixels between versions, so the decoder's version belongs to a score.
            "libjpeg": features.version("libjpeg_turbo") or features.version("jpg") or "unknown",
        },
        "device": device,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _commit() -> str | None:
    """Returns the commit of the suite's own checkout, with ``+`` where files differ; None outside of one."""
    git = ("git", "-C", str(Path(__file__).parent))
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changes = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changes.stdout.strip() else "")


def _described(detector: Detector | KnownDetector) -> Facts:
    if isinstance(detector, KnownDetector):
        return detector.described
    backbone, trained = getattr(detector, "backbone", None), getattr(detector, "trained_on", None)
    named = {"name": backbone.name, "weights": backbone.fingerprint} if isinstance(backbone, Backbone) else None
    return {
        "name": detector.name,
        "version": detector.version,
        **({"source": detector.source_sha256} if detector.source_sha256 else {}),
        "paper": detector.paper,
        "options": {
            name: value if isinstance(value, str | int | float | bool) or value is None else str(value)
            for name, value in detector.settled.items()
        },
        **({"sources": dict(detector.sources)} if detector.sources else {}),
        "view": str(detector.view),
        "passes": detector.passes,
        "shared_draw": detector.shared_draw,
        "tuned_on": detector.tuned_on,
        "backbone": named,
        **({} if trained is None else {TRAINED_ON: list(trained)}),
    }


def _configured(label: str, options: RunOptions, held_out: Iterable[str], view: str = "") -> Facts:
    return {
        "label": label,
        "view_mode": view or options.view,
        "precision": options.precision,
        "seeds": options.seeds,
        "held_out": sorted(held_out),
    }
