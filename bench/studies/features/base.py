"""What the studies of features share: the data and the network, the features of images, and the words around them."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, get_args

import numpy as np
import polars as pl
import torch

from bench.report.words import named
from bench.results.comparing import compare
from bench.results.comparison import Comparison
from bench.scoring.images import image_batches
from bench.scoring.machine.signals import is_first_process
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting, open_setting
from bench.store.panel import Floats, Panel
from bench.store.schema import CLEAN
from bench.studies.arms import in_preset, without_blocks
from bench.studies.base import Result, Study
from datamodules import Batch
from datamodules.conditions import Picture
from detectors import Backbone, Perturbation, WePe
from detectors.wepe import PRESETS as WEPE_PRESETS
from detectors.wepe import Preset

WEPE = "wepe:blocks=0-18"
"""WePe on the paper's backbone: the first 19 of the 24 blocks of DINOv2 ViT-L/14 (section 4.1)."""

BESIDE: dict[str, Any] = {"fontsize": 8, "loc": "center left", "bbox_to_anchor": (1, 0.5), "frameon": False}
"""Options of a legend on the right of its axes."""

_DEPTHS = {"efficientnet": 7, "vits": 12, "vitb": 12, "blip": 12, "vitl": 24, "vitg": 40, "vith": 32}
_WITHOUT_MEANING = ("conditions", "match", "precision", "view")


@dataclass(frozen=True)
class Features:
    """The features that several networks give to the readable ones among some images.

    Args:
        images: ``path, group, label, generator`` of ``n`` images.
        features: ``(n, D)`` of each network, not normalised.
        unreadable: Images without pixels, each with the reason.
    """

    images: pl.DataFrame
    features: tuple[Floats, ...]
    unreadable: tuple[str, ...]


@dataclass(kw_only=True)
class FeatureStudy(Study):
    """A study that reads features itself.

    Args:
        most: At most so many images of each source are read, those that ``--limit`` would choose; None reads all.
    """

    most: int | None = None
    preset: Preset = "code"
    by_preset: ClassVar[bool] = True
    scores_images: ClassVar[bool] = False
    """Whether it also compares detectors, in which every device of a run takes part."""

    def run(self, options: RunOptions, progress: bool = False) -> Result:
        """Reads images and measures; see :class:`Study`."""
        if not self.scores_images and not is_first_process():
            return Result()
        limit = self.most if options.limit is None else min(options.limit, self.most or options.limit)
        capped = replace(options, limit=limit)
        if self.by_preset:
            result = each_preset(self, lambda preset: self._in_preset(preset, capped, progress))
        else:
            result = self.measure(open_setting(capped), capped, progress)
        return replace(result, notes=(*result.notes, *self._notes_on(options, limit)))

    def _in_preset(self, preset: Preset, options: RunOptions, progress: bool) -> Result:
        study = replace(self, preset=preset)
        setting = replace(open_setting(options), view=replace(WePe.view, fit=WEPE_PRESETS[preset][1]))
        return study.measure(setting, options, progress)

    def perturbation(self, **noise: Any) -> Perturbation:  # noqa: ANN401 - fields of a perturbation
        """Makes the preset's perturbation."""
        return Perturbation(rule=WEPE_PRESETS[self.preset][0], **noise)

    @abstractmethod
    def measure(self, setting: Setting, options: RunOptions, progress: bool = False) -> Result:
        """Does the work on data and a network that are there."""

    def _notes_on(self, options: RunOptions, limit: int | None) -> Iterator[str]:
        """Says how many images are read, what differs from the paper, and which options say nothing here."""
        if limit != options.limit:
            yield f"At most {limit:,} images of each source, chosen by a hash of their paths."
        yield from self.differences(options)
        ignored = [f"--{name}" for name in _WITHOUT_MEANING if getattr(options, name) != getattr(RunOptions, name)]
        if ignored:
            words = "clean images, one crop for all, in single precision, on one device"
            yield f"{', '.join(ignored)} did not apply to features: {words}."


def each_preset(study: Study, measure: Callable[[Preset], Result]) -> Result:
    """Measures in each of a study's presets; each line and figure, and each note of one alone, names its preset."""
    results = {name: measure(name) for name in get_args(Preset) if name in study.presets}
    notes = Counter(note for result in results.values() for note in result.notes)
    return Result(
        lines=tuple(
            replace(line, row=f"{line.row} ({name})") for name, result in results.items() for line in result.lines
        ),
        figures={f"{key}-{name}": svg for name, result in results.items() for key, svg in result.figures.items()},
        notes=tuple(
            dict.fromkeys(
                note if notes[note] == len(results) else f"({name}) {note}"
                for name, result in results.items()
                for note in result.notes
            )
        ),
        not_run=tuple(dict.fromkeys(part for result in results.values() for part in result.not_run)),
    )


def compare_wepe(study: Study, preset: Preset, options: RunOptions, progress: bool = False) -> Comparison | None:
    """Scores clean images with WePe alone, as comparisons do, so that the store shares its scores; logs to CSV."""
    detector = WEPE if options.backbone == study.paper.backbone else without_blocks(WEPE)
    detector = in_preset(detector, preset)
    return compare([detector], replace(options, conditions=(), match="none", logger=(), wandb=None), progress)


@torch.inference_mode()
def read_features(
    setting: Setting,
    networks: Sequence[Backbone],
    indices: Sequence[int] | None = None,
    progress: bool = False,
) -> Features:
    """Reads images once, all or those of some indices, and passes them through several networks."""
    rows: list[int] = []
    unreadable: list[str] = []
    parts: list[list[torch.Tensor]] = [[] for _ in networks]
    for batch, pixels in clean_batches(setting, unreadable, progress, indices):
        rows += batch.index.tolist()
        for part, network in zip(parts, networks, strict=True):
            part.append(network.compute(pixels).double().cpu())
    images = setting.datamodule.items[rows].select("path", "group", "label", "generator")
    features = tuple(torch.cat(part).numpy() if part else np.empty((0, 0)) for part in parts)
    return Features(images, features, tuple(unreadable))


def clean_batches(
    setting: Setting, unreadable: list[str], progress: bool = False, indices: Sequence[int] | None = None
) -> Iterator[tuple[Batch, torch.Tensor]]:
    """Yields batches of clean images with their pixels; arguments as for `bench.scoring.images.image_batches`."""
    for batch in image_batches(setting.datamodule, (setting.view,), setting.device, indices, unreadable, progress):
        pixels = batch.views[Picture(CLEAN, setting.view)]
        assert isinstance(pixels, torch.Tensor)
        yield batch, pixels


def unreadable_note(unreadable: Sequence[str]) -> list[str]:
    """Names images without pixels, in one sentence or none."""
    return [f"Unreadable, left out: {named(unreadable, count=True)}."] if unreadable else []


def panel_notes(panel: Panel) -> list[str]:
    """Counts the images of a comparison that could not be read, in one sentence or none."""
    lost = int((panel.present.any(axis=0) & ~np.isfinite(panel.scores).any(axis=0)).sum())
    return [f"Unreadable, left out: {lost}."] if lost else []


def depth_of(backbone: str) -> int:
    """Returns the number of blocks of a backbone that is not built yet; the paper's 24 where it is not known.

    Examples:
        >>> depth_of("dinov2-vits14"), depth_of("timm:resnet50")
        (12, 24)
    """
    return next((depth for part, depth in _DEPTHS.items() if part in backbone), 24)


def unit(features: Floats) -> Floats:
    """Returns features ``(..., D)`` of length 1."""
    return np.asarray(features / np.linalg.norm(features, axis=-1, keepdims=True).clip(min=1e-12))
