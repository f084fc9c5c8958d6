"""The trivial cues of a dataset, as it is and matched, and how far detectors' scores follow storage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.results.cues.audit import GeneratorAudit, audit
from bench.results.unread import NothingRead, nothing_readable
from bench.scoring.build import create_detectors, create_entries, set_up
from bench.scoring.conditions import plan_conditions
from bench.scoring.cues import cues_of
from bench.scoring.machine.phases import phase
from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detectors
from bench.statistics.bootstrap import FEWEST_GROUPS, GroupBootstrap, Interval, interval
from bench.store.schema import CLEAN, OK
from bench.store.scores import ScoreStore
from datamodules import DetectionData
from datamodules.conditions import Reencoded, Unified
from detectors import create_backbone

SCORE_FACTS = ("jpeg_quality", "pixels")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation of a detector's score with a fact, within ``n`` real images; nan without a value.

    Ranks are within each source of real images, so that a difference between sources is not taken for a relation. The
    fact is ``jpeg_quality`` (over JPEG files only) or ``pixels`` (width times height).
    """

    detector: str
    fact: str
    rho: float
    interval: Interval | None
    n: int
    reason: str | None


@dataclass(frozen=True)
class CueStudy:
    """What an audit found: for each condition (the images as they are, and matched) an audit of each generator.

    ``nothing`` says that not one image could be read.
    """

    title: str
    audits: Mapping[str, Sequence[GeneratorAudit]]
    correlations: Sequence[Correlation]
    nothing: NothingRead | None = None


def audit_dataset(options: RunOptions, detectors: Sequence[str] = ()) -> CueStudy:
    """Audits a dataset as it is and, with ``--match``, matched; detectors' stored scores are correlated with storage.

    Raises:
        BenchError: A detector's scores are not in the store.
    """
    datamodule = set_up(options)
    options.make_output()
    audits: dict[str, list[GeneratorAudit]] = {}
    for planned in plan_conditions(options, datamodule):
        if audits and not isinstance(planned.condition, Reencoded | Unified):
            continue
        cues = cues_of(datamodule, options.output, planned.condition)
        with phase("Measuring what cues tell of the classes"):
            audits[planned.condition.name] = [audit(cues, rule) for rule in planned.contrasts]
    read = any(len(generator.images) for generator in audits[CLEAN])
    correlations = _correlations(options, datamodule, detectors) if detectors else ()
    return CueStudy(datamodule.title, audits, correlations, None if read else nothing_readable(datamodule))


def score_correlations(scores: pl.DataFrame, cues: pl.DataFrame, draws: int = 1000) -> list[Correlation]:
    """Correlates detectors' scores with JPEG quality and size within each source of real images.

    Scores have ``path, detector, score``, cues ``path, label, generator, group, jpeg_quality, width, height``; the
    ``generator`` of a real image is its source. Sources in which all scores, or all facts, are alike say nothing.
    """
    facts = cues.filter(pl.col("label") == 0).with_columns(pixels=pl.col("width") * pl.col("height"))
    table = scores.join(facts.select("path", "generator", "group", *SCORE_FACTS), on="path").sort("path")
    return [
        _correlation(table.filter(pl.col("detector") == detector), detector, fact, draws)
        for detector in scores["detector"].unique(maintain_order=True)
        for fact in SCORE_FACTS
    ]


def _correlations(options: RunOptions, datamodule: DetectionData, detectors: Sequence[str]) -> list[Correlation]:
    backbone = create_backbone(options.backbone, options.weights)
    clean = plan_conditions(options, datamodule)[:1]
    specs, seeds = parse_detectors(list(detectors)), range(options.seeds)
    made = create_detectors(specs, backbone, clean, options, seeds)
    entries = create_entries(specs, made, datamodule, clean, options, seeds)
    store = ScoreStore(options.output, datamodule.title)
    scored = store.known(datamodule, [entry.scoring for entry in entries]).filter(pl.col("status") == OK)
    for position, entry in enumerate(entries):
        if scored.filter(pl.col("scoring") == position).is_empty():
            raise BenchError(
                f"The store {options.output} has no scores of {entry.scoring.detector}, seed {entry.scoring.seed}, on "
                f"these images: run compare first."
            )
    means = scored.group_by("path", "detector", maintain_order=True).agg(pl.col("score").mean())
    return score_correlations(means, cues_of(datamodule, options.output))


def _correlation(table: pl.DataFrame, detector: str, fact: str, draws: int) -> Correlation:
    known = table.filter(pl.col(fact).is_not_null() & pl.col("score").is_finite())
    for name, column in (("scores", "score"), (fact, fact)):
        telling = known.filter(pl.col(column).n_unique().over("generator") > 1)
        if telling.is_empty():
            reason = f"{name} of a source's real images all alike" if len(known) else "no real images with this fact"
            return Correlation(detector, fact, float("nan"), None, len(known), reason)
        known = telling
    pairs = [known[name].to_numpy().astype(np.float64) for name in ("score", fact)]
    sources = known["generator"].rank("dense").to_numpy().astype(np.int64) - 1
    rho = float(_spearman(pairs, sources, np.ones((1, len(known))))[0])
    groups, labels = known["group"].to_list(), [0] * len(known)
    if len(set(groups)) < FEWEST_GROUPS:
        return Correlation(detector, fact, rho, None, len(known), f"fewer than {FEWEST_GROUPS} independent groups")
    bootstrap = GroupBootstrap(groups, labels, draws=draws)
    drawn = [_spearman(pairs, sources, weights) for weights in bootstrap.chunks(np.arange(len(known)))]
    return Correlation(detector, fact, rho, interval(np.concatenate(drawn)), len(known), None)


def _spearman(pairs: Sequence[Floats], sources: NDArray[np.int64], weights: NDArray[np.generic]) -> Floats:
    """Correlates the ranks within sources, in each row of weights those of a sample with each image so many times.

    Ranks are shares of their source, centred in it, so that one source with many images does not rule the scale.
    """
    places = [np.unique(np.stack([sources, values]), axis=1, return_inverse=True)[1] for values in pairs]
    rhos = np.empty(len(weights))
    for draw, weight in enumerate(weights.astype(np.float64)):
        sizes, ranks = np.maximum(np.bincount(sources, weights=weight), 1), []
        for place in places:
            counts = np.bincount(place, weights=weight)
            rank = (np.cumsum(counts) - counts / 2)[place] / sizes[sources]
            ranks.append(rank - (np.bincount(sources, weights=weight * rank) / sizes)[sources])
        first, second = ranks
        spread = np.sqrt((weight @ first**2) * (weight @ second**2))
        rhos[draw] = (weight * first) @ second / spread if spread > 0 else np.nan
    return rhos
