"""MINDER: the smaller of two distances, to the noisy image's features and of contrastive blur.

``score(x) = min(1 - cos(f(x), f(x + noise)), 1 - cos(f(b), f(2x - b)))``.
"""

import torch
from torch import Tensor

from detectors.backbones import Backbone
from detectors.base import Detector, View
from detectors.contrastive_blur import ContrastiveBlur, blur_distance, check_sigma
from detectors.errors import OptionError, check_count
from detectors.randomness import image_noise
from detectors.similarity import cosine_distance


class Minder(Detector):
    """The minimum of a distance under noise and of contrastive blur.

    Score:
        The smaller of the two cosine distances, neither of them scaled, in [0, 2]; higher means more likely generated.

    Args:
        backbone: The vision model; the paper's is a DINOv2.
        noise: Standard deviation of the noise in pixels of [0, 1]; noisy pixels are clipped.
        draws: Number of noisy copies, whose distances are averaged.
        sigma: Standard deviation in pixels of the blur, see ``contrastive-blur``.
        seed: Seed of the noise, which also depends on the image's key.

    References:
        arXiv 2411.19117; no code of the authors was found. Settings as in a public re-implementation,
        AlecImhofUni/ProjectGenAI at 1ff77cf, ``training_free_detect.py``: noise 0.009, three draws, sigma 0.55.
    """

    name = "minder"
    paper = "arXiv 2411.19117"
    citations = ContrastiveBlur.citations
    tuned_on = "not known here: on which images noise, draws and sigma were chosen"
    view = View(224, "short-side", interpolation="bicubic")
    unscaled = True
    weaknesses = (
        "Below chance on a set called SID: a re-implementation's AUROC was 0.439, where noise alone reached 0.710; on "
        "ADM 0.871, with noise alone 0.901 (DINOv2 ViT-L/14, 1,000 pairs; AlecImhofUni/ProjectGenAI@f96036e).",
    )

    def __init__(
        self, backbone: Backbone, *, noise: float = 0.009, draws: int = 3, sigma: float = 0.55, seed: int = 0
    ) -> None:
        super().__init__()
        if not 0 <= noise < float("inf"):
            raise OptionError(f"noise must be a number of at least 0, got {noise}.")
        check_count("draws", draws)
        check_sigma(sigma)
        self.backbone, self.seed = backbone, seed
        self.noise, self.draws, self.sigma = noise, draws, sigma

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        clean = self.backbone(images)
        distances = []
        for draw in range(self.draws):
            noisy = (images + self.noise * image_noise(images, keys, "minder", self.seed, draw)).clamp(0, 1)
            distances.append(cosine_distance(clean, self.backbone(noisy)))
        return torch.minimum(torch.stack(distances).mean(dim=0), blur_distance(self.backbone, images, self.sigma))

    @property
    def passes(self) -> int:
        """The noisy copies, and the image blurred and sharpened."""
        return self.draws + 2
