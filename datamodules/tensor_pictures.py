"""A picture as a tensor, for what needs the gradient of a view."""

from dataclasses import dataclass

from PIL import Image
from torch import Tensor
from torch.nn import functional as F

MODES = {
    Image.Resampling.BILINEAR: "bilinear",
    Image.Resampling.BICUBIC: "bicubic",
    Image.Resampling.LANCZOS: "bicubic",  # torch has no Lanczos filter; this is the nearest that it has
}


@dataclass(frozen=True)
class TensorPicture:
    """A picture that is cut and scaled as Pillow's are, but is not rounded and has a gradient.

    Args:
        pixels: ``(3, H, W)`` float.
    """

    pixels: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    @property
    def width(self) -> int:  # noqa: D102
        return self.pixels.shape[2]

    @property
    def height(self) -> int:  # noqa: D102
        return self.pixels.shape[1]

    def crop(self, box: tuple[int, int, int, int]) -> "TensorPicture":
        """Cuts out left, top, right, bottom; what lies beyond the picture is black, as with Pillow."""
        left, top, right, bottom = box
        return TensorPicture(F.pad(self.pixels, (-left, right - self.width, -top, bottom - self.height)))

    def resize(self, size: tuple[int, int], resample: int) -> "TensorPicture":
        """Scales to a width and height, antialiased."""
        mode = MODES[Image.Resampling(resample)]
        return TensorPicture(F.interpolate(self.pixels[None], size=size[::-1], mode=mode, antialias=True)[0])

    def tiled(self, across: int, down: int) -> "TensorPicture":
        """Lays copies beside and under each other."""
        return TensorPicture(self.pixels.repeat(1, down, across))
