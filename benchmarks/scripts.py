"""Runs the scripts under ``plain/``: each a cell, that is one detector under one condition with one seed."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import HERE, Timed, run_command
from setting import Setting

CLEAN = "clean"
CONDITIONS = (
    *(f"jpeg:{quality}" for quality in (90, 80, 70, 60, 50)),
    *(f"blur:{sigma}" for sigma in (1, 2, 3, 4, 5)),
    *(f"noise:{std}" for std in (0.05, 0.1, 0.15, 0.2, 0.25)),
)
"""The grid of RIGID's robustness experiment."""
SEEDS = 5

KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}
"""What ``bench.scoring.machine.memory.keep_freed_memory`` sets, in glibc's variables: no script is changed for it."""


@dataclass(frozen=True)
class Cell:
    """What one run of a script computes."""

    detector: str
    condition: str = CLEAN
    seed: int = 0

    @property
    def file_name(self) -> str:
        """A name for its scores."""
        return f"{self.detector}-{self.condition.replace(':', '-')}-{self.seed}.json"


@dataclass(frozen=True)
class Work:
    """What is to be computed.

    Args:
        detectors: Names of detectors.
        conditions: Degradations, beside the clean images.
        seeds: Number of seeds.
        view: For ``--view``; the scripts take the same picture.
    """

    detectors: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    seeds: int = 1
    view: str = "common"

    @property
    def cells(self) -> list[Cell]:
        """All of it, cell by cell."""
        return [
            Cell(detector, condition, seed)
            for detector in self.detectors
            for seed in range(self.seeds)
            for condition in (CLEAN, *self.conditions)
        ]

    def some(self, count: int) -> list[Cell]:
        """Takes so many cells, evenly spread over all."""
        cells = self.cells
        count = min(count, len(cells))
        return [cells[(2 * number + 1) * len(cells) // (2 * count)] for number in range(count)]

    @property
    def suite_arguments(self) -> list[str]:
        """The same for ``python -m bench``."""
        conditions = ["--conditions", *self.conditions] if self.conditions else []
        return ["compare", "--detectors", *self.detectors, "--view", self.view, "--seeds", str(self.seeds), *conditions]


PAIR = ("wepe", "rigid")
FIVE = (*PAIR, "mc-dropout", "gradient-cuff", "wepe-gradient-cuff")
TEN = (*FIVE, "minder", "contrastive-blur", "conv", "warpad", "aeroblade")
"""The training-free detectors that need no download, but for HFI, whose passes are AEROBLADE's and as many more."""
WITHOUT_VIEW = ("aeroblade", "minder", "contrastive-blur", "conv", "warpad")
"""Their scripts take the method's own picture, and know no other."""
WORKS = {
    "pair": Work(PAIR),
    "five": Work(FIVE),
    "ten": Work(TEN, view="method"),
    "sweep": Work(("wepe",), CONDITIONS, SEEDS),
    "aeroblade": Work(("aeroblade",), view="method"),
}


def run_scripts(
    cells: Sequence[Cell],
    scale: float,
    setting: Setting,
    view: str,
    output: Path,
    environment: Mapping[str, str] | None = None,
) -> Timed:
    """Runs the scripts of some cells one after another and adds their times up.

    Args:
        cells: What to run.
        scale: Factor of the times and passes, where the cells stand for more.
        setting: The network and the images.
        view: ``common`` or ``method``, the picture.
        output: Where the scores go.
        environment: Variables to set beside those of this process.

    Returns:
        The seconds without those for importing what the scripts borrow from the suite; in ``cost`` the seconds of the
        loops, and the passes an image.
    """
    output.mkdir(parents=True, exist_ok=True)
    whole, loops, passes, peak = 0.0, 0.0, 0.0, 0
    for cell in cells:
        timed = run_command(_command(cell, setting, output / cell.file_name, view), environment)
        cost = json.loads((output / cell.file_name).read_text())
        whole += scale * (timed.seconds - cost["borrowed"])
        loops += scale * cost["seconds"]
        passes += scale * cost["passes"]
        peak = max(peak, timed.peak_bytes)
    return Timed(whole, peak, "", {"seconds": loops, "passes": passes})


def _command(cell: Cell, setting: Setting, output: Path, view: str) -> list[str]:
    script = HERE / "plain" / f"{cell.detector.replace('-', '_')}.py"
    command = [sys.executable, str(script), "--images", str(setting.images), "--output", str(output)]
    if cell.detector == "aeroblade":
        return command
    command += ["--weights", str(setting.weights), "--model", setting.model, "--seed", str(cell.seed)]
    if cell.detector not in WITHOUT_VIEW:
        command += ["--view", view]
    return command if cell.condition == CLEAN else [*command, "--condition", cell.condition]
