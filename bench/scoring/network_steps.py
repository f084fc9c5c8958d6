"""Degradations by neural networks: ``vae:NAME`` and ``upscale:NAME``, which importing this adds to the language.

Both give back a picture of the same size that a network made: ``vae`` encodes and decodes it with one of AEROBLADE's
autoencoders (the mean of the latents, nothing is drawn), ``upscale`` halves its sides twice and has the demo's
upsampler bring them back. A photograph still shows the same scene; limited by ``@real`` they ask whether a detector
calls it generated.

The network sees one image at a time, in float32 on one thread of the CPU, so that no number of workers, processes or
images in a batch changes a bit. Sides that are no multiple of what it needs are extended by their last pixels and cut
again, and a side of more than `TILE` is taken in tiles, both as AEROBLADE does.

The canonical text holds the start of the weights' sha256, ``vae:embedded-a,weights=1a2b3c4d``: results of other weights
under the same name stand apart. Where it is given, it must be that of the weights that are there.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bench.errors import BenchError
from datamodules import DataOptionError
from datamodules.degradations import Degradation, known, register_degradation
from detectors.autoencoder_names import EMBEDDED, HUB_ADDRESS, PUBLISHED
from detectors.errors import WeightsNotFoundError

if TYPE_CHECKING:
    from torch import Tensor, nn

TILE = 1024
"""Longest side in pixels that a network sees at once, without the context around it."""
DIGITS = 8
"""Of the weights' sha256 that stand in the text."""
UPSAMPLER_MULTIPLE = 4


@dataclass(frozen=True)
class NetworkStep(Degradation):
    """A picture as a network gives it back.

    Args:
        name: ``vae`` or ``upscale``.
        network: Which network.
        weights: The first digits of the sha256 of its weights.
    """

    name: str
    network: str
    weights: str

    @property
    def amount(self) -> str:  # noqa: D102 - the base documents it, here and below
        return self.network

    @property
    def options(self) -> str:  # noqa: D102
        return f",weights={self.weights}"

    def prepare(self) -> None:
        """Loads the network, which processes that are forked later share.

        Raises:
            BenchError: Its weights are other ones.
        """
        there = load(self.name, self.network).weights
        if there != self.weights:
            raise BenchError(f"{self.text} asks for other weights than the ones that are here: weights={there}.")

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        import torch

        loaded = load(self.name, self.network)
        pixels = torch.tensor(np.asarray(image)).permute(2, 0, 1)[None].float() / 255
        with on_one_thread(), torch.inference_mode(), torch.autocast("cpu", enabled=False):
            made = loaded.process(pixels)
        return Image.fromarray((made[0].clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())


@dataclass(frozen=True, eq=False)
class LoadedNetwork:
    """A network that is ready.

    Args:
        network: Maps ``(1, 3, H, W)`` in [0, 1] to its like.
        multiple: What the sides must be divisible by.
        weights: The first digits of the sha256 of its weights.
    """

    network: "nn.Module"
    multiple: int
    weights: str

    def process(self, image: "Tensor") -> "Tensor":
        """Makes a picture ``(1, 3, H, W)`` anew, tile by tile."""
        import torch

        from detectors.reconstruction import LEAST_SIDE, extend, tiles

        whole = extend(image, LEAST_SIDE, 1)
        made = torch.empty_like(whole)
        for top, left in tiles(whole.shape[2:], TILE):
            piece = whole[:, :, top.outer, left.outer]
            answer = self.network(extend(piece, 1, self.multiple))[:, :, : piece.shape[2], : piece.shape[3]]
            made[:, :, top.own, left.own] = answer[:, :, top.inner, left.inner]
        return made[:, :, : image.shape[2], : image.shape[3]]


@cache
def load(name: str, network: str) -> LoadedNetwork:
    """Loads a network once a process.

    Raises:
        BenchError: Its weights are not to be had.
        DetectorError: They do not fit, or a library is missing.
    """
    from detectors.autoencoders import load_autoencoder
    from detectors.weights import load_strictly, read_weights, state_sha256

    model: nn.Module
    if name == "vae":
        try:
            model = load_autoencoder(network)
        except WeightsNotFoundError as error:
            raise BenchError(
                f"vae:{network} needs weights that are neither here nor to be had from the Hugging Face hub. Go online "
                f"once, or name a folder as diffusers saves it, or take the demo's own: vae:{EMBEDDED[0]}."
            ) from error
        multiple = model.multiple
    else:
        # The networks of the demo are its own, and torch's: they are imported where they are used.
        from datamodules.demo_images.generators import Upsampler, weights_path

        file = weights_path("upsampler", "a" if network == EMBEDDED[0] else "b")
        model, multiple = Upsampler(), UPSAMPLER_MULTIPLE
        load_strictly(model, read_weights(file), file)
        model.eval().requires_grad_(False)
    return LoadedNetwork(model, multiple, state_sha256(model.state_dict())[:DIGITS])


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Has torch compute on one thread, as processes that read images do anyway, and gives the others back."""
    import torch

    threads = torch.get_num_threads()
    if threads > 1:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if threads > 1:
            torch.set_num_threads(threads)


def _vae(amount: str, options: Mapping[str, str], text: str) -> NetworkStep:
    named = amount and (Path(amount).is_dir() or HUB_ADDRESS.fullmatch(amount) or "weights" in options)
    if not named:
        known("autoencoder", amount, (*EMBEDDED, *PUBLISHED, "FOLDER", "owner/name/vae"), text)
    return _step("vae", amount, options, text)


def _upscale(amount: str, options: Mapping[str, str], text: str) -> NetworkStep:
    return _step("upscale", known("upsampler", amount, EMBEDDED, text), options, text)


def _step(name: str, network: str, options: Mapping[str, str], text: str) -> NetworkStep:
    weights = options.get("weights") or load(name, network).weights
    if len(weights) != DIGITS or not set(weights) <= set("0123456789abcdef"):
        raise DataOptionError(f"'weights' in {text!r} must be {DIGITS} hexadecimal digits, got {weights!r}.")
    return NetworkStep(name, network, weights)


register_degradation("vae", _vae, ["weights"])
register_degradation("upscale", _upscale, ["weights"])
