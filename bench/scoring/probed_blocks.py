"""Chooses the blocks to perturb by a probe: ``wepe:blocks=probe:12`` (appendix A.15 of the paper)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from bench.scoring.findings import ProbedBlocks
from bench.scoring.images import pixel_batches
from bench.scoring.specs import DetectorSpec
from bench.scoring.stand_in import smallest_backbone
from datamodules import REAL, DetectionData
from detectors import Backbone, Perturbation, create_detector
from detectors.probing import probe, probed_count, top_blocks


def asks_for_probe(spec: DetectorSpec) -> bool:
    """Says whether a detector's blocks, or those of a member of an ensemble, are to be chosen by a probe."""
    return any(probed_count(single.options.get("blocks")) is not None for single in spec.singles)


def resolve_probes(
    specs: Sequence[DetectorSpec],
    backbone: Backbone,
    datamodule: DetectionData,
    fit_groups: Mapping[str, frozenset[str]],
) -> tuple[list[DetectorSpec], list[ProbedBlocks]]:
    """Replaces ``probe:k`` by the blocks that a probe over the real images of its groups chooses.

    Returns:
        The detectors with blocks as a list, which is part of their fingerprint, and a finding for each.
    """
    findings: list[ProbedBlocks] = []
    resolved = []
    for spec in specs:
        groups = fit_groups.get(spec.label, frozenset())
        singles = [_resolved(single, backbone, datamodule, groups, findings) for single in spec.singles]
        resolved.append(replace(spec, members=tuple(singles)) if spec.members else singles[0])
    return resolved, findings


def _resolved(
    spec: DetectorSpec,
    backbone: Backbone,
    datamodule: DetectionData,
    fit_groups: frozenset[str],
    findings: list[ProbedBlocks],
) -> DetectorSpec:
    count = probed_count(spec.options.get("blocks"))
    if count is None:
        return spec
    asked = {name: value for name, value in spec.options.items() if name != "blocks"}
    alike = create_detector(spec.name, smallest_backbone(), **asked)
    perturbation: object = getattr(alike, "perturbation", None)
    assert isinstance(perturbation, Perturbation), f"{spec.name} takes blocks, but says no perturbation"
    chosen = pl.col("group").is_in(fit_groups) & (pl.col("label") == REAL)
    indices = datamodule.items.with_row_index().filter(chosen)["index"].to_list()
    result = probe(backbone, pixel_batches(datamodule, alike.view, backbone.mean.device, indices), perturbation)
    blocks = ",".join(map(str, top_blocks(result.similarities, count)))
    findings.append(ProbedBlocks(spec.label, count, result.images, len(fit_groups), blocks))
    return replace(spec, options={**spec.options, "blocks": blocks})
