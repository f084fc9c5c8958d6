"""How little noise on each block alone moves the features of real images (WePe, appendix A.15)."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import polars as pl
from torch import Tensor

from bench.errors import BenchError
from bench.scoring.images import pixel_batches
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting, open_setting
from datamodules import REAL
from detectors import Perturbation
from detectors.probing import Probe, probe, top_blocks
from detectors.wepe import block_ranges

WITHOUT_MEANING = ("conditions", "match", "seeds", "precision", "devices", "logger", "wandb")
"""Options of other commands; a probe looks at clean images, once, in single precision, on one device."""
NOISE = {field.name: field.default for field in fields(Perturbation) if field.name not in ("blocks", "stream")}
"""The options of the noise, and their defaults."""


@dataclass(frozen=True)
class BlockProbe:
    """What a probe of a backbone's blocks found, and what it was made with.

    Args:
        dataset: The dataset's title.
        weights: Hexadecimal sha256 of the backbone's weights.
        modules: Names of its blocks in depth order.
        seed: Of the noise.
        unreadable: The real images without pixels, each with the reason.
    """

    dataset: str
    backbone: str
    weights: str
    modules: tuple[str, ...]
    probe: Probe
    perturbation: Perturbation
    seed: int
    device: str
    unreadable: tuple[str, ...]

    @property
    def noise(self) -> dict[str, str | float]:
        """The options of the noise."""
        return {name: getattr(self.perturbation, name) for name in NOISE}

    @property
    def top(self) -> tuple[int, ...]:
        """The paper's share of the depth, 19 of 24, of the most similar blocks, in depth order."""
        return top_blocks(self.probe.similarities, len(Perturbation().chosen_blocks(len(self.modules))))

    @property
    def detector(self) -> str:
        """WePe with these blocks and this noise, as it is written on the command line."""
        # A number alone would be read as the first so many.
        blocks = block_ranges(self.top) if len(self.top) > 1 else f"{self.top[0]}-{self.top[0]}"
        changed = [f"{name}={value}" for name, value in self.noise.items() if value != NOISE[name]]
        return ",".join([f"wepe:blocks={blocks}", *changed])


def probe_dataset(options: RunOptions, perturbation: Perturbation, seed: int = 0) -> BlockProbe:
    """Probes a backbone with the real images of a dataset; the ``blocks`` of the perturbation do not matter.

    Raises:
        BenchError: An option does not apply, the device is missing, or there is no readable real image.
    """
    for name in WITHOUT_MEANING:
        if getattr(options, name) != getattr(RunOptions, name):
            raise BenchError(f"--{name.replace('_', '-')} does not apply to probe.")
    setting = open_setting(options)
    options.make_output()
    unreadable: list[str] = []
    images = real_pixels(setting, unreadable)
    return BlockProbe(
        dataset=setting.datamodule.title,
        backbone=setting.backbone.name,
        weights=setting.backbone.fingerprint,
        modules=setting.backbone.blocks,
        probe=probe(setting.backbone, images, perturbation, seed),
        perturbation=perturbation,
        seed=seed,
        device=str(setting.device),
        unreadable=tuple(unreadable),
    )


def real_pixels(setting: Setting, unreadable: list[str], progress: bool = False) -> Iterator[Tensor]:
    """Yields the real images of a dataset, in batches ``(B, 3, H, W)``; what has no pixels goes to ``unreadable``."""
    items = setting.datamodule.items.with_row_index()
    reals = items.filter(pl.col("label") == REAL)["index"].to_list()
    return pixel_batches(setting.datamodule, setting.view, setting.device, reals, unreadable, progress)
