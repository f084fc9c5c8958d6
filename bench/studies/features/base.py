"""What the studies of features share: the data and the network, the features of images, and the words around them."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from bench.references.comparability import FULL_PRECISION, Ours
from bench.references.verdicts import Verdict
from bench.report.notes import named
from bench.report.plots.svg import series_style
from bench.scoring.images import image_batches
from bench.scoring.machine.processes import is_first_process
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting, open_setting
from bench.statistics.number import Number
from bench.store.panel import Panel
from bench.store.schema import CLEAN
from bench.studies.arms import without_blocks
from bench.studies.base import Line, Paper, Result, Study
from datamodules import Batch
from datamodules.conditions import Picture
from detectors import Backbone

Floats = NDArray[np.float64]
WEPE = "wepe:blocks=0-18"
"""WePe on the paper's backbone: the first 19 of the 24 blocks of DINOv2 ViT-L/14 (section 4.1)."""

_DEPTHS = {"efficientnet": 7, "vits": 12, "vitb": 12, "blip": 12, "vitl": 24, "vitg": 40, "vith": 32}
_WITHOUT_MEANING = {"conditions": "--conditions", "match": "--match", "precision": "--precision", "view": "--view"}
_NOWHERE = float("nan")


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


class FeatureStudy(Study):
    """A study that reads features itself.

    Args:
        name: As in :class:`Study`.
        title: As in :class:`Study`.
        place: As in :class:`Study`.
        dataset: As in :class:`Study`.
        paper: As in :class:`Study`.
        backbone: As in :class:`Study`.
        most: At most so many images of each source are read, those that ``--limit`` would choose; None reads all.
    """

    scores_images: ClassVar[bool] = False
    """Whether it also compares detectors, in which every device of a run takes part."""

    def __init__(
        self,
        name: str,
        title: str,
        place: str,
        dataset: str,
        paper: Paper,
        backbone: str | None = None,
        most: int | None = None,
    ) -> None:
        super().__init__(name, title, place, dataset, paper, backbone)
        self.most = most

    def run(self, options: RunOptions, progress: bool = False) -> Result:
        """Reads images and measures; see :class:`Study`."""
        if not self.scores_images and not is_first_process():
            return Result()
        capped = self.capped(options)
        result = self.measure(open_setting(capped), capped, progress)
        return replace(result, notes=(*result.notes, *self.notes_on(options)))

    @abstractmethod
    def measure(self, setting: Setting, options: RunOptions, progress: bool = False) -> Result:
        """Does the work on data and a network that are there."""

    def capped(self, options: RunOptions) -> RunOptions:
        """Returns the options with no more images of each source than the study reads."""
        limit = self.most if options.limit is None else min(options.limit, self.most or options.limit)
        return replace(options, limit=limit)

    def notes_on(self, options: RunOptions) -> list[str]:
        """Says how many images are read, what differs from the paper, and which options say nothing here."""
        notes = []
        if self.most is not None and (options.limit is None or options.limit > self.most):
            notes.append(f"At most {self.most:,} images of each source, chosen by a hash of their paths.")
        notes += differing_notes(self, options)
        ignored = [
            flag for name, flag in _WITHOUT_MEANING.items() if getattr(options, name) != getattr(RunOptions, name)
        ]
        if ignored:
            words = "clean images, one crop for all, in single precision, on one device"
            notes.append(f"{', '.join(ignored)} did not apply to features: {words}.")
        return notes


def differing_notes(study: Study, options: RunOptions) -> list[str]:
    """Says in one sentence, or none, that data or backbone are not the paper's."""
    kinds = (("data", options.dataset, study.dataset), ("backbone", options.backbone, study.backbone))
    reasons = [f"other {kind} ({ours}, paper {papers})" for kind, ours, papers in kinds if ours != papers]
    if options.weights:
        reasons.append(f"weights from {options.weights}")
    return [f"Not comparable with the paper: {', '.join(reasons)}."] if reasons else []


def wepe_on(backbone: str, paper: Paper) -> str:
    """Returns WePe as the comparisons run it on a backbone, so that its scores are shared through the store."""
    return WEPE if backbone == paper.backbone else without_blocks(WEPE)


def scoring_options(options: RunOptions) -> RunOptions:
    """Returns the options of the comparison behind a study: clean images, and no log elsewhere."""
    return replace(options, conditions=(), match="none", wandb=None)


def images_of(batches: Sequence[Batch]) -> pl.DataFrame:
    """Makes a table ``path, group, label, generator`` of the images of batches."""
    schema = {"path": pl.String, "group": pl.String, "label": pl.Int8, "generator": pl.String}
    columns: dict[str, list[object]] = {name: [] for name in schema}
    for batch in batches:
        facts = {"path": batch.path, "group": batch.group, "label": batch.label.tolist(), "generator": batch.generator}
        for name, values in facts.items():
            columns[name] += values
    return pl.DataFrame(columns, schema)


@torch.inference_mode()
def read_features(
    setting: Setting,
    networks: Sequence[Backbone],
    indices: Sequence[int] | None = None,
    progress: bool = False,
) -> Features:
    """Reads images once and passes them through several networks.

    Args:
        setting: Data, device and view.
        networks: The networks.
        indices: Which images; all by default.
        progress: Whether to draw a progress bar.
    """
    seen: list[Batch] = []
    unreadable: list[str] = []
    parts: list[list[torch.Tensor]] = [[] for _ in networks]
    for batch in image_batches(setting.datamodule, (setting.view,), setting.device, indices, unreadable, progress):
        pixels = batch.views[Picture(CLEAN, setting.view)]
        assert isinstance(pixels, torch.Tensor)
        for part, network in zip(parts, networks, strict=True):
            part.append(network.compute(pixels).double().cpu())
        seen.append(replace(batch, views={}))
    features = tuple(torch.cat(part).numpy() if part else np.empty((0, 0)) for part in parts)
    return Features(images_of(seen), features, tuple(unreadable))


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


def ours_of(setting: Setting, metric: str, detector: str) -> Ours:
    """Describes a number that was made of features rather than of stored scores."""
    return Ours(
        metric=metric,
        dataset=setting.datamodule.name,
        detector=detector,
        options={},
        view=str(setting.view),
        backbone=setting.backbone.name,
        precision=FULL_PRECISION,
        protocol=setting.datamodule.protocol,
    )


def not_comparable(*reasons: str) -> Verdict:
    """Makes the verdict where no interval could help."""
    return Verdict("not comparable", reasons, _NOWHERE, _NOWHERE, "")


def seeds_words(seeds: int) -> str:
    """Counts seeds in words."""
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


def marks(position: int, **changed: object) -> dict[str, Any]:
    """Returns the style of a series for matplotlib's ``plot``, with some of it changed."""
    return {**series_style(position), **changed}


def plain_line(row: str, column: str, metric: str, value: float, reason: str, seeds: Sequence[float] = ()) -> Line:
    """Makes a line of a number that has no interval, and says why; ``seeds`` are what it is the mean of."""
    spread = float(np.std(seeds, ddof=1)) if len(seeds) > 1 else None
    return Line(row, column, metric, Number(float(value), seeds_sd=spread, reason=reason, seeds=tuple(seeds)))
