"""What is wrong on purpose, as a slip would make it: detectors of the same name and fingerprint, and functions.

On the whole demo the mean AUROC alone would also have seen four of the first five: noise in pixels (0.769 to 0.676),
blocks off by one (0.697 to 0.581) and both flipped signs (to one minus it, so not near 0.5). It cannot see doubled
scores.
"""

from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from bench.statistics.influence import Placed
from bench.statistics.metrics import checked
from bench.statistics.standard_errors import StandardError, over_images_and_seeds
from datamodules.views import cut_view
from detectors.rigid import Rigid
from detectors.wepe import WePe


class PixelNoiseRigid(Rigid):
    """Adds its noise to pixels rather than to the normalised tensor."""

    def forward(self, images, keys):
        wrong = Rigid(self.backbone, noise=self.noise, space="pixel", draws=self.draws, seed=self.seed)
        return wrong(images, keys)


class FlippedRigid(Rigid):
    """Gives generated images the lower scores."""

    def forward(self, images, keys):
        return -super().forward(images, keys)


class FlippedWePe(WePe):
    """Gives generated images the lower scores."""

    def forward(self, images, keys):
        return -super().forward(images, keys)


class AlteredWePe(WePe):
    """Works with other options than it was given."""

    def forward(self, images, keys):
        if not hasattr(self, "wrong"):
            options = {"ratio": self.ratio, "rule": self.rule, "n": self.n, "seed": self.seed, **self.altered()}
            self.wrong = WePe(self.backbone, **options)
        return self.wrong.eval()(images, keys)


class ShiftedWePe(AlteredWePe):
    """Perturbs the blocks 1 to k rather than 0 to k - 1."""

    def altered(self):
        return {"blocks": [block + 1 for block in self.chosen_blocks if block + 1 < self.backbone.depth]}


class ShorterWePe(AlteredWePe):
    """Perturbs one block fewer."""

    def altered(self):
        return {"blocks": self.chosen_blocks[:-1]}


class QuieterWePe(AlteredWePe):
    """Takes the noise's scale over the root of 2."""

    def altered(self):
        return {"ratio": self.ratio / 2**0.5}


class ReseededWePe(AlteredWePe):
    """Perturbs with the next seed."""

    def altered(self):
        return {"seed": self.seed + 1}


class SameNoiseRigid(Rigid):
    """Adds the same noise to every image."""

    def forward(self, images, keys):
        return super().forward(images, torch.zeros_like(keys))


class BgrRigid(Rigid):
    """Reads the channels in the wrong order."""

    def forward(self, images, keys):
        return super().forward(images.flip(1), keys)


class DoubledWePe(WePe):
    """Gives the bound of Eq. 3 rather than half of it: no order changes, and no AUROC."""

    def forward(self, images, keys):
        return 2 * super().forward(images, keys)


MUTATIONS = {
    "noise in pixels": PixelNoiseRigid,
    "RIGID's sign flipped": FlippedRigid,
    "WePe's sign flipped": FlippedWePe,
    "blocks off by one": ShiftedWePe,
    "scores doubled": DoubledWePe,
    "one block fewer": ShorterWePe,
    "sigma over the root of 2": QuieterWePe,
    "the next seed": ReseededWePe,
    "the same noise for all": SameNoiseRigid,
    "BGR": BgrRigid,
}


def rough_view(image, view, key, crop_seed=0):
    """Scales a view without antialiasing."""
    if view.fit != "resize":
        return cut_view(image, view, key, crop_seed)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
    return F.interpolate(pixels, size=(view.size, view.size), mode="bilinear")[0].round().to(torch.uint8)


def single_cosine(first, second):
    """Computes a cosine distance in float32."""
    return 1 - F.cosine_similarity(first.float(), second.float(), dim=-1)


def trapezoids(curve, balanced):
    """Computes an average precision by trapezoids."""
    tps, fps = curve.rates() if balanced else (curve.tps, curve.fps)
    called = tps + fps
    precision = np.divide(tps, called, out=np.zeros_like(tps), where=called != 0)
    area = np.sum(np.diff(curve.tps, axis=-1) * (precision[:, 1:] + precision[:, :-1]) / 2, axis=-1)
    return area / curve.totals()[0]


def trapezoid_influences(placed, positive, balanced=False, average_precision=Placed.average_precision):
    """Computes the value of an average precision, beside its influences, by trapezoids."""
    right = average_precision(placed, positive, balanced)
    counts = [np.bincount(placed.block[placed.generated == its], minlength=placed.levels) for its in (False, True)]
    hits, misses = counts[::-1] if positive == "generated" else counts
    hits, misses = (hits / hits.sum(), misses / misses.sum()) if balanced else (hits, misses)
    strict_first = slice(None, None, -1) if positive == "generated" else slice(None)
    true, false = np.cumsum(hits[strict_first]), np.cumsum(misses[strict_first])
    precision = np.concatenate([[0.0], true / (true + false)])
    value = float(np.sum(np.diff(true, prepend=0) * (precision[1:] + precision[:-1]) / 2) / true[-1])
    return replace(right, value=value, seeds=(value,))


def favoured(labels, scores):
    """Counts a tie as 1: among equal scores a generated image's is the higher one."""
    label, score = checked(labels, scores)
    return label, np.where(label == 1, np.nextafter(score, np.inf), score)


def short_error(*arguments):
    """Divides a standard error by the root of 2."""
    error = over_images_and_seeds(*arguments)
    return StandardError(error.se / 2**0.5, error.df)


WEPE, RIGID = "detectors.wepe", "detectors.rigid"
METRICS, INFLUENCE = "bench.statistics.metrics", "bench.statistics.influence"
DEEP_MUTATIONS = {
    "18 of 24 blocks": {"detectors.perturbation.PAPER_BLOCKS": 18},
    "cosine in float32": dict.fromkeys((f"{WEPE}.cosine_distance", f"{RIGID}.cosine_distance"), single_cosine),
}
"""Seen on a transformer of 24 blocks alone; by the name that is replaced."""
STATISTICS_MUTATIONS = {
    "AP by trapezoids": {f"{METRICS}._average_precision": trapezoids},
    "AP by trapezoids, beside influences": {f"{INFLUENCE}.Placed.average_precision": trapezoid_influences},
    "ties count 1": {f"{METRICS}.checked": favoured},
    "ties count 1, beside influences": {f"{INFLUENCE}.checked": favoured},
    "ties count 1, in both": dict.fromkeys((f"{METRICS}.checked", f"{INFLUENCE}.checked"), favoured),
    "standard errors over the root of 2": {"bench.statistics.intervals.over_images_and_seeds": short_error},
}
"""No score moves."""
