"""Which settings were tried on a data set: what a sweep keeps in its ``run.json``, and what follows for numbers later.

A setting is a method with its options and its picture. Nothing else counts: neither the precision, nor the backbone,
nor what is done to images before a view is cut, so that a setting that was chosen on a data set stays one.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.store.data_sets import data_sets
from bench.store.facts import Facts
from bench.store.findings import Finding
from bench.store.listings import Listing, read_listings
from bench.store.runs import FACTS_FILE, Run, read_runs

SWEEP, DEFAULT = "sweep", "default"
"""The fact that the run of a sweep keeps, and in it the label of the setting that is the method's own."""


@dataclass(frozen=True)
class SweptSettings(Finding):
    """Detectors of a table whose settings are among those that sweeps tried on this very data set.

    Args:
        method: The detector that was swept.
        tried: How many settings were.
        chosen: Labels of those that the method does not have by default: their numbers are optimistic.
        default: Labels of the others, which nobody chose on this data.
    """

    method: str
    tried: int
    chosen: Sequence[str]
    default: Sequence[str]


def swept_settings(
    runs: Iterable[Run], detectors: Mapping[str, Facts], known: Mapping[str, Facts]
) -> list[SweptSettings]:
    """Looks for detectors that a sweep tried; an ensemble is what its members are.

    Args:
        runs: Those on the data set.
        detectors: By label.
        known: By fingerprint, where members of ensembles are found.
    """
    tried: dict[str, set[str]] = {}
    default: set[str] = set()
    for run in runs:
        swept = run.facts.get(SWEEP) or {}
        for facts in run.detectors.values() if SWEEP in run.facts else ():
            if "members" not in facts:
                tried.setdefault(facts["name"], set()).add(_setting(facts))
                default |= {_setting(facts)} if facts["label"] == swept.get(DEFAULT) else set()
    findings = []
    for method, settings in sorted(tried.items()):
        shown: dict[bool, list[str]] = {True: [], False: []}
        for label, facts in detectors.items():
            members = [known[one] for one in facts.get("members") or () if one in known] if facts else []
            used = {_setting(one) for one in (members or [facts]) if one} & settings
            if used:
                shown[used <= default].append(label)
        if shown[True] or shown[False]:
            findings.append(SweptSettings(method, len(settings), sorted(shown[False]), sorted(shown[True])))
    return findings


def sweeps_on(listing: Listing) -> list[Run]:
    """Reads the sweeps of a results folder that were on a data set, by its content, whatever it was called.

    Raises:
        DamagedFileError: A file is broken.
    """
    runs = read_runs(swept_folders(listing.output))
    if not runs:
        return []
    sets = data_sets(read_listings(listing.output), runs)
    return [run for one in sets if listing.key in {other.key for other in one.listings} for run in one.runs]


def swept_folders(output: Path) -> list[Path]:
    """Finds the runs of a results folder that were sweeps; one that found all its scores in the store holds none."""
    files = sorted(output.glob(f"scores/*/*/{FACTS_FILE}"))
    return [file.parent for file in files if f'"{SWEEP}": ' in file.read_text(encoding="utf-8", errors="replace")]


def _setting(facts: Facts) -> str:
    return json.dumps([facts["name"], facts["options"], facts["view"]], sort_keys=True)
