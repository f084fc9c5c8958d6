"""RIGID: a generated image's features move more when noise is added to the image.

``score(x) = 1 - cos(f(x), f(x + lambda delta))`` with ``delta ~ N(0, I)``.
"""

from dataclasses import replace
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from detectors.backbones import Backbone
from detectors.backbones.tapping import Tokens
from detectors.base import Detector, View
from detectors.errors import OptionError, UnknownNameError, check_count
from detectors.randomness import Family, image_noise
from detectors.similarity import cosine_distance

Space = Literal["normalised", "pixel"]
Preprocessing = Literal["resize", "random-crop"]
LATER = {"layer": None, "tokens": "cls", "clip": False, "family": "gaussian"}
"""Options that came after scores had been stored, with the defaults that do not move them."""


class Rigid(Detector):
    """Robustness of the representation to noise on the image.

    The published notebook scales an image of any size to 224 x 224 at once: take ``--resize none``, so that no other
    scaling comes before it.

    Score:
        Mean cosine distance between clean and noisy features, in [0, 2]; higher means more likely generated.

    Args:
        backbone: The vision model; the paper's is ``dinov2-vitl14``.
        noise: Standard deviation lambda of the noise. The paper's 0.05 lives in the normalised tensor, where it is
            about 0.011 in pixels of [0, 1].
        space: Where the noise is added: ``normalised`` as published, or ``pixel``.
        draws: Number of noisy copies, averaged; 1 as published.
        family: Distribution of the noise, whose standard deviation stays; ``gaussian`` as published.
        clip: Whether noisy pixels are clipped to [0, 1]; not so as published.
        layer: Index of a block after which features are taken, before any norm that follows; by default the network's
            own features, as published. Of a convolutional network it is the mean over the block's map.
        tokens: ``cls``, the class token, as published, or ``mean`` over the patches' tokens, of the last block where no
            layer is given.
        preprocessing: ``resize`` to 224 x 224 without keeping the aspect, as published, or ``random-crop``.
        seed: Seed of the noise, which also depends on the image's key.

    References:
        He, Chen and Ho, "RIGID: A Training-free and Model-Agnostic Framework for Robust AI-Generated Image
        Detection", arXiv 2405.20112, Eq. 1. Settings checked against copies of the published notebook.
    """

    name = "rigid"
    paper = "arXiv 2405.20112"
    citations = (
        {
            "key": "he2024rigid",
            "author": "He, Zhiyuan and Chen, Pin-Yu and Ho, Tsung-Yi",
            "title": "RIGID: A Training-free and Model-Agnostic Framework for Robust AI-Generated Image Detection",
            "year": "2024",
            "eprint": "2405.20112",
        },
    )
    tuned_on = "not known here: the paper sweeps the noise level up to 0.5; on which images 0.05 was chosen"
    view = View(224, "resize")
    unscaled = True
    weaknesses = (
        "Noise added to generated images hides them: the mean AUROC falls from 83.58 to 18.69 (arXiv 2412.05897, "
        "Table 13).",
        "A score of its kind was inverted on Stable Diffusion 1.5 and Wukong at a noise of 0.05, and right for all "
        "generators at 0.01 (arXiv 2606.20488, abstract; in which space the noise lay could not be read).",
        "On RAISE photographs the AUROC was 0.57 against FLUX and 0.33, inverted, against Stable Diffusion 3.5, so "
        "that a threshold from other photographs was of no use (a third party's report on a copy of the notebook).",
    )

    def __init__(
        self,
        backbone: Backbone,
        *,
        noise: float = 0.05,
        space: Space = "normalised",
        draws: int = 1,
        family: Family = "gaussian",
        clip: bool = False,
        layer: int | None = None,
        tokens: Tokens = "cls",
        preprocessing: Preprocessing = "resize",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not 0 <= noise < float("inf"):
            raise OptionError(f"noise must be a number of at least 0, got {noise}.")
        choices = {"space": (space, Space), "family": (family, Family), "preprocessing": (preprocessing, Preprocessing)}
        for name, (value, kind) in choices.items():
            if value not in get_args(kind):
                raise UnknownNameError(name, str(value), get_args(kind))
        check_count("draws", draws)
        self.backbone, self.seed = backbone, seed
        self.noise, self.space, self.draws, self.family, self.clip = noise, space, draws, family, clip
        self.layer, self.tokens, self.preprocessing = layer, tokens, preprocessing
        if preprocessing != self.view.fit:
            self.view = replace(self.view, fit=preprocessing)
        if layer is None and tokens == "cls":
            self.tap = None
        else:
            self.tap = backbone.tap(backbone.depth - 1 if layer is None else layer, tokens)

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        clean = self._features(images)
        # One unit of the normalised tensor is std in pixels, so adding there is adding lambda * std here.
        scale = self.noise * (self.backbone.std if self.space == "normalised" else 1.0)
        distances = []
        for draw in range(self.draws):
            noisy = images + scale * image_noise(images, keys, "rigid", self.seed, draw, family=self.family)
            distances.append(cosine_distance(clean, self._features(noisy.clamp(0, 1) if self.clip else noisy)))
        return torch.stack(distances).mean(dim=0)

    def _features(self, images: Tensor) -> Tensor:
        return self.backbone(images) if self.tap is None else self.backbone.layer(images, self.tap)

    @property
    def passes(self) -> int:  # noqa: D102 - see Detector
        return self.draws

    @property
    def settled(self) -> dict[str, Any]:
        """The options, with the picture that is shown in the place of the one that the method has."""
        return self.options | {"preprocessing": self.view.fit}

    @property
    def fingerprinted(self) -> dict[str, Any]:
        """All but options at a default that was the only way once; the picture is in the view."""
        left_out = {name for name, default in LATER.items() if getattr(self, name) == default} | {"preprocessing"}
        return {name: value for name, value in self.options.items() if name not in left_out}
