"""Brings scores that were made elsewhere, as by a closed detector or a service, into a store, beside what it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from bench.errors import BenchError
from bench.scoring.facts import provenance
from bench.scoring.foreign_scores import ForeignScores
from bench.scoring.submitting import rows_of
from bench.statistics.names import hash_of
from bench.store.contrasts import ContrastRule
from bench.store.damage import PARTS
from bench.store.facts import COVERS, FORMAT, TRAINED_ON, Facts
from bench.store.listings import Listing, listing_of, read_listings
from bench.store.runs import MEMBERS, Run, RunRecord, read_runs
from bench.store.schema import OK, SCHEMA
from bench.store.sharing.checking import LONGEST, protocol_text
from bench.store.sharing.submission import SCORES, fingerprint_of
from bench.store.sharing.task import Task
from bench.store.writer import ScoreWriter
from datamodules.items import GENERATED, ITEM_SCHEMA, PARTIAL, PARTIAL_MODES, REAL, plain_name, separated

ELSEWHERE = "as it was scored elsewhere"
_IMAGE = ("sha256", "label")


@dataclass(frozen=True)
class Imported:
    """Scores that are in a store now; ``rows`` were written, none where all were there already."""

    store: Path
    name: str
    title: str
    fingerprint: str
    rows: int
    images: int


@dataclass(frozen=True)
class _Place:
    """The data set of a store that a task's images are of.

    Args:
        images: ``path, sha256, label, generator, group, kind, bytes, mtime_ns`` of the task's images, each once.
        run: The latest run that scored it; None where there is none.
    """

    listing: Listing
    images: pl.DataFrame
    run: Run | None


def import_scores(foreign: ForeignScores, name: str, task: Task, store: Path) -> Imported:
    """Files scores of a task's images, which are whole and right, as those of a detector.

    Raises:
        BenchError: The name is another detector's, or the store cannot be written.
    """
    if not name.isprintable() or not 0 < len(name.strip()) <= LONGEST:
        raise BenchError(f"--name must be 1 to {LONGEST} letters that can be printed, got {name[:40]!r}.")
    covers = {
        "detector": {"imported": name, "file": foreign.sha256, "real_high": foreign.real_high},
        "run": {"protocol": protocol_text(task.protocol)},
    }
    fingerprint = fingerprint_of(covers)
    runs = read_runs(part.parent for part in (store / "scores").glob(f"*/*/{PARTS}"))
    scores = foreign.scores.select(*SCORES)
    _check_name(name, fingerprint, runs, task, store, scores)
    place = _place(store, task, runs)
    if len(rows_of(store, task, fingerprint)) == len(scores):
        return Imported(store, name, place.listing.title, fingerprint, 0, len(task.images))
    listing = place.listing.save()
    rows = scores.join(place.images, on="sha256", maintain_order="left").with_columns(
        dataset=pl.lit(listing.title),
        detector=pl.lit(name),
        fingerprint=pl.lit(fingerprint),
        status=pl.lit(OK),
        reason=pl.lit(None, pl.String),
        share=pl.lit(None, pl.Float64),
    )
    facts, members = _facts(foreign, name, fingerprint, covers, task, place)
    writer = ScoreWriter(listing.scores, RunRecord.now(facts, members, "imported-"))
    writer.append(rows.select(*SCHEMA))
    writer.close()
    writer.finish({})
    return Imported(store, name, listing.title, fingerprint, len(rows), len(task.images))


def _check_name(
    name: str, fingerprint: str, runs: Sequence[Run], task: Task, store: Path, scores: pl.DataFrame
) -> None:
    """Refuses the name of a detector that was scored here, or of another file that gives an image another score."""
    others = {
        key: facts
        for run in runs
        for key, facts in run.detectors.items()
        if facts["label"] == name and key != fingerprint
    }
    for key, facts in others.items():
        if "imported" not in facts:
            raise BenchError(f"{store} has a detector {name!r} that was scored here: give another --name.")
        both = rows_of(store, task, key).join(scores, on=["sha256", "seed", "condition"])
        if (both["score"] != both["score_right"]).any():
            raise BenchError(
                f"{store} has other scores of images of this task by {name!r}, of a file with sha256 "
                f"{str(facts['imported'].get('sha256'))[:12]}...: give another --name."
            )


def covering(store: Path, task: Task) -> list[Listing]:
    """Returns the listings of a store that have every image of a task with its label; those of just them come last."""
    images = task.images.select(*_IMAGE)
    found = [one for one in read_listings(store) if not len(images.join(one.images, on=list(_IMAGE), how="anti"))]
    return sorted(found, key=lambda one: one.identity == task.identity)


def _place(store: Path, task: Task, runs: Sequence[Run]) -> _Place:
    """Finds where the images of a task are filed, as the latest run that scored them has it, or makes a place."""
    listings = covering(store, task)
    last = {run.listing: run for run in runs if run.protocol == _as_run(task).protocol}
    listing = max(listings, key=lambda one: getattr(last.get(one.key), "name", ""), default=None)
    if listing is None:
        listing = _listing_of_task(store, task)
    run = last.get(listing.key)
    partial = str(run.data.get("partial") or PARTIAL_MODES[0]) if run else _partial(task)
    mine = task.images.select(*_IMAGE)
    images = separated(listing.images, partial).join(mine, on=list(_IMAGE), how="semi", maintain_order="left")
    return _Place(listing, images.unique("sha256", keep="first", maintain_order=True), run)


def _as_run(task: Task) -> Run:
    return Run(Path(), {"format": FORMAT, "data": {"protocol": dict(task.protocol)}}, pl.DataFrame(schema=MEMBERS))


def _partial(task: Task) -> str:
    """Says what became of edited images where a task was frozen: ``rows``, unless they kept their generator's name."""
    edited = task.images.filter(pl.col("kind").eq_missing(PARTIAL))["generator"]
    return "as-generator" if any(plain_name(name) == name for name in edited) else PARTIAL_MODES[0]


def _listing_of_task(store: Path, task: Task) -> Listing:
    """Lists a task's images under their sha256, as nothing is known of files."""
    edited = pl.col("kind").eq_missing(PARTIAL)
    plain = pl.when(edited).then(pl.col("generator").map_elements(plain_name, pl.String)).otherwise("generator")
    unknown = pl.lit(None, pl.Int64)
    items = task.images.with_columns(path="sha256", generator=plain, bytes=unknown, mtime_ns=unknown)
    listing = listing_of(store, task.title, items.select(*ITEM_SCHEMA).cast(pl.Schema(ITEM_SCHEMA)))
    return listing.knowing(items.select("path", "sha256"))


def _facts(
    foreign: ForeignScores, name: str, fingerprint: str, covers: Facts, task: Task, place: _Place
) -> tuple[Facts, pl.DataFrame]:
    """Describes the import as runs are described, and the members of contrasts that are limited."""
    base: Mapping[str, Any] = place.run.data if place.run else {}
    there = place.run.rules() if place.run else {}
    rules = {
        condition: there.get(condition) or _rules(task.contrasts[condition], task, place.images)
        for condition in task.conditions
    }
    counts = place.images.group_by("label", "generator").len().sort("label", "generator").rows()
    apart = sorted({rule.generator for of_condition in rules.values() for rule in of_condition if rule.apart})
    data = {
        "name": str(base.get("name", "")),
        "title": place.listing.title,
        "set": place.listing.key,
        "identity": place.listing.identity,
        "images": len(place.images),
        "real": {source: n for label, source, n in counts if label == REAL},
        "generated": {source: n for label, source, n in counts if label == GENERATED},
        "paths_sha256": hash_of(place.images["path"]),
        "preprocessing": ELSEWHERE,
        "notes": [],
        **({"apart": apart} if apart else {}),
        **({"partial": base.get("partial") or _partial(task)} if place.images["kind"].is_not_null().any() else {}),
        "protocol": dict(task.protocol),
        "wanted": {condition: len(task.wanted(condition)) for condition in task.conditions},
        "contrasts": {
            condition: {rule.generator: list(rule.reals) for rule in of_condition}
            for condition, of_condition in rules.items()
        },
    }
    file = {"file": foreign.file.name, "sha256": foreign.sha256, "real_high": foreign.real_high, "task": task.named}
    detector = {
        "name": name,
        "version": 1,
        "paper": "none: scores that were imported",
        "options": {},
        "view": ELSEWHERE,
        "passes": None,
        "shared_draw": False,
        "tuned_on": None,
        "backbone": None,
        TRAINED_ON: [],
        "label": name,
        "view_mode": "imported",
        "precision": "not known",
        "seeds": foreign.scores["seed"].n_unique(),
        "held_out": [],
        COVERS: covers,
        "imported": file,
    }
    facts = {
        **provenance({}, "none: scores were imported"),
        "format": FORMAT,
        "asked": [],
        "imported": file,
        "data": data,
        "detectors": {fingerprint: detector},
    }
    members = [
        (condition, rule.generator, path)
        for condition, of_condition in rules.items()
        for rule in of_condition
        if rule.members is not None
        for path in sorted(rule.members)
    ]
    return facts, pl.DataFrame(members, schema=MEMBERS, orient="row")


def _rules(rules: Sequence[ContrastRule], task: Task, images: pl.DataFrame) -> tuple[ContrastRule, ...]:
    """Writes a task's contrasts in the names and paths of a store's images."""
    both = task.images.select("sha256", "label", there="generator").join(images, on=list(_IMAGE))
    names = both.group_by("label", "there").agg(pl.col("generator").unique().sort())
    known = {(label, there): here for label, there, here in names.iter_rows()}
    paths = dict(images.select("sha256", "path").iter_rows())
    found = {}
    for rule in rules:
        reals = tuple(sorted({here for real in rule.reals for here in known.get((REAL, real), [])}))
        members = rule.members and frozenset(paths[sha256] for sha256 in rule.members)
        for generator in known.get((GENERATED, rule.generator), []):
            found[generator] = ContrastRule(generator, reals, members, rule.apart)
    return tuple(found.values())
