"""A probe of a backbone's blocks: Table 14's row, what it cost, and the blocks to perturb."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib import rc_context
from rich.console import Console

from bench.report.plots.colours import SERIES
from bench.report.plots.svg import INK, STYLE, draw, to_svg
from bench.report.table import Table, columns_of, csv_text, print_line, print_tables, write_texts
from bench.report.words import named
from bench.results.block_probe import NOISE, BlockProbe
from detectors.probing import ranking

HEADER = ("backbone", "block", "similarity %", "rank")
SPARED = "#c8ccd0"


def print_probe(block_probe: BlockProbe, console: Console) -> None:
    """Prints the blocks' similarities, and under them what they were measured on and what follows."""
    blocks = block_probe.probe.rows()
    rows = [[block_probe.backbone, str(block), f"{similarity:.2f}", str(rank)] for block, similarity, rank in blocks]
    print_tables([Table("Similarity of features", HEADER, rows, names=2)], console)
    order = ", ".join(map(str, ranking(block_probe.probe.similarities)))
    notes = [
        f"Each block perturbed alone: {block_probe.probe.images} real images of {block_probe.dataset}, noise "
        f"{noise_words(block_probe.noise)}, seed {block_probe.seed}.",
        f"Most similar first: {order}.",
        f"The first {len(block_probe.top)} of {len(block_probe.modules)}: {block_probe.detector}",
        f"Cost: {cost_words(block_probe)}; on {block_probe.device}.",
    ]
    if block_probe.unreadable:
        notes.append(f"Unreadable, left out: {named(block_probe.unreadable)}.")
    for note in notes:
        print_line(note, console)


def cost_words(block_probe: BlockProbe) -> str:
    """Says how many passes through single blocks the probe took, against the number without re-use."""
    taken, full = block_probe.probe.block_passes, block_probe.probe.full_block_passes
    if block_probe.probe.split:
        return f"{taken} block passes an image instead of {full} ({taken / full:.0%}): the clean prefix is re-used"
    reason = "these blocks do not run one after the other, so no clean prefix could be re-used"
    return f"{taken} block passes an image: {reason}"


def probe_records(block_probe: BlockProbe) -> list[dict[str, object]]:
    """Makes a record for each block, with everything that its similarity depends on but the images."""
    facts = {
        **columns_of(block_probe, "backbone", "weights", "dataset"),
        "images": block_probe.probe.images,
        "unreadable": len(block_probe.unreadable),
        **block_probe.noise,
        "seed": block_probe.seed,
    }
    return [
        {"block": block, "module": block_probe.modules[block], "similarity": similarity / 100, "rank": rank, **facts}
        for block, similarity, rank in block_probe.probe.rows()
    ]


def write_probe(block_probe: BlockProbe, output: Path, raw_names: bool = False) -> tuple[Path, ...]:
    """Writes ``probe.csv`` and ``probe.svg``; ``raw_names`` as for `csv_line`."""
    table = csv_text(probe_records(block_probe), raw_names=raw_names)
    return write_texts({"probe.csv": table, "probe.svg": probe_svg(block_probe)}, output)


def probe_svg(block_probe: BlockProbe) -> str:
    """Draws a bar for each block, its rank above; the same bytes for the same numbers."""
    blocks, similarities, ranks = zip(*block_probe.probe.rows(), strict=True)
    figure, (axes,) = draw((max(6.0, 0.34 * len(blocks)), 3.4))
    figure.patch.set_facecolor("white")  # a file of its own is read on any background
    with rc_context(STYLE):
        colours = [SERIES[0] if block in block_probe.top else SPARED for block in blocks]
        axes.bar_label(axes.bar(blocks, similarities, color=colours), list(map(str, ranks)), padding=2)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set(xticks=blocks, ylim=(min(0, *(1.1 * similarity for similarity in similarities)), 108))
        axes.set(xlabel="block perturbed alone", ylabel="cosine similarity, %")
        axes.grid(visible=False)
        axes.set_title(
            f"{block_probe.backbone}, {block_probe.probe.images} real images, {noise_words(block_probe.noise)}\n"
            f"above a bar: rank; dark: the first {len(block_probe.top)}",
            fontsize=9,
        )
    return to_svg(figure, f"Similarity of features by perturbed block of {block_probe.backbone}")


def noise_words(noise: Mapping[str, str | float]) -> str:
    """Writes the noise down: its rule and ratio, and what else is not the default.

    Examples:
        >>> noise_words({**NOISE, "family": "laplace"})
        'rule=tensor_mean, ratio=0.1, family=laplace'
    """
    changed = [name for name in ("family", "match", "tensors") if noise[name] != NOISE[name]]
    return ", ".join(f"{name}={noise[name]}" for name in ("rule", "ratio", *changed))
