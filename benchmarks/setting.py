"""What several benchmarks run on: a network and a folder of images, made up or the user's own."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from measure import refuse, run_vit

IMAGES = 200
BACKBONES = {
    "dinov2-vits14": "vit_small_patch14_dinov2.lvd142m",
    "dinov2-vitl14": "vit_large_patch14_dinov2.lvd142m",
}
"""The timm model of each backbone that is not called ``timm:<model>``."""


@dataclass(frozen=True)
class Setting:
    """A network and images.

    Args:
        images: A folder for ``--dataset folder``.
        weights: A file for ``--weights``.
        backbone: A name for ``--backbone``.
        made: Which of the two were made up, in words.
    """

    images: Path
    weights: Path
    backbone: str
    made: str

    @property
    def model(self) -> str:
        """The backbone's name in timm."""
        return BACKBONES.get(self.backbone, self.backbone.removeprefix("timm:"))

    def describe(self, images: int, repeats: int) -> str:
        """Returns one line for the top of a table."""
        return f"Setting: {images:,} images, {self.backbone}, {self.made}; medians of {repeats} repeats (range)."


def add_setting_options(parser: argparse.ArgumentParser, repeats: int = 3) -> None:
    """Adds what all of these benchmarks take."""
    parser.add_argument("--images", type=Path, metavar="DIR", help="your own images, laid out for --dataset folder")
    parser.add_argument("--count", type=int, default=IMAGES, help=f"made images, without --images (default {IMAGES})")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="your own weights (default: random ones)")
    parser.add_argument(
        "--backbone", default="dinov2-vits14", help="dinov2-vits14 (default), or timm:<model> for another transformer"
    )
    parser.add_argument("--repeats", type=int, default=repeats, help=f"repeats of everything (default {repeats})")


def make_setting(options: argparse.Namespace, scratch: Path) -> Setting:
    """Makes what the user does not give.

    Args:
        options: Those of :func:`add_setting_options`.
        scratch: A folder for it.

    Raises:
        SystemExit: A file or folder is missing, a number is too small, or the backbone is not a transformer's name.
    """
    for name, path in (("images", options.images), ("weights", options.weights)):
        if path is not None and not path.exists():
            refuse(f"--{name} {path} does not exist.")
    for name in ("count", "repeats"):
        if getattr(options, name) < 1:
            refuse(f"--{name} must be at least 1, got {getattr(options, name)}.")
    if options.backbone not in BACKBONES and not options.backbone.startswith("timm:"):
        refuse(f"--backbone must be {', '.join(BACKBONES)} or timm:<model>, got {options.backbone}.")
    images, weights = options.images or scratch / "images", options.weights or scratch / "weights.pth"
    words = f"{'given' if options.images else 'made'} images, {'given' if options.weights else 'random'} weights"
    setting = Setting(images.resolve(), weights.resolve(), options.backbone, words)
    if not (options.images and options.weights):
        count = 0 if options.images else options.count
        run_vit(scratch, "--model", setting.model, "--name", "weights.pth", "--count", str(count))
    return setting
