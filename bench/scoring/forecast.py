"""``--dry-run``: what a run would do, without scoring an image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from bench.scoring.build import wanted
from bench.scoring.entry import Entry
from bench.scoring.live_bytes import activation_bytes, tensor_bytes
from bench.scoring.machine.trainer import create_trainer
from bench.scoring.options import RunOptions
from bench.scoring.plan import Preparation
from bench.scoring.planning import work_patterns
from bench.scoring.run import make_fast
from bench.store.schema import CLEAN
from datamodules.conditions import Picture
from detectors import Backbone
from detectors.backbones.base import rehearsed

NATIVE = 256
"""Side in pixels that stands for images of any size."""


@dataclass(frozen=True)
class Forecast:
    """What a run would do.

    Args:
        images: In the dataset.
        to_read: Images that lack a score.
        conditions: Names of the conditions.
        scores: That are wanted.
        stored: Of these, in the store already.
        passes: Images through the backbone and its perturbed copies.
        by_detector: Scores to compute, by detector.
        check: Scores to compute in exact precision, to measure the effect of another.
        network_bytes: Of all networks' tensors.
        picture_bytes: Of a batch's pixels, on the device.
        activation_bytes: That a pass of a batch holds at its peak.
        devices: Devices that share the images.
        batch_size: Images in a batch.
    """

    images: int
    to_read: int
    conditions: tuple[str, ...]
    scores: int
    stored: int
    passes: int
    by_detector: dict[str, int]
    check: int
    network_bytes: int
    picture_bytes: int
    activation_bytes: int
    devices: int
    batch_size: int

    def lines(self) -> list[str]:
        """Writes it in words."""
        rest = [name for name in self.conditions if name != CLEAN]
        memory = (self.network_bytes, self.picture_bytes, self.activation_bytes)
        parts = [_size(count) for count in memory]
        return [
            f"Images: {self.images:,}, of which {self.to_read:,} lack a score and would be read, each once.",
            f"Conditions: {len(self.conditions)} ({', '.join((CLEAN, *rest))}).",
            f"Scores: {self.scores:,} wanted, {self.stored:,} in the store, {self.scores - self.stored:,} to compute"
            + (f", {self.check:,} more in 32-true to measure what the precision does." if self.check else "."),
            "By detector: " + ", ".join(f"{name} {count:,}" for name, count in self.by_detector.items()) + ".",
            f"Passes: {self.passes:,} images through the backbone and its perturbed copies, the clean ones shared.",
            f"Memory of a device: about {_size(sum(memory))} ({parts[0]} of networks, {parts[1]} of pictures and "
            f"{parts[2]} of activations for {self.batch_size} images at once), beside the program itself.",
            f"Devices: {self.devices}.",
            "Nothing was scored (--dry-run).",
        ]


def forecast(detectors: Sequence[str], options: RunOptions) -> Forecast:
    """Plans a run and says what it would do.

    Raises:
        BenchError: The run could not begin.
    """
    trainer = create_trainer(replace(options, devices=1, num_nodes=1, strategy="auto", wandb=None), progress=False)
    preparation = Preparation(detectors, options, str(trainer.strategy.root_device))
    plan = preparation.plan()
    entries = preparation.entries(plan)
    absent, needed = plan.job.absent, wanted(entries, plan.assignments, len(plan.datamodule.items))
    passes = sum(
        len(rows) * passes_of([one for one, lacks in zip(entries, absent[rows[0]], strict=True) if lacks])
        for rows in work_patterns(absent)
    )
    by_detector = {
        one.scoring.detector: sum(int(absent[:, i].sum()) for i, other in enumerate(entries) if other.spec == one.spec)
        for one in entries
    }
    networks = nn.ModuleList(entry.detector for entry in entries)
    activations = _activations(networks)
    make_fast(networks, replace(options, compile=False))
    batch = min(options.batch_size, max(1, int(absent.any(axis=1).sum())))
    return Forecast(
        images=len(plan.datamodule.items),
        to_read=int(absent.any(axis=1).sum()),
        conditions=tuple(dict.fromkeys(entry.scoring.condition for entry in entries)),
        scores=int(needed.sum()),
        stored=int((needed & ~absent).sum()),
        passes=passes,
        by_detector=by_detector,
        check=0 if plan.check is None else int(plan.check.absent.sum()),
        network_bytes=tensor_bytes(networks),
        picture_bytes=batch * sum(5 * 3 * _side(picture) ** 2 for picture in {one.picture for one in entries}),
        activation_bytes=batch * activations,
        devices=options.devices * options.num_nodes,
        batch_size=batch,
    )


def passes_of(entries: Sequence[Entry]) -> int:
    """Counts the passes that an image costs, by going through the detectors with networks that only count.

    Args:
        entries: What lacks a score for it.
    """
    pictures = {picture: _stand_in(picture) for picture in dict.fromkeys(entry.picture for entry in entries)}
    on_backbone = [entry for entry in entries if isinstance(getattr(entry.detector, "backbone", None), Backbone)]
    with torch.inference_mode(), rehearsed() as counted:
        for entry in on_backbone:
            entry.detector(pictures[entry.picture], torch.zeros(1, dtype=torch.long))
    return counted.images


def _stand_in(picture: Picture) -> torch.Tensor:
    return torch.zeros(1, 3, _side(picture), _side(picture))


def _side(picture: Picture) -> int:
    return NATIVE if picture.view.fit == "native" else picture.view.size


def _activations(networks: nn.Module) -> int:
    backbones = [module for module in networks.modules() if isinstance(module, Backbone)]
    return activation_bytes(backbones[0], torch.zeros(2, 3, 224, 224)) if backbones else 0


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
