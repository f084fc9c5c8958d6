"""Measures memory and speed of every trained detector at its published size, with random weights.

Neither depends on the values of weights::

    python benchmarks/trained.py

Each detector is built by a process of its own without a file; reading one takes the weights' size once more, for a
while.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from machine import describe_machine
from measure import MIB, markdown_table, run_command

NATIVE, BATCH = 512, 4
"""Side of images for methods that take them whole, and how many are scored."""
ALONE = ("gandetection",)
"""Methods of hundreds of passes an image, which score one."""
HEAD = ("detector", "parameters", "image", "passes an image", "images a second", "peak memory")
LISTING = """
import inspect
from detectors import list_detectors
print(*[name for name, cls in list_detectors().items() if "checkpoint" in inspect.signature(cls).parameters])
"""


def main(words: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detectors", nargs="+", metavar="NAME", help="all by default")
    parser.add_argument("--one", metavar="NAME", help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.one:
        print(json.dumps(measured(arguments.one)))
        return
    rows = []
    for name in arguments.detectors or run_command([sys.executable, "-c", LISTING]).output.split():
        timed = run_command([sys.executable, __file__, "--one", name])
        rows.append([f"`{name}`", *json.loads(timed.output.splitlines()[-1]), f"{timed.peak_bytes / MIB:,.0f} MiB"])
    print(describe_machine())
    print(f"\nSetting: float32, {BATCH} images at once (one of {', '.join(ALONE)}), after a pass to warm up.\n")
    print(markdown_table(HEAD, rows))


def measured(name: str) -> list[str]:
    """Builds a detector, times its second pass, and returns the cells between its name and its memory."""
    import torch

    with TemporaryDirectory() as folder:
        detector = random_detector(name, Path(folder))
        side = NATIVE if detector.view.ragged else detector.view.size
        count = 1 if name in ALONE else BATCH
        batch = torch.randint(256, (count, 3, side, side), generator=torch.Generator().manual_seed(0)) / 255
        for _ in range(2):
            images = [*batch.clone()] if detector.view.ragged else batch.clone()
            begun = time.perf_counter()
            with torch.inference_mode():
                detector(images, torch.arange(count))
            seconds = time.perf_counter() - begun
    millions = sum(parameter.numel() for parameter in detector.parameters()) / 1e6
    backbone = getattr(detector, "backbone", None)
    passes = f"{detector.passes}" if backbone is None else f"1 shared + {detector.passes}"
    return [f"{millions:,.1f} M", f"{side} px", passes, f"{count / seconds:,.2f}"]


def random_detector(name: str, folder: Path) -> Any:  # noqa: ANN401 - the measuring process does not import the suite
    """Builds a detector whose networks have random weights."""
    import torch

    from detectors import create_detector, find_detector
    from detectors.trained import base, lgrad
    from detectors.trained.checkpoints import Checkpoint
    from detectors.trained.networks.stylegan_discriminator import StyleGANDiscriminator

    nothing = Checkpoint(Path("random.pth"), {}, "", (), None)
    base.read_checkpoint = lambda *arguments: nothing
    base.load_strictly = lambda *arguments: None
    lgrad.read_discriminator = lambda file: StyleGANDiscriminator().requires_grad_(False).eval()
    cls: Any = find_detector(name)
    if hasattr(cls, "adapt"):
        cls.adapt = lambda self, checkpoint: vars(self).update(READ_OFF.get(name, {})) or {}
    options = {"checkpoint": "random.pth", **OPTIONS.get(name, lambda folder: {})(folder)}
    detector = create_detector(name, **options)
    for tensor_name, tensor in getattr(detector, "network", torch.nn.Module()).state_dict().items():
        if tensor.is_floating_point() and "index" not in tensor_name:
            torch.nn.init.normal_(tensor, 0, 0.02) if tensor.ndim > 1 else tensor.fill_(1)
    return detector


def _clip(folder: Path) -> dict[str, Any]:
    """A CLIP ViT-L/14 of random weights for a backbone."""
    import open_clip

    from detectors.backbones import Backbone
    from detectors.backbones.clip import CLIP_MODEL

    visual = open_clip.CLIP(**open_clip.get_model_config(CLIP_MODEL)).visual
    blocks = [f"transformer.resblocks.{number}" for number in range(len(visual.transformer.resblocks))]
    return {"backbone": Backbone("clip-vitl14", visual, blocks)}


def _linear(name: str, width: int) -> Callable[[Path], dict[str, Any]]:
    """A file of a linear detector, as ``fit`` writes it."""

    def write(folder: Path) -> dict[str, Any]:
        from dataclasses import asdict

        import torch
        from safetensors.torch import save_file

        from detectors import create_backbone, find_detector
        from detectors.trained.fitted_file import FACTS

        facts: dict[str, Any] = {"detector": name, "view": asdict(find_detector(name).view), "trained_on": []}
        if name == "linear-probe":
            backbone = create_backbone("efficientnet-lite0")
            facts["backbone"] = {"name": backbone.name, "weights": backbone.fingerprint}
        file, zeros = folder / "linear.safetensors", torch.zeros(width, dtype=torch.float64)
        save_file({"weight": zeros, "bias": zeros[0].clone()}, file, {FACTS: json.dumps(facts)})
        return {"checkpoint": str(file)}

    return write


def _maps(folder: Path) -> dict[str, Any]:
    """Maps of the images, whose keys count from 0."""
    import torch
    from safetensors.torch import save_file

    save_file({f"{2 * key:016x}".ljust(64, "0"): torch.rand(4, 32, 32) for key in range(BATCH)}, folder / "maps")
    return {"maps": str(folder / "maps")}


OPTIONS: Mapping[str, Callable[[Path], dict[str, Any]]] = {
    "durall": _linear("durall", 300),
    "frank": _linear("frank", 3 * 128 * 128),
    "lare": _maps,
    "linear-probe": _linear("linear-probe", 1280),
    "rine": _clip,
    "univfd": _clip,
}
"""What a constructor needs beside a checkpoint."""
READ_OFF: Mapping[str, Mapping[str, Any]] = {
    "drct": {"on_clip": False},
    "patchfor": {"block": 2, "generated": 0},
    "rine": {"projections": 2, "dimension": 1024},
}
"""What is read off a checkpoint's tensors: ConvNeXt-B of DRCT, the released sizes of the others."""

if __name__ == "__main__":
    main()
