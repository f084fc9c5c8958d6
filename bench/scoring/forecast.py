"""``--dry-run``: what a run would do, without scoring an image."""

import inspect
import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.scoring.attacks.stage import AttackedPictures
from bench.scoring.batches import work_patterns
from bench.scoring.build import wanted
from bench.scoring.entry import Entry
from bench.scoring.machine.precision import has_instructions
from bench.scoring.machine.trainer import create_trainer
from bench.scoring.options import RunOptions
from bench.scoring.plan import Preparation
from bench.scoring.run import make_fast
from bench.scoring.specs import parse_detector
from bench.scoring.stand_in import smallest_backbone
from datamodules import GENERATED
from datamodules.conditions import Picture
from detectors import Backbone, create_detector, find_detector
from detectors.backbones.base import rehearsed

NATIVE = 256
"""Side in pixels that stands for images of any size."""


@dataclass(frozen=True)
class Forecast:
    """What a run would do.

    Args:
        to_read: Images that lack a score.
        scores: That are wanted.
        stored: Of these, in the store already.
        passes: Images through the backbone and its perturbed copies.
        by_detector: Scores to compute.
        check: Scores to compute in exact precision, to measure the effect of another.
        network_bytes: Of all networks' tensors.
        picture_bytes: Of a batch's pixels, on the device.
        activation_bytes: That a pass of a batch holds at its peak.
        uncounted: Detectors on a network of their own, if any, that do not say what an image costs.
        sources: Of images.
        slow_precision: The precision, where the device has no instructions for it.
        compiled: Whether with ``--compile``.
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
    uncounted: tuple[str, ...] = ()
    sources: int = 1
    slow_precision: str | None = None
    compiled: bool = False


def forecast(detectors: Sequence[str], options: RunOptions) -> Forecast:
    """Plans a run and says what it would do.

    Raises:
        BenchError: The run could not begin.
    """
    trainer = create_trainer(replace(options, devices=1, num_nodes=1, strategy="auto"), progress=False)
    device = trainer.strategy.root_device
    preparation = Preparation(detectors, options, str(device))
    plan = preparation.plan()
    entries = preparation.entries(plan)
    absent, needed = plan.job.absent, wanted(entries, plan.conditions, len(plan.datamodule.items))
    passes = sum(
        len(rows) * _passes_of([entry for entry, lacks in zip(entries, absent[rows[0]], strict=True) if lacks])
        for rows in work_patterns(absent)
    )
    generated = (plan.datamodule.items["label"] == GENERATED).to_numpy()
    passes += sum(steps_passes(made) * n for made, n in _attacked(entries, absent & generated[:, np.newaxis]))
    by_detector: Counter[str] = Counter()
    for entry, missing in zip(entries, absent.sum(axis=0).tolist(), strict=True):
        by_detector[entry.scoring.detector] += missing
    networks = nn.ModuleList(entry.detector for entry in entries)
    backbones = [module for module in networks.modules() if isinstance(module, Backbone)]
    activations = activation_bytes(backbones[0], torch.zeros(2, 3, 224, 224)) if backbones else 0
    make_fast(networks, replace(options, compile=False))
    to_read = int(absent.any(axis=1).sum())
    batch = min(options.batch_size, max(1, to_read))
    return Forecast(
        images=len(plan.datamodule.items),
        to_read=to_read,
        conditions=tuple(dict.fromkeys(entry.scoring.condition for entry in entries)),
        scores=int(needed.sum()),
        stored=int((needed & ~absent).sum()),
        passes=passes,
        by_detector=dict(by_detector),
        check=0 if plan.check is None else int(plan.check.absent.sum()),
        network_bytes=tensor_bytes(networks),
        picture_bytes=batch * sum(5 * 3 * _side(picture) ** 2 for picture in {entry.picture for entry in entries}),
        activation_bytes=batch * activations,
        devices=options.devices * options.num_nodes,
        batch_size=batch,
        uncounted=tuple(dict.fromkeys(entry.scoring.detector for entry in entries if not _is_counted(entry))),
        sources=len(plan.datamodule.items.select("label", "generator").unique()),
        slow_precision=None if has_instructions(options.precision, device) else options.precision,
        compiled=options.compile,
    )


def _is_counted(entry: Entry) -> bool:
    """Says whether what an image costs is known: by going through the detector, or as it says itself."""
    return entry.detector.passes is not None or isinstance(getattr(entry.detector, "backbone", None), Backbone)


def _passes_of(entries: Sequence[Entry]) -> int:
    """Counts the passes that an image costs, by going through the detectors with networks that only count."""
    sides = {_shown(entry): _side(entry.picture) for entry in entries}
    pictures = {shown: torch.zeros(1, 3, side, side) for shown, side in sides.items()}
    on_backbone = [entry for entry in entries if isinstance(getattr(entry.detector, "backbone", None), Backbone)]
    with torch.inference_mode(), rehearsed() as counted:
        for entry in on_backbone:
            entry.detector(pictures[_shown(entry)], torch.zeros(1, dtype=torch.long))
    return counted.images


def _shown(entry: Entry) -> tuple[Picture, int]:
    """Identifies what a detector is shown: two attacks make two pictures under one condition."""
    return entry.picture, id(entry.attack)


def _attacked(entries: Sequence[Entry], absent: NDArray[np.bool_]) -> Iterator[tuple[AttackedPictures, int]]:
    """Yields each attack and how many images, of ``(n_items, n_entries)`` that lack a score, it is made on."""
    made = {id(entry.attack): entry.attack for entry in entries if entry.attack}
    for number, attack in made.items():
        yield attack, int(absent[:, [id(entry.attack) == number for entry in entries]].any(axis=1).sum())


def steps_passes(attack: AttackedPictures) -> int:
    """Counts the passes forward that the steps of an attack take for a picture."""
    side = NATIVE if attack.source.view.ragged else attack.source.view.size
    if not isinstance(getattr(attack.source, "backbone", None), Backbone):
        return 0
    with torch.inference_mode(), rehearsed() as counted:
        attack.source(torch.zeros(1, 3, side, side), torch.zeros(1, dtype=torch.long))
    return attack.attack.steps * counted.images


@cache
def own_passes(text: str) -> int:
    """Counts the passes through the backbone that a detector takes for an image and seed, beside the clean one.

    It is written as on the command line, without a choice of blocks that the smallest network does not have.

    Examples:
        >>> own_passes("wepe:n=5"), own_passes("rigid"), own_passes("aeroblade")
        (5, 1, 0)
    """
    return sum(
        create_detector(single.name, smallest_backbone(), **single.options).passes or 0  # this package's own all say
        for single in parse_detector(text).singles
        if "backbone" in inspect.signature(find_detector(single.name)).parameters
    )


def _side(picture: Picture) -> int:
    return NATIVE if picture.view.ragged else picture.view.size


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the tensors that operations make while it is active.

    Attributes:
        live: Bytes that are alive now.
        peak: The most that were alive at once.

    Examples:
        >>> with LiveBytes() as counted:
        ...     _ = (torch.zeros(256) + 1).sum()
        >>> counted.peak
        2048
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = self.peak = 0
        self._holders: Counter[int] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        """Runs an operation and counts what it makes."""
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._hold(tensor)
        return result

    def _hold(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        place, size = storage.data_ptr(), storage.nbytes()
        if not size:
            return
        if not self._holders[place]:
            self.live += size
            self.peak = max(self.peak, self.live)
        self._holders[place] += 1
        weakref.finalize(tensor, self._release, place, size)

    def _release(self, place: int, size: int) -> None:
        self._holders[place] -= 1
        if not self._holders[place]:
            self.live -= size


@torch.inference_mode()
def activation_bytes(network: nn.Module, images: Tensor) -> int:
    """Measures what a forward pass of images ``(B, 3, H, W)`` holds beside the weights: bytes an image at the peak."""
    images = images.clone()  # a backbone recalls the features of a tensor that it has seen
    with LiveBytes() as counted:
        network(images)
    return int(counted.peak) // len(images)


def tensor_bytes(networks: nn.Module) -> int:
    """Sums the bytes of parameters and buffers, each once however many networks share it."""
    tensors = [*networks.parameters(), *networks.buffers()]
    return sum({tensor.data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}.values())
