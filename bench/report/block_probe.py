"""A probe of a backbone's blocks: Table 14's row, what it cost, and the blocks to perturb."""

import io
from collections.abc import Mapping
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure
from rich.console import Console

from bench.report.notes import named
from bench.report.table import Table, csv_text, print_line, print_tables
from bench.results.block_probe import NOISE, BlockProbe
from bench.store.files import write_atomically
from detectors.probing import ranking

HEADER = ("backbone", "block", "similarity %", "rank")
CHOSEN, SPARED = "#2a6f97", "#c8ccd0"


def print_probe(found: BlockProbe, console: Console) -> None:
    """Prints the blocks' similarities, and under them what they were measured on and what follows."""
    rows = [
        [found.backbone, str(block), f"{similarity:.2f}", str(rank)] for block, similarity, rank in found.probe.rows()
    ]
    print_tables([Table("Similarity of features", HEADER, rows, names=2)], console)
    order = ", ".join(map(str, ranking(found.probe.similarities)))
    notes = [
        f"Each block perturbed alone: {found.probe.images} real images of {found.dataset}, noise "
        f"{noise_words(found.noise)}, seed {found.seed}.",
        f"Most similar first: {order}.",
        f"The first {len(found.top)} of {len(found.modules)}: {found.detector}",
        f"Cost: {cost_words(found)}; on {found.device}.",
    ]
    if found.unreadable:
        notes.append(f"Unreadable, left out: {named(found.unreadable)}.")
    for note in notes:
        print_line(note, console)


def cost_words(found: BlockProbe) -> str:
    """Says how many passes through single blocks the probe took, against the number without re-use."""
    taken, full = found.probe.block_passes, found.probe.full_block_passes
    if not found.probe.split:
        return (
            f"{taken} block passes an image: these blocks do not run one after the other, so no clean prefix could be "
            f"re-used"
        )
    return f"{taken} block passes an image instead of {full} ({taken / full:.0%}): the clean prefix is re-used"


def probe_records(found: BlockProbe) -> list[dict[str, object]]:
    """Makes a record for each block, with everything that its similarity depends on but the images."""
    facts = {
        "backbone": found.backbone,
        "weights": found.weights,
        "dataset": found.dataset,
        "images": found.probe.images,
        "unreadable": len(found.unreadable),
        **found.noise,
        "seed": found.seed,
    }
    return [
        {"block": block, "module": found.modules[block], "similarity": similarity / 100, "rank": rank, **facts}
        for block, similarity, rank in found.probe.rows()
    ]


def write_probe(found: BlockProbe, output: Path) -> tuple[Path, ...]:
    """Writes ``probe.csv`` and ``probe.svg``."""
    output.mkdir(parents=True, exist_ok=True)
    texts = {"probe.csv": csv_text(probe_records(found)), "probe.svg": probe_svg(found)}
    return tuple(write_atomically(output / name, text.encode()) for name, text in texts.items())


def probe_svg(found: BlockProbe) -> str:
    """Draws a bar for each block, its rank above; the same bytes for the same numbers."""
    rows = found.probe.rows()
    with rc_context({"svg.hashsalt": "probe", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(max(6.0, 0.34 * len(rows)), 3.4), layout="constrained")
        axes = figure.add_subplot()
        colours = [CHOSEN if block in found.top else SPARED for block, _, _ in rows]
        bars = axes.bar([block for block, _, _ in rows], [value for _, value, _ in rows], color=colours)
        axes.bar_label(bars, [str(rank) for _, _, rank in rows], padding=2)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_xticks([block for block, _, _ in rows])
        axes.set_ylim(min(0, *(1.1 * value for _, value, _ in rows)), 108)
        axes.set_xlabel("block perturbed alone")
        axes.set_ylabel("cosine similarity, %")
        axes.set_title(
            f"{found.backbone}, {found.probe.images} real images, {noise_words(found.noise)}\n"
            f"above a bar: rank; dark: the first {len(found.top)}",
            fontsize=9,
        )
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def noise_words(noise: Mapping[str, str | float]) -> str:
    """Writes the noise down: its rule and ratio, and what else is not the default.

    Examples:
        >>> noise_words({**NOISE, "family": "laplace"})
        'rule=tensor_absmean, ratio=0.1, family=laplace'
    """
    order = ("rule", "ratio", "family", "match", "tensors")
    return ", ".join(
        f"{name}={noise[name]}" for name in order if name in ("rule", "ratio") or noise[name] != NOISE[name]
    )
