"""The trivial cues of a dataset, as it is and matched, and how far detectors' scores follow storage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from bench.errors import BenchError
from bench.results.cues.audit import GeneratorAudit, audit
from bench.results.cues.correlations import Correlation, score_correlations
from bench.scoring.build import create_datamodule, create_entries
from bench.scoring.conditions import plan_conditions
from bench.scoring.cues import cues_of
from bench.scoring.options import RunOptions
from bench.scoring.plan import known_rows
from bench.scoring.specs import parse_detectors
from bench.store.schema import OK
from bench.store.scores import ScoreStore
from datamodules import DetectionDataModule
from datamodules.conditions import Reencoded, Unified
from detectors import create_backbone


@dataclass(frozen=True)
class CueStudy:
    """What an audit found.

    Args:
        title: The dataset.
        audits: For each condition (the images as they are, and matched) an audit of each generator.
        correlations: Detectors' scores against JPEG quality and size, within the real images.
    """

    title: str
    audits: Mapping[str, Sequence[GeneratorAudit]]
    correlations: Sequence[Correlation]


def audit_dataset(options: RunOptions, detectors: Sequence[str] = ()) -> CueStudy:
    """Audits a dataset as it is and, with ``--match``, matched.

    Args:
        options: The data.
        detectors: Detectors whose stored scores are correlated with facts of the real images.

    Raises:
        BenchError: A detector's scores are not in the store.
    """
    datamodule = create_datamodule(options)
    datamodule.setup()
    options.make_output()
    audits: dict[str, list[GeneratorAudit]] = {}
    for planned in plan_conditions(options, datamodule):
        if audits and not isinstance(planned.condition, Reencoded | Unified):
            continue
        cues = cues_of(datamodule, options.output, planned.condition)
        audits[planned.condition.name] = [
            audited
            for rule in planned.contrasts
            for audited in audit(cues.filter(rule.expression()), {rule.generator: rule.reals})
        ]
    return CueStudy(datamodule.title, audits, _correlations(options, datamodule, detectors) if detectors else ())


def _correlations(options: RunOptions, datamodule: DetectionDataModule, detectors: Sequence[str]) -> list[Correlation]:
    backbone = create_backbone(options.backbone, options.weights)
    clean = plan_conditions(options, datamodule)[:1]
    entries = create_entries(parse_detectors(list(detectors)), backbone, datamodule, clean, options)
    scored = known_rows(ScoreStore(options.output, datamodule.title), datamodule, entries).filter(
        pl.col("status") == OK
    )
    for position, entry in enumerate(entries):
        if scored.filter(pl.col("scoring") == position).is_empty():
            raise BenchError(
                f"The store {options.output} has no scores of {entry.scoring.detector}, seed {entry.scoring.seed}, on "
                f"these images: run compare first."
            )
    means = scored.group_by("path", "detector", maintain_order=True).agg(pl.col("score").mean())
    return score_correlations(means, cues_of(datamodule, options.output))
