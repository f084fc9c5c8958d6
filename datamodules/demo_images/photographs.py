"""The photographs of the demo data set, and where they are cropped.

The wheels of scikit-image and scikit-learn carry free photographs, so the demo needs neither a download nor image
files of its own. The files are read by path: importing ``skimage.data`` would bring in a downloader.

Left out, after looking at each file: drawings and test patterns (``chessboard_GRAY``, ``chessboard_RGB``, ``color``,
``horse``, ``logo``, ``phantom``), photographed or scanned text (``page``, ``text``), ``cell`` (a phase image computed
from a hologram, no photograph), pictures smaller than a crop (``microaneurysms`` and the 25 px faces of
``lfw_subset``). ``brick`` is a photograph that its makers warped; ``hubble_deep_field`` is composed of exposures.
"""

from __future__ import annotations

import functools
import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from datamodules.errors import PhotographMissingError

CROP = 256
"""Side of a crop in pixels."""

PIXELS_PER_CROP = 26_214
"""A photograph gives one crop for so many pixels (0.4 of a crop's area), so crops of small photographs overlap."""

MOST_CROPS = {True: 14, False: 4}
"""Most crops of one photograph, colour and grey: no picture may dominate, and grey ones stay the minority."""

Half = Literal["a", "b"]
RGB = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Photograph:
    """One photograph: the unit that is independent of all others.

    Args:
        name: Its name, which is the ``group`` of every crop and of every image generated from them.
        files: Paths inside site-packages; several files are views of the same scene, of the same size.
        colour: Whether it is in colour; a grey one is a grey RGB picture.
        half: Which half it belongs to; a generator trained on one half is only shown the other.
        margin: Border in pixels where no crop is cut.
    """

    name: str
    files: tuple[str, ...]
    colour: bool
    half: Half
    margin: int = 0


PHOTOGRAPHS = (
    Photograph("astronaut", ("skimage/data/astronaut.png",), colour=True, half="a"),
    Photograph("china", ("sklearn/datasets/images/china.jpg",), colour=True, half="a"),
    Photograph("coffee", ("skimage/data/coffee.png",), colour=True, half="a"),
    Photograph("flower", ("sklearn/datasets/images/flower.jpg",), colour=True, half="a"),
    Photograph("hubble_deep_field", ("skimage/data/hubble_deep_field.jpg",), colour=True, half="a"),
    Photograph("camera", ("skimage/data/camera.png",), colour=False, half="a"),
    Photograph("clock_motion", ("skimage/data/clock_motion.png",), colour=False, half="a"),
    Photograph("grass", ("skimage/data/grass.png",), colour=False, half="a"),
    Photograph("moon", ("skimage/data/moon.png",), colour=False, half="a"),
    Photograph("chelsea", ("skimage/data/chelsea.png",), colour=True, half="b"),
    Photograph("immunohistochemistry", ("skimage/data/ihc.png",), colour=True, half="b"),
    Photograph(
        "motorcycle", ("skimage/data/motorcycle_left.png", "skimage/data/motorcycle_right.png"), colour=True, half="b"
    ),
    # The fundus is a disc on black: without a margin some crops would be all black.
    Photograph("retina", ("skimage/data/retina.jpg",), colour=True, half="b", margin=120),
    Photograph("rocket", ("skimage/data/rocket.jpg",), colour=True, half="b"),
    Photograph("brick", ("skimage/data/brick.png",), colour=False, half="b"),
    Photograph("coins", ("skimage/data/coins.png",), colour=False, half="b"),
    Photograph("gravel", ("skimage/data/gravel.png",), colour=False, half="b"),
)
"""All photographs; each half has five in colour and three or four grey ones."""


def load_pictures(photograph: Photograph) -> list[RGB]:
    """Return the photograph's files as arrays ``(height, width, 3)``, one for each file.

    Args:
        photograph: The photograph to load.

    Raises:
        PhotographMissingError: If a file is not installed.
    """
    return [_load_rgb(file) for file in photograph.files]


def load_crops(photograph: Photograph) -> list[RGB]:
    """Return the photograph's crops ``(256, 256, 3)``, always the same ones in the same order.

    Crop ``k`` comes from file ``k mod n`` of the ``n`` files.

    Args:
        photograph: The photograph to crop.

    Raises:
        PhotographMissingError: If a file is not installed.
    """
    pictures = load_pictures(photograph)
    area = sum(picture.shape[0] * picture.shape[1] for picture in pictures)
    count = min(MOST_CROPS[photograph.colour], area // PIXELS_PER_CROP)
    corners = crop_corners(*pictures[0].shape[:2], count=count, margin=photograph.margin)
    crops = [pictures[k % len(pictures)][top : top + CROP, left : left + CROP] for k, (top, left) in enumerate(corners)]
    return [np.ascontiguousarray(crop) for crop in crops]


def crop_corners(height: int, width: int, *, count: int, margin: int = 0) -> list[tuple[int, int]]:
    """Return the top left corners of ``count`` crops, spread evenly over a picture.

    The corners follow the R2 sequence: the generalisation of the golden ratio to two dimensions, whose points keep
    away from each other however many are taken.

    Args:
        height: Height of the picture in pixels.
        width: Width of the picture in pixels.
        count: Number of crops.
        margin: Border in pixels that is left out.

    References:
        Roberts, The Unreasonable Effectiveness of Quasirandom Sequences, 2018.
    """
    plastic = 1.32471795724474602596  # the real root of x^3 = x + 1
    rows, columns = height - CROP - 2 * margin + 1, width - CROP - 2 * margin + 1
    return [
        (
            margin + math.floor(rows * math.fmod(0.5 + k / plastic, 1.0)),
            margin + math.floor(columns * math.fmod(0.5 + k / plastic**2, 1.0)),
        )
        for k in range(count)
    ]


@functools.cache
def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        distribution = {"skimage": "scikit-image", "sklearn": "scikit-learn"}[package]
        raise PhotographMissingError(
            f"The demo's photographs are in the wheel of {distribution}, which is not installed. "
            f"Run `pip install {distribution}`, or use --dataset folder with images of your own."
        )
    return Path(spec.submodule_search_locations[0])


def _load_rgb(file: str) -> RGB:
    package, _, inside = file.partition("/")
    path = _package_folder(package) / inside
    if not path.is_file():
        raise PhotographMissingError(
            f"The demo's photograph {path} does not exist: this version of {package} does not carry it. "
            f"Install scikit-image 0.26 and scikit-learn 1.9, or use --dataset folder with images of your own."
        )
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
