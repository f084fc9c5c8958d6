"""The ``probe`` command: how little noise on each block alone moves the features of real images (WePe, A.15)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import polars as pl
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from rich.console import Console

from bench.errors import BenchError
from bench.report.tables import make_table, print_tables
from bench.report.terminal import text_of
from bench.scoring.build import create_datamodule
from bench.scoring.options import RunOptions
from bench.scoring.probed_blocks import real_batches
from datamodules import REAL
from detectors import Perturbation, WePe, create_backbone
from detectors.probing import Probe, probe, ranking, top_blocks
from detectors.wepe import block_ranges

HEADER = ("backbone", "block", "similarity %", "rank")
WITHOUT_MEANING = ("conditions", "match", "seeds", "precision", "devices", "wandb")
"""Options of other commands; a probe looks at clean images, once, in single precision, on one device."""
CHOSEN, SPARED = "#2a6f97", "#c8ccd0"
MOST_FILES_NAMED = 5


@dataclass(frozen=True)
class ProbeReport:
    """What a probe found, and what it was made with.

    Args:
        dataset: The dataset's title.
        backbone: The backbone's name.
        weights: Hexadecimal sha256 of its weights.
        modules: Names of its blocks in depth order.
        probe: The similarities.
        perturbation: The noise.
        seed: Its seed.
        device: What computed it.
        unreadable: The real images without pixels, each with the reason.
        files: The files that were written.
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
    files: tuple[Path, ...]

    @property
    def setting(self) -> str:
        """What was measured, on what, in one line."""
        return (
            f"Each block perturbed alone: {self.probe.images} real images of {self.dataset}, noise "
            f"{_noise_words(self.perturbation)}, seed {self.seed}."
        )

    @property
    def top(self) -> tuple[int, ...]:
        """The paper's share of the depth, 19 of 24, of the most similar blocks, in depth order."""
        depth = len(self.modules)
        return top_blocks(self.probe.similarities, len(Perturbation().chosen_blocks(depth)))

    @property
    def detector(self) -> str:
        """WePe with these blocks and this noise, as it is written on the command line."""
        # A number alone would be read as the first so many.
        blocks = block_ranges(self.top) if len(self.top) > 1 else f"{self.top[0]}-{self.top[0]}"
        changed = [f"{name}={value}" for name, value in _noise(self.perturbation).items() if value != _DEFAULTS[name]]
        return ",".join([f"wepe:blocks={blocks}", *changed])

    @property
    def cost(self) -> str:
        """How many passes through single blocks the probe took, against the number without re-use."""
        taken, full = self.probe.block_passes, self.probe.full_block_passes
        if not self.probe.split:
            return (
                f"{taken} block passes an image: these blocks do not run one after the other, so no clean prefix could "
                f"be re-used"
            )
        return f"{taken} block passes an image instead of {full} ({taken / full:.0%}): the clean prefix is re-used"


def probe_dataset(options: RunOptions, perturbation: Perturbation, seed: int = 0) -> ProbeReport:
    """Probes a backbone with the real images of a dataset, and writes ``probe.csv`` and ``probe.svg``.

    Args:
        options: Data, backbone and machine.
        perturbation: The noise; its ``blocks`` do not matter.
        seed: Seed of the noise.

    Raises:
        BenchError: An option does not apply, the device is missing, or there is no readable real image.
    """
    for name in WITHOUT_MEANING:
        if getattr(options, name) != getattr(RunOptions, name):
            raise BenchError(f"--{name.replace('_', '-')} does not apply to probe.")
    device = find_device(options.accelerator)
    datamodule = create_datamodule(options)
    datamodule.prepare_data()
    datamodule.setup()
    options.make_output()
    backbone = create_backbone(options.backbone, options.weights).to(device)
    unreadable: list[str] = []
    reals = datamodule.items.with_row_index().filter(pl.col("label") == REAL)["index"].to_list()
    found = probe(backbone, real_batches(datamodule, WePe.view, reals, device, unreadable), perturbation, seed)
    output = options.output
    report = ProbeReport(
        dataset=datamodule.title,
        backbone=backbone.name,
        weights=backbone.fingerprint,
        modules=backbone.blocks,
        probe=found,
        perturbation=perturbation,
        seed=seed,
        device=str(device),
        unreadable=tuple(unreadable),
        files=(output / "probe.csv", output / "probe.svg"),
    )
    output.mkdir(parents=True, exist_ok=True)
    probe_frame(report).write_csv(report.files[0])
    write_plot(report, report.files[1])
    return report


def print_probe(report: ProbeReport, console: Console) -> None:
    """Prints Table 14's row, what it cost, and the blocks to perturb."""
    rows = [
        [report.backbone, str(block), f"{similarity:.2f}", str(rank)] for block, similarity, rank in report.probe.rows()
    ]
    print_tables([make_table("Similarity of features", HEADER, rows, 2)], console)
    order = ", ".join(map(str, ranking(report.probe.similarities)))
    notes = [
        report.setting,
        f"Most similar first: {order}.",
        f"The first {len(report.top)} of {len(report.modules)}: {report.detector}",
        f"Cost: {report.cost}; on {report.device}.",
    ]
    if report.unreadable:
        named = "; ".join(report.unreadable[:MOST_FILES_NAMED])
        more = len(report.unreadable) - MOST_FILES_NAMED
        notes.append(f"Unreadable, left out: {named}{f'; and {more} more' if more > 0 else ''}.")
    for note in [*notes, f"Written: {', '.join(map(str, report.files))}."]:
        console.print(text_of(note), soft_wrap=True)


def probe_frame(report: ProbeReport) -> pl.DataFrame:
    """Makes a row for each block, with everything that its similarity depends on but the images."""
    facts = {
        "backbone": report.backbone,
        "weights": report.weights,
        "dataset": report.dataset,
        "images": report.probe.images,
        "unreadable": len(report.unreadable),
        **_noise(report.perturbation),
        "seed": report.seed,
    }
    return pl.DataFrame(
        [
            {"block": block, "module": report.modules[block], "similarity": similarity / 100, "rank": rank, **facts}
            for block, similarity, rank in report.probe.rows()
        ]
    )


def write_plot(report: ProbeReport, file: Path) -> None:
    """Draws a bar for each block, its rank above; the same bytes for the same numbers."""
    rows = report.probe.rows()
    with rc_context({"svg.hashsalt": "probe", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(max(6.0, 0.34 * len(rows)), 3.4), layout="constrained")
        axes = figure.add_subplot()
        colours = [CHOSEN if block in report.top else SPARED for block, _, _ in rows]
        bars = axes.bar([block for block, _, _ in rows], [value for _, value, _ in rows], color=colours)
        axes.bar_label(bars, [str(rank) for _, _, rank in rows], padding=2)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_xticks([block for block, _, _ in rows])
        axes.set_ylim(min(0, *(1.1 * value for _, value, _ in rows)), 108)
        axes.set_xlabel("block perturbed alone")
        axes.set_ylabel("cosine similarity, %")
        axes.set_title(
            f"{report.backbone}, {report.probe.images} real images, {_noise_words(report.perturbation)}\n"
            f"above a bar: rank; dark: the first {len(report.top)}",
            fontsize=9,
        )
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        figure.savefig(file, format="svg", metadata={"Date": None})


def find_device(accelerator: str) -> torch.device:
    """Returns the device of ``--accelerator``.

    Raises:
        BenchError: There is no such kind, or none here.
    """
    here = {"gpu": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    wanted: Sequence[str] = ("gpu", "cpu") if accelerator == "auto" else (accelerator,)
    for name in wanted:
        if name not in here:
            raise BenchError(f"--accelerator must be one of auto, cpu, gpu, mps, got {accelerator!r}.")
        if here[name]:
            return torch.device("cuda" if name == "gpu" else name)
    raise BenchError(f"--accelerator {accelerator}: there is no such device here; take auto or cpu.")


def _noise(perturbation: Perturbation) -> dict[str, str | float]:
    return {name: getattr(perturbation, name) for name in _DEFAULTS}


def _noise_words(perturbation: Perturbation) -> str:
    """Writes the noise down: its rule and ratio, and what else is not the default.

    Examples:
        >>> _noise_words(Perturbation(family="laplace"))
        'rule=tensor_absmean, ratio=0.1, family=laplace'
    """
    noise = _noise(perturbation)
    named = {name for name, value in noise.items() if name in ("rule", "ratio") or value != _DEFAULTS[name]}
    return ", ".join(
        f"{name}={noise[name]}" for name in ("rule", "ratio", "family", "match", "tensors") if name in named
    )


_DEFAULTS = {field.name: field.default for field in fields(Perturbation) if field.name != "blocks"}
