"""Two detectors that cost nothing, so that what is measured is the suite: the mean and the spread of the pixels."""

from torch import Tensor

from detectors import Detector, View, register


@register
class PixelMean(Detector):
    """Mean of the pixels, with a trace of the image's key, so that copies of one image differ.

    Score:
        A brightness in [0, 1]; it says nothing of an image's origin.

    Args:
        seed: Nothing is drawn.
    """

    name = "pixel-mean"
    paper = "none"
    view = View(32, "centre-crop")
    passes = 0

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        return images.double().mean(dim=(1, 2, 3)) + (keys % 1_000_003).double() / 1e9


@register
class PixelSpread(PixelMean):
    """Standard deviation of the pixels.

    Score:
        A contrast in [0, 0.5]; it says nothing of an image's origin.

    Args:
        seed: Nothing is drawn.
    """

    name = "pixel-spread"

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        return images.double().std(dim=(1, 2, 3)) + (keys % 1_000_033).double() / 1e9
