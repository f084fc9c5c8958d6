"""The reference set: what real images of a score store score, and how an image stands among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import beta

from bench.errors import BenchError
from bench.results.summary import summarise
from bench.scoring.entry import Entry
from bench.scoring.facts import detector_facts
from bench.scoring.files import Scorer
from bench.scoring.machine.phases import phase
from bench.statistics.bootstrap import Interval
from bench.statistics.number import Number
from bench.store.damage import PARTS
from bench.store.dataset import SHORT
from bench.store.facts import Facts
from bench.store.panel import Panel
from bench.store.reader import read_parts, scan_rows
from bench.store.runs import Run, read_runs
from bench.store.schema import CLEAN, OK
from datamodules import REAL

_COLUMNS = (
    *("dataset", "path", "sha256", "group", "label", "generator"),
    *("detector", "fingerprint", "condition", "seed", "score", "status"),
)


@dataclass(frozen=True)
class Standing:
    """How an image stands among the real images of a reference set: how many score at least as high, of how many.

    ``higher_groups`` of the ``groups`` of these images hold such an image.
    """

    dataset: str
    higher: int
    reals: int
    higher_groups: int
    groups: int

    @property
    def share(self) -> float:
        """Returns ``(1 + higher_groups) / (groups + 1)``.

        If the image is real, of the reference set's kind and of a group of its own, a share of at most p comes with a
        probability of at most p, whatever the detector (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random
        World", 2005, chapter 2). That holds of what is exchangeable, so groups are counted: a share of images would be
        too low too often.
        """
        return (1 + self.higher_groups) / (self.groups + 1)

    def __str__(self) -> str:
        number = f"{self.higher:,}" if self.higher else "none"
        verb = "score" if self.higher > 1 else "scores"
        groups = f" ({self.higher_groups:,} of {self.groups:,} groups)" if self.groups < self.reals else ""
        return (
            f"of {self.reals:,} real images of {self.dataset}, {number} {verb} at least as high{groups}: "
            f"{percent(self.share)}"
        )


@dataclass(frozen=True)
class Reference:
    """The scores that one detector gave the real images of a dataset.

    Args:
        scores: ``(n,)``, ascending.
        highest: ``(groups,)`` the highest score of each group, ascending; fewer than images where some are not
            independent.
        sha256: Of the images' files.
        auroc: How well the detector tells these real images from the generated ones that face them in the store.
    """

    dataset: str
    scores: NDArray[np.float64]
    highest: NDArray[np.float64]
    sha256: frozenset[str]
    auroc: Number

    def standing(self, score: float) -> Standing:
        """Counts the real images that score at least as high, and the groups that hold one."""
        higher, higher_groups = (
            len(values) - int(np.searchsorted(values, score, side="left")) for values in (self.scores, self.highest)
        )
        return Standing(self.dataset, higher, len(self.scores), higher_groups, len(self.highest))

    def alarm_range(self, level: float) -> Interval:
        """Computes how often other real images have a share of at most ``level``, given this reference set.

        On average they do so in at most ``level`` of cases; with the set at hand in a share that has the distribution
        Beta(k, groups + 1 - k), where k is the number of shares that low. The interval holds 95 % of it.
        """
        n = len(self.highest)
        k = int(level * (n + 1))
        if not k:
            return Interval(0.0, 0.0)
        return Interval(*(float(beta.ppf(tail, k, n + 1 - k)) for tail in (0.025, 0.975)))


def percent(share: float) -> str:
    """Writes a share with two digits that count.

    Examples:
        >>> percent(13 / 1001), percent(0.5), percent(1 / 10001)
        ('1.3 %', '50 %', '0.01 %')
    """
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"


@phase("Reading the scores of real images")
def read_references(folder: Path, scorer: Scorer) -> dict[str, Reference]:
    """Reads what the real images of a store scored, without degradation, with the same detectors and seed, by label.

    The folder is one of results, or that of one dataset's scores in it.

    Raises:
        BenchError: There are no scores, they are of several datasets, or they were made otherwise than now; one line
            says what differs.
    """
    scores = _dataset_folder(folder)
    runs = read_runs(part.parent for part in scores.glob(f"*/{PARTS}"))
    return {entry.scoring.detector: _reference(entry, runs, scorer, scores) for entry in scorer.entries}


def _dataset_folder(folder: Path) -> Path:
    """Finds the folder with the runs of one dataset."""
    if not folder.is_dir():
        raise BenchError(f"There is no folder {folder}. Give --calibration a results folder of compare.")
    inner = folder / "scores" if (folder / "scores").is_dir() else folder
    if any(inner.glob(f"*/{PARTS}")):
        return inner
    datasets = sorted({part.parent.parent for part in inner.glob(f"*/*/{PARTS}")})
    if not datasets:
        raise BenchError(f"There are no scores under {folder}: run 'python -m bench compare' first.")
    if len(datasets) > 1:
        names = ", ".join(dataset.name for dataset in datasets)
        raise BenchError(f"{folder} has scores of {names}: give one of them, such as --calibration {datasets[0]}.")
    return datasets[0]


def _reference(entry: Entry, runs: Sequence[Run], scorer: Scorer, scores: Path) -> Reference:
    fingerprint, seed = entry.scoring.fingerprint, entry.scoring.seed
    fitted_to = {group for run in runs for group in run.detectors.get(fingerprint, {}).get("held_out", ())}
    wanted = (pl.col("condition") == CLEAN) & (pl.col("status") == OK) & (pl.col("fingerprint") == fingerprint)
    # The parts of later runs come last.
    everything = read_parts(scores, lambda parts: scan_rows(parts).filter(wanted).select(_COLUMNS).collect())
    chosen = everything.filter((pl.col("seed") == seed) & ~pl.col("group").is_in(list(fitted_to)))
    chosen = chosen.unique("path", keep="last", maintain_order=True)
    same, rows = (table.filter(pl.col("label") == REAL) for table in (everything, chosen))
    if rows.is_empty():
        raise BenchError(_what_is_missing(entry, same, runs, scorer, scores))
    rules = next((run.rules()[CLEAN] for run in reversed(runs) if CLEAN in run.rules()), ())
    panel = Panel.of(chosen.with_columns(scoring=0), [entry.scoring], {CLEAN: rules})
    means = [row.numbers["auroc"] for row in summarise(panel, ["auroc"]).means]
    return Reference(
        dataset=str(rows["dataset"][-1]),
        scores=np.sort(rows["score"].to_numpy()),
        highest=np.sort(rows.group_by("group").agg(pl.col("score").max())["score"].to_numpy()),
        sha256=frozenset(rows["sha256"]),
        auroc=means[0] if means else Number(float("nan"), reason="no generator but of edited images"),
    )


def _what_is_missing(entry: Entry, same: pl.DataFrame, runs: Sequence[Run], scorer: Scorer, scores: Path) -> str:
    label, seed = entry.scoring.detector, entry.scoring.seed
    seeds = sorted(set(same["seed"]))
    if seeds and seed not in seeds:
        return f"{scores} has scores of {label} with seed {', '.join(map(str, seeds))}, not with --seed {seed}."
    if any(entry.scoring.fingerprint in run.detectors for run in runs):
        return f"{scores} has no clean scores of real images by {label} that it was not fitted to."
    return f"{scores} cannot be the reference of {label}: {_differences(entry, runs, scorer)}."


def _differences(entry: Entry, runs: Sequence[Run], scorer: Scorer) -> str:
    """Compares a detector, as it scores now, with the stored one that is most alike: what differs, in words."""
    facts = detector_facts([entry], scorer.options, {})[entry.scoring.fingerprint]
    now = _flat(facts, scorer.data.protocol)
    differing = []
    for run in runs:
        for stored in run.detectors.values():
            if stored.get("name") == entry.detector.name:
                then = _flat(stored, run.data.get("protocol", {}))
                names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
                differing.append(
                    [f"{name} is {then.get(name, 'not told')}, here {now.get(name, 'none')}" for name in names]
                )
    if not differing:
        there = sorted({str(facts.get("label")) for run in runs for facts in run.detectors.values()})
        return f"it has no scores of {entry.detector.name}, but of {', '.join(there) or 'detectors that no run names'}"
    least = min(reversed(differing), key=len)
    return "there " + ", ".join(least) if least else "something differs that its runs do not tell"


def _flat(facts: Facts, protocol: Mapping[str, object]) -> dict[str, object]:
    """Lays out what a score depends on, as far as a run tells, by its name in words."""
    backbone, options = facts.get("backbone") or {}, dict(facts.get("options") or {})
    options.pop("preprocessing", None)  # it names what the view says
    return {
        "version": facts.get("version"),
        "source": str(facts.get("source", ""))[:SHORT] or "the suite's own",
        **{f"option {name}": value for name, value in options.items()},
        "view": facts.get("view"),
        "backbone": backbone.get("name"),
        "weights": str(backbone.get("weights"))[:SHORT],
        "precision": facts.get("precision"),
        **dict(protocol),
    }
