"""From a results repository to a comparison for each task, as the leaderboard makes it of a store's data sets."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.results.comparison import Comparison
from bench.results.cues.worst import ALL_CUES, WORST_CUE
from bench.results.leaderboard import compare_stored
from bench.results.submissions.agreement import Cells
from bench.results.submissions.findings import Confirmations, FrozenTask, UnknownCues
from bench.results.submissions.reading import Entry, Refused, read_repository
from bench.results.submissions.standing import Origin, Scored, Standing, disagreements_of, short_names, standings_of
from bench.scoring.machine.phases import phase
from bench.store.dataset import NOT_RECORDED, SHORT, ConfiguredDetector, Coverage, StoredDataset
from bench.store.facts import TRAINED_ON, Facts
from bench.store.findings import Content, Finding
from bench.store.panel import IMAGES, Panel
from bench.store.runs import protocol_text
from bench.store.schema import SCHEMA, Scoring
from bench.store.sharing.submission import Submission
from bench.store.sharing.task import Task
from detectors.facts import find_facts
from detectors.registry import detector_names


@dataclass(frozen=True)
class Submissions:
    """A results repository.

    Args:
        comparisons: One for each task with a submission, by title.
        tasks: Their tasks.
        empty: Titles of the other tasks.
        refused: Submissions that are on no board.
    """

    comparisons: Sequence[Comparison]
    tasks: Sequence[Task]
    empty: Sequence[str]
    refused: Sequence[Refused]

    @property
    def newest(self) -> list[Comparison]:
        """The comparisons of the newest version of each task: older ones have the same images."""
        last = {task.name: task.version for task in self.tasks}  # sorted by version
        pairs = zip(self.comparisons, self.tasks, strict=True)
        return [comparison for comparison, task in pairs if task.version == last[task.name]]


def read_submissions(root: Path) -> Submissions:
    """Makes a comparison of each task of a results repository from the submitted scores.

    Raises:
        BenchError: It is no results repository, or a task cannot be read.
    """
    with phase("Checking the submissions"):
        repository = read_repository(root)
    by_task: dict[str, list[Entry]] = {task.digest: [] for task in repository.tasks}
    for entry in repository.entries:
        by_task[entry.submission.task["digest"]].append(entry)
    submitters = short_names(sorted({entry.repository for entry in repository.entries}))
    titles, newest = _titles(repository.tasks), {task.name: task.version for task in repository.tasks}
    there = [task for task in repository.tasks if by_task[task.digest]]
    comparisons = [
        _comparison(task, titles[task.digest], by_task[task.digest], submitters, newest[task.name]) for task in there
    ]
    empty = [titles[task.digest] for task in repository.tasks if not by_task[task.digest]]
    return Submissions(comparisons, there, empty, repository.refused)


def _titles(tasks: Sequence[Task]) -> dict[str, str]:
    titles = {task.digest: f"{task.name}, version {task.version}" for task in tasks}
    counts = Counter(titles.values())
    return {digest: f"{title} #{digest[:SHORT]}" if counts[title] > 1 else title for digest, title in titles.items()}


def _comparison(
    task: Task, title: str, entries: Sequence[Entry], submitters: Mapping[str, str], newest: int
) -> Comparison:
    images = _images(task)
    with phase("Comparing submissions with each other"):
        submissions = {entry.folder: entry.submission for entry in entries}
        scored = [_scored(entry, submitters, images["sha256"]) for entry in entries]
        standings = standings_of(scored, (WORST_CUE, ALL_CUES))
        disagreements = disagreements_of(standings, images["sha256"].to_list())
    findings: list[Finding] = [
        FrozenTask(task.name, task.version, task.digest, task.license, newest),
        UnknownCues(),
        Confirmations(sum(standing.confirmations > 0 for standing in standings)),
        Content(task.identity, len(images), len(images)),
        *disagreements,
    ]
    detectors = {}
    for standing in standings:
        submission = submissions[standing.scored.origin.folder]
        detectors[standing.label] = ConfiguredDetector(standing.label, submission.fingerprint, _facts(submission))
    panel = _panel(task, images, standings, {label: known.fingerprint for label, known in detectors.items()})
    dataset = StoredDataset(
        title=title,
        name="",
        protocol=protocol_text(task.protocol),
        panel=panel,
        detectors=detectors,
        coverage={cell: Coverage(*[len(task.wanted(cell[1]))] * 2) for cell in panel.cells},
        sources={cell: {} for cell in panel.cells},
        runs=[],
        findings=findings,
        identity=task.identity,
        content=task.identity,
    )
    return replace(compare_stored(dataset), standings={standing.label: standing for standing in standings})


def _images(task: Task) -> pl.DataFrame:
    """Makes a panel's images, whose paths are their sha256."""
    images = task.images.with_columns(path="sha256", share=pl.lit(None, dtype=SCHEMA["share"]))
    return images.select(*IMAGES).sort("path")


def _scored(entry: Entry, submitters: Mapping[str, str], sha256: pl.Series) -> Scored:
    submission = entry.submission
    origin = Origin(submitters[entry.repository], entry.repository, entry.folder)
    return Scored(origin, submission.detector, _key(submission), submission.imported, _cells(submission, sha256))


def _key(submission: Submission) -> str:
    """Says what a submission is of: a configured detector, or a name where nothing else is known of it."""
    return f"called {submission.detector}" if submission.imported else submission.fingerprint


def _cells(submission: Submission, sha256: pl.Series) -> Cells:
    """Arranges scores in the order of the task's images, nan of those that a condition leaves out."""
    places = pl.DataFrame({"sha256": sha256}).with_row_index("place")
    cells = {}
    parts = submission.scores.partition_by("condition", "seed", as_dict=True, include_key=False)
    for (condition, seed), rows in sorted(parts.items()):
        placed = rows.join(places, on="sha256")
        scores = np.full(len(sha256), np.nan)
        scores[placed["place"].to_numpy()] = placed["score"].to_numpy()
        cells[str(condition), int(seed)] = scores
    return cells


def _panel(task: Task, images: pl.DataFrame, standings: Sequence[Standing], fingerprints: Mapping[str, str]) -> Panel:
    columns = [
        (Scoring(standing.label, fingerprints[standing.label], seed, condition), scores)
        for standing in standings
        for (condition, seed), scores in standing.scored.cells.items()
    ]
    scores = np.stack([scores for _, scores in columns])
    scorings = tuple(scoring for scoring, _ in columns)
    rules = {
        condition: rules for condition, rules in task.contrasts.items() if condition in {s.condition for s in scorings}
    }
    return Panel(images, scorings, scores, np.isfinite(scores), rules)


def _facts(submission: Submission) -> Facts:
    """Says of a detector what a run would have kept, as far as the submission tells; nothing of imported scores."""
    if submission.imported:
        return {}
    told: Mapping[str, Any] = submission.facts or {"detector": {}, "run": {}}
    detector, view = told["detector"], told["detector"].get("view")
    facts: Facts = {
        "name": submission.method,
        "version": detector.get("version", NOT_RECORDED),
        "paper": NOT_RECORDED,
        "options": dict(submission.options),
        "view": _view(view) if isinstance(view, Mapping) else NOT_RECORDED,
        "view_mode": NOT_RECORDED,
        "backbone": _backbone(submission),
        "label": submission.detector,
        "precision": str(told["run"].get("precision", NOT_RECORDED)),
        "held_out": [],
    }
    if submission.trained_on is not None:
        facts[TRAINED_ON] = list(submission.trained_on)
    if submission.method in detector_names():
        known = find_facts(submission.method)
        facts |= {"paper": known.paper, "shared_draw": known.shared_draw, "tuned_on": known.tuned_on}
    return facts


def _backbone(submission: Submission) -> dict[str, str] | None:
    if submission.facts is None:
        return {"name": NOT_RECORDED, "weights": ""}
    backbone = submission.facts["detector"].get("backbone")
    return {key: str(backbone.get(key, "")) for key in ("name", "weights")} if isinstance(backbone, Mapping) else None


def _view(view: Mapping[str, Any]) -> str:
    """Writes a picture as ``detectors.View`` does."""
    return "native" if view.get("fit") == "native" else f"{view.get('fit')} {view.get('size')}"
