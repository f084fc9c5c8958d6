"""Contrastive blur: a generated image's features differ more between the image blurred and the image sharpened.

``score(x) = 1 - cos(f(b), f(2x - b))`` with ``b``, the blurred image; ``2x - b`` is as much sharper as ``b`` is softer.
"""

from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary
from torchvision.transforms.v2 import functional as transforms  # type: ignore[import-untyped]

from detectors.backbones import Backbone
from detectors.base import Detector, View
from detectors.errors import OptionError
from detectors.similarity import cosine_distance

KERNEL = 3
_PAIRS: WeakIdKeyDictionary = WeakIdKeyDictionary()
"""The pairs of a batch that is still alive, by sigma: two methods have the same tensors, and share their passes."""


class ContrastiveBlur(Detector):
    """Features of the image blurred against the image sharpened.

    Score:
        Cosine distance between the two, in [0, 2]; higher means more likely generated.

    Args:
        backbone: The vision model; the paper's is a DINOv2.
        sigma: Standard deviation in pixels of the Gaussian blur, of a kernel of 3 x 3 pixels.
        seed: Without effect: nothing is drawn.

    References:
        MINDER, arXiv 2411.19117; no code of the authors was found. Settings as in a public re-implementation,
        AlecImhofUni/ProjectGenAI at 1ff77cf, ``training_free_detect.py``: sigma 0.55, a reflected border, and the
        sharpened image clipped to [0, 1].
    """

    name = "contrastive-blur"
    paper = "arXiv 2411.19117"
    citations = (
        {
            "key": "tsai2024understanding",
            "author": "Tsai, Chung-Ting and Ko, Ching-Yun and Chung, I-Hsin and Wang, Yu-Chiang Frank and Chen, Pin-Yu",
            "title": "Understanding and Improving Training-Free AI-Generated Image Detections with Vision Foundation "
            "Models",
            "year": "2024",
            "eprint": "2411.19117",
        },
    )
    tuned_on = "not known here: on which images sigma was chosen"
    view = View(224, "short-side", interpolation="bicubic")
    unscaled = True
    weaknesses = (
        "Below chance on a set called SID, where a re-implementation reached an AUROC of 0.310, against 0.779 on ADM "
        "(DINOv2 ViT-L/14, 1,000 pairs; AlecImhofUni/ProjectGenAI@f96036e).",
    )

    def __init__(self, backbone: Backbone, *, sigma: float = 0.55, seed: int = 0) -> None:
        super().__init__()
        check_sigma(sigma)
        self.backbone, self.seed, self.sigma = backbone, seed, sigma

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        return blur_distance(self.backbone, images, self.sigma)

    @property
    def passes(self) -> int:
        """The two; the image itself does not pass, and what others share is not used."""
        return 2


def blur_distance(backbone: Backbone, images: Tensor, sigma: float) -> Tensor:
    """Measures how far features of the blurred and the sharpened image are apart.

    Args:
        backbone: The vision model.
        images: ``(B, 3, H, W)`` in [0, 1].
        sigma: Standard deviation of the blur in pixels.

    Returns:
        ``(B,)`` cosine distances, float64.
    """
    if images not in _PAIRS:
        _PAIRS[images] = {}
    by_sigma: dict[float, tuple[Tensor, Tensor]] = _PAIRS[images]
    if sigma not in by_sigma:
        by_sigma[sigma] = soft_and_sharp(images, sigma)
    soft, sharp = by_sigma[sigma]
    return cosine_distance(backbone(soft), backbone(sharp))


def soft_and_sharp(images: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Blurs images ``(B, 3, H, W)``, and sharpens them as much; both are in [0, 1].

    Examples:
        >>> import torch
        >>> soft, sharp = soft_and_sharp(torch.full((1, 3, 4, 4), 0.5), 0.55)
        >>> bool((soft - sharp).abs().max() < 1e-6)
        True
    """
    soft: Tensor = transforms.gaussian_blur_image(images, [KERNEL, KERNEL], [sigma, sigma])
    return soft, (2 * images - soft).clamp(0, 1)


def check_sigma(sigma: float) -> None:
    """Looks at a standard deviation.

    Raises:
        OptionError: It is not a positive number.
    """
    if not 0 < sigma < float("inf"):
        raise OptionError(f"sigma must be a number greater than 0, got {sigma}.")
