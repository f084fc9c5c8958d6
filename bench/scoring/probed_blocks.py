"""Chooses the blocks to perturb by a probe: ``wepe:blocks=probe:12`` (appendix A.15 of the paper)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl
import torch
from torch import Tensor

from bench.scoring.specs import DetectorSpec
from datamodules import REAL, DetectionDataModule
from datamodules.conditions import CLEAN, Picture
from detectors import Backbone, Perturbation, View, list_detectors
from detectors.probing import probe, probed_count, top_blocks

_OF_PERTURBATION = ("ratio", "rule", "family", "match", "tensors")


def asks_for_probe(spec: DetectorSpec) -> bool:
    """Says whether a detector's blocks, or those of a member of an ensemble, are to be chosen by a probe."""
    return any(probed_count(single.options.get("blocks")) is not None for single in (spec.members or (spec,)))


def resolve_probes(
    specs: Sequence[DetectorSpec],
    backbone: Backbone,
    datamodule: DetectionDataModule,
    fit_groups: frozenset[str],
) -> tuple[list[DetectorSpec], list[str]]:
    """Replaces ``probe:k`` by the blocks that a probe over held-out real images chooses.

    Args:
        specs: The detectors asked for.
        backbone: The network to probe.
        datamodule: The dataset, set up.
        fit_groups: Groups whose real images are probed; they are left out of every number.

    Returns:
        The detectors with blocks as a list, which is part of their fingerprint, and a note for each.
    """
    notes: list[str] = []
    resolved = []
    for spec in specs:
        singles = [_resolved(single, backbone, datamodule, fit_groups, notes) for single in (spec.members or (spec,))]
        resolved.append(replace(spec, members=tuple(singles)) if spec.members else singles[0])
    return resolved, notes


def _resolved(
    spec: DetectorSpec,
    backbone: Backbone,
    datamodule: DetectionDataModule,
    fit_groups: frozenset[str],
    notes: list[str],
) -> DetectorSpec:
    count = probed_count(spec.options.get("blocks"))
    if count is None:
        return spec
    perturbation = Perturbation(**{k: v for k, v in spec.options.items() if k in _OF_PERTURBATION})
    chosen = pl.col("group").is_in(fit_groups) & (pl.col("label") == REAL)
    indices = datamodule.items.with_row_index().filter(chosen)["index"].to_list()
    view = list_detectors()[spec.name].view
    result = probe(backbone, real_batches(datamodule, view, indices, backbone.mean.device), perturbation)
    blocks = ",".join(map(str, top_blocks(result.similarities, count)))
    notes.append(
        f"{spec.label}: the {count} blocks most alike under noise, chosen on {result.images} real images of "
        f"{len(fit_groups)} groups, which are left out of every number here: {blocks}."
    )
    return replace(spec, options={**spec.options, "blocks": blocks})


def real_batches(
    datamodule: DetectionDataModule,
    view: View,
    indices: Sequence[int],
    device: torch.device,
    unreadable: list[str] | None = None,
) -> Iterator[Tensor]:
    """Yields batches ``(B, 3, H, W)`` of some of a dataset's images.

    Args:
        datamodule: The dataset, set up.
        view: What is cut; not ``native``.
        indices: Which images.
        device: Where the network is.
        unreadable: Is told which images have no pixels, and why.
    """
    size = datamodule.batch_size
    datamodule.views = (view,)
    datamodule.batches = [list(indices[start : start + size]) for start in range(0, len(indices), size)]
    for batch in datamodule.test_dataloader():
        if unreadable is not None:
            unreadable += [f"{sample.path} ({sample.reason})" for sample in batch.unreadable]
        if len(batch):
            yield batch.to(device).views[Picture(CLEAN, view)]
