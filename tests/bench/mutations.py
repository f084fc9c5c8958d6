"""Detectors that are wrong on purpose, as a slip would make them: same name, same options, same fingerprint.

On the whole demo the mean AUROC alone would also have seen four of the five: noise in pixels (0.769 to 0.676), blocks
off by one (0.697 to 0.581) and both flipped signs (to one minus it, so not near 0.5). It cannot see doubled scores.
"""

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


class ShiftedWePe(WePe):
    """Perturbs the blocks 1 to k rather than 0 to k - 1."""

    def forward(self, images, keys):
        if not hasattr(self, "wrong"):
            blocks = ",".join(str(block + 1) for block in self.chosen_blocks if block + 1 < self.backbone.depth)
            self.wrong = WePe(self.backbone, ratio=self.ratio, rule=self.rule, blocks=blocks, n=self.n, seed=self.seed)
        return self.wrong.eval()(images, keys)


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
}
