"""A detector of your own, in one file.

python -m bench compare --plugin examples/own_detector.py --detectors my-detector rigid
python -m bench score photos/ --plugin examples/own_detector.py --detectors my-detector:reach=2
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from detectors import Detector, OptionError, View, register


@register
class MyDetector(Detector):
    """How smooth an image is: minus the mean absolute difference to its own local mean.

    Score:
        At most 0; higher, that is smoother, means more likely generated. An example, not a good detector.

    Args:
        reach: Pixels on each side that the local mean takes in.
    """

    name = "my-detector"
    paper = "none: an example"
    version = 1  # raise it when a module that this file imports moves the scores; a change of this file is noticed
    view = View(224, "centre-crop")

    def __init__(self, *, reach: int = 1, seed: int = 0) -> None:
        super().__init__()
        if reach < 1:
            raise OptionError(f"my-detector: reach must be at least 1 pixel, got {reach}.")
        self.reach, self.seed = reach, seed

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:
        """Scores a batch ``(B, 3, H, W)``; there is no randomness, so that the keys are not used."""
        means = avg_pool2d(images, 2 * self.reach + 1, stride=1, padding=self.reach, count_include_pad=False)
        return -torch.mean((images - means).abs(), dim=(1, 2, 3), dtype=torch.float64)

    @property
    def passes(self) -> int:
        """No pass through a network."""
        return 0
