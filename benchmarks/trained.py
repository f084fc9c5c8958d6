"""Measures memory and images a second of every trained detector at its published size, with random weights.

Speed and memory do not depend on the values of weights. Each detector is built by a process of its own, with no file: what
its constructor reads of a checkpoint is left out.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import measure
from tables import machine, table

NATIVE, BATCH = 512, 4
"""Side of images for methods that take them whole, and how many are scored at once."""
ALONE = ("gandetection",)
"""Methods of hundreds of passes an image: one image is enough."""
HEADER = ("detector", "parameters", "image", "passes an image", "images a second", "peak memory")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detectors", nargs="+", metavar="NAME", help="all by default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", metavar="NAME", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measured(asked.one, asked.threads)))
        return
    names = asked.detectors or _names()
    rows = []
    for name in names:
        timed = measure.run_command([sys.executable, __file__, "--one", name, "--threads", str(asked.threads)])
        facts = json.loads(timed.output.splitlines()[-1])
        rows.append((f"`{name}`", *facts["cells"], f"{timed.peak_bytes / measure.MIB:,.0f} MiB"))
    print(machine())
    print(f"\nSetting: {asked.threads} threads, float32, batches of {BATCH}, one after another.\n")
    print(table(HEADER, rows))


def _names() -> list[str]:
    found = measure.run_command([sys.executable, "-c", LISTING])
    return found.output.split()


LISTING = """
import inspect
from detectors import list_detectors
print(*[name for name, cls in list_detectors().items() if "checkpoint" in inspect.signature(cls).parameters])
"""


def measured(name: str, threads: int) -> Mapping[str, Any]:
    """Builds a detector and times it."""
    import time

    import torch

    torch.set_num_threads(threads)
    count = 1 if name in ALONE else BATCH
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        with torch.inference_mode(False):
            detector = random_detector(name, Path(folder))
        side = NATIVE if detector.view.ragged else detector.view.size
        batch = torch.randint(256, (count, 3, side, side), generator=torch.Generator().manual_seed(0)) / 255
        keys = torch.arange(count)
        seconds = []
        for _ in range(2):  # the first warms up
            begun = time.perf_counter()
            detector([*batch.clone()] if detector.view.ragged else batch.clone(), keys)
            seconds.append(time.perf_counter() - begun)
    millions = sum(parameter.numel() for parameter in detector.parameters()) / 1e6
    cells = (f"{millions:,.1f} M", f"{side} px", str(detector.passes), f"{count / seconds[-1]:,.2f}")
    return {"cells": cells}


def random_detector(name: str, folder: Path) -> Any:  # noqa: ANN401 - the suite is imported by the measured process alone
    """Builds a detector with random weights."""
    from detectors import create_detector

    with _without_files(name, folder) as options:
        return create_detector(name, **options)


@contextmanager
def _without_files(name: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Has the constructors of trained detectors take the weights that a network is built with."""
    from detectors import find_detector
    from detectors.trained import base, checkpoints

    cls = find_detector(name)
    nothing = checkpoints.Checkpoint(Path("random"), {}, "", (), None)
    base.read_checkpoint = lambda *arguments: nothing  # type: ignore[assignment]
    base.load_strictly = lambda *arguments: None  # type: ignore[assignment]
    if hasattr(cls, "adapt"):
        cls.adapt = lambda self, checkpoint: {}  # type: ignore[method-assign]
    yield OPTIONS.get(name, lambda folder: {"checkpoint": "random"})(folder)


def _filled(build: Callable[[], Any]) -> Callable[..., Any]:
    """Gives small random values to a network that is built without any."""
    import torch

    def filled(*arguments: Any) -> Any:  # noqa: ANN401
        network = build(*arguments)
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                torch.nn.init.normal_(tensor, 0, 0.02) if tensor.ndim > 1 else tensor.fill_(1)
        return network

    return filled


def _linear(name: str, width: int) -> Callable[[Path], dict[str, Any]]:
    return lambda folder: {}


OPTIONS: Mapping[str, Callable[[Path], dict[str, Any]]] = {}

if __name__ == "__main__":
    main()
