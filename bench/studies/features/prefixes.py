"""Figure 5: WePe's AUROC when the first k blocks are perturbed, for every k.

The networks for k and k + 1 share their perturbed first k blocks. One pass through the network whose blocks are all
perturbed gives every prefix; from the output of its block k - 1 the clean rest goes on. With L blocks this costs
``L + L (L - 1) / 2`` block passes an image instead of ``L^2``, about half; the clean pass comes on top of both.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from bench.report.plots.svg import INK, draw, series_style, to_svg
from bench.results.summary import MEAN, Row, summarise
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting
from bench.store.contrasts import rules_of
from bench.store.panel import Panel
from bench.store.schema import CLEAN, Scoring
from bench.studies.base import Cost, Line, Result, seeds_words
from bench.studies.features.base import BESIDE, FeatureStudy, clean_batches, depth_of, unreadable_note
from detectors import Backbone, Perturbation
from detectors.probing import Recording
from detectors.similarity import cosine_distance


class PrefixSweep:
    """Networks whose first k blocks are perturbed, for every k from 1 to the depth, with shared prefixes.

    Args:
        backbone: The clean network.
        perturbation: The noise; its ``blocks`` do not matter.
        seed: That of the noise, which is that of ``wepe:blocks=k`` with the same seed.

    Attributes:
        split: Whether prefixes are shared; known after the first batch. They are not where a network does not run its
            blocks one after the other, each once, or changes their outputs in place.
    """

    def __init__(self, backbone: Backbone, perturbation: Perturbation, seed: int) -> None:
        self.backbone = backbone
        self.perturbed = replace(perturbation, blocks=backbone.depth).perturb(backbone, seed)
        self.recording = Recording(self.perturbed)
        self.split = False
        self._twins: list[Backbone] | None = None

    def distances(self, images: Tensor, clean: Tensor) -> Tensor:
        """Scores a batch for every k.

        Args:
            images: ``(B, 3, H, W)`` in [0, 1].
            clean: ``(B, D)`` features of the clean network.

        Returns:
            ``(depth, B)`` cosine distances to the clean features; row k - 1 is what ``wepe:blocks=k`` gives.
        """
        last = self.recording.record(images)
        if self._twins is None:
            self.split, self.recording.copies = self.recording.can_replay, None
            self._twins = [self._with_prefix(k) for k in range(1, self.backbone.depth)]
        features = [*(twin.compute(images) for twin in self._twins), last]
        return torch.stack([cosine_distance(clean, perturbed) for perturbed in features])

    def block_passes(self) -> int:
        """Returns the passes of one image through one block that a seed costs, the clean pass aside."""
        depth = self.backbone.depth
        return depth + depth * (depth - 1) // 2 if self.split else depth**2

    def _with_prefix(self, k: int) -> Backbone:
        if self.split:
            twin = self.backbone.with_parameters({})
            self.recording.replay_before(twin, k)
            return twin
        names = [name for block in range(k) for name in self.backbone.block_parameters(block)]
        return self.backbone.with_parameters({name: self.perturbed.model.get_parameter(name) for name in names})


class PrefixStudy(FeatureStudy):
    """AUROC by the number of perturbed blocks."""

    def cost(self, options: RunOptions, images: int) -> Cost:
        """The clean pass, and for each seed about half a pass for each block."""
        depth = depth_of(options.backbone)
        note = f"{depth} numbers of blocks with shared prefixes; {depth + 1} passes a seed without"
        return Cost(images, 1 + options.seeds * -(-(depth + 1) // 2), note)

    def measure(self, setting: Setting, options: RunOptions, progress: bool = False) -> Result:  # noqa: D102
        sweeps = [PrefixSweep(setting.backbone, self.perturbation(), seed) for seed in range(options.seeds)]
        unreadable: list[str] = []
        panel = make_panel(setting, sweeps, unreadable, progress)
        rows = summarise(panel, ("auroc",)).rows
        title = f"{setting.datamodule.title}, {setting.backbone.name}"
        return Result(
            tuple(Line(row.detector, row.generator, "auroc", row.numbers["auroc"]) for row in rows),
            {"blocks": draw_sweep(rows, setting.backbone.depth, title)},
            (
                f"WePe with the first k of {setting.backbone.depth} blocks perturbed, everything else its default; "
                f"{seeds_words(options.seeds)}.",
                "The paper's figure prints no numbers; its text says that the first 9 to the first 20 of 24 blocks of "
                "dinov2-vitl14 perform well.",
                cost_note(sweeps[0]),
                *unreadable_note(unreadable),
            ),
        )


@torch.inference_mode()
def make_panel(setting: Setting, sweeps: Sequence[PrefixSweep], unreadable: list[str], progress: bool = False) -> Panel:
    """Scores every image for every k and seed."""
    items, depth = setting.datamodule.items, setting.backbone.depth
    scores = np.full((len(sweeps), depth, len(items)), np.nan)
    for batch, pixels in clean_batches(setting, unreadable, progress):
        clean = setting.backbone.compute(pixels)
        for seed, sweep in enumerate(sweeps):
            scores[seed][:, batch.index.cpu().numpy()] = sweep.distances(pixels, clean).cpu().numpy()
    scorings = [Scoring(f"first {k}", "", seed) for k in range(1, depth + 1) for seed in range(len(sweeps))]
    by_scoring = scores.transpose(1, 0, 2).reshape(len(scorings), len(items))
    images = items.select("path", "group", "label", "generator")
    everything = np.ones(by_scoring.shape, dtype=np.bool_)
    return Panel(
        images,
        tuple(scorings),
        by_scoring,
        everything,
        {CLEAN: rules_of(setting.datamodule.facing, setting.datamodule.apart)},
    )


def cost_note(sweep: PrefixSweep) -> str:
    """Says what the sweep cost an image."""
    taken, full = sweep.block_passes(), sweep.backbone.depth**2
    if not sweep.split:
        return f"{full} block passes an image and seed: no prefix could be shared in this network."
    return f"{taken} block passes an image and seed instead of {full} ({taken / full:.0%}): prefixes are shared."


def draw_sweep(rows: Sequence[Row], depth: int, title: str) -> str:
    """Draws AUROC over k: the mean over generators with its interval, and each generator thin."""
    figure, (axes,) = draw((7.2, 4.2))
    names = list(dict.fromkeys(row.generator for row in rows))
    for name in sorted(names, key=lambda name: name == MEAN):
        numbers = [row.numbers["auroc"] for row in rows if row.generator == name]
        thick = name == MEAN or len(names) == 1
        style = series_style(names.index(name), **({"color": INK, "marker": "o"} if thick else {}), markersize=3)
        ks = range(1, depth + 1)
        axes.plot(ks, [number.value for number in numbers], **style, label=name, linewidth=2 if thick else 1)
        intervals = [number.interval for number in numbers if number.interval]
        if thick and len(intervals) == depth:
            low, high = zip(*intervals, strict=True)
            axes.fill_between(ks, low, high, color=INK, alpha=0.12, linewidth=0)
    axes.axhline(0.5, color=INK, linewidth=0.8, linestyle=":")
    axes.set(xlabel="first k blocks perturbed", ylabel="AUROC", title=title)
    axes.legend(**BESIDE)
    return to_svg(figure, f"AUROC by the number of perturbed blocks, {title}")
