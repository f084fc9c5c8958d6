"""The overview of docs/statistics.md: of each statistic, the range of the shares in that page's own tables.

No share is written here: a row names a table by its section and its first heading, columns, and rows to be left out.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.statistics.metrics import METRICS
from tools.markdown import markdown_table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "statistics.md"
HEADER = ("statistic", "of data sets, its 95 % interval holds the truth in", "simulated")
Cells = dict[str, str]


@dataclass(frozen=True)
class Shown:
    """A row of the overview.

    Args:
        statistic: Its name.
        section: The heading under which its table stands.
        first: The heading of the table's first column.
        columns: A pattern of the headings of the shares.
        keep: Which rows count; all by default.
    """

    statistic: str
    section: str
    first: str
    columns: str
    keep: Callable[[Cells], bool] = lambda cells: True


def _title(name: str) -> str:
    return METRICS[name].title


def _enough(cells: Cells) -> bool:
    """Whether there are as many groups beyond the threshold as an interval takes."""
    return int(next(iter(cells.values()))) >= 5


UNEQUAL, RATES, ACROSS = "Classes of unequal size", "Rates at a threshold", "Across data sets"
SIZES, BEYOND = "real / generated", "expected above the threshold"
SHOWN = (
    Shown(_title("auroc"), UNEQUAL, SIZES, "AUROC"),
    Shown("AUROC, several images a group", UNEQUAL, "groups that hold both classes", "AUROC .*"),
    Shown("mean AUROC of nine generators", UNEQUAL, "shared reals / generated of each of nine", "mean AUROC"),
    *(
        Shown(_title(name), UNEQUAL, SIZES, re.escape(_title(name)))
        for name in ("ap_generated", "ap_real", "ap_generated_balanced", "ap_real_balanced")
    ),
    Shown(_title("tpr_at_5_fpr"), RATES, BEYOND, "AUROC .*", _enough),
    Shown(_title("partial_auroc_5_fpr"), RATES, "images a class, partial AUROC", "AUROC .*"),
    Shown(_title("eer"), RATES, "images a class, EER", "AUROC .*"),
    Shown("TPR under the rule `fpr:5`", RATES, f"held-out images {BEYOND}", "TPR .*", _enough),
    Shown("balanced accuracy under the rule `best`", RATES, "images a class", "balanced accuracy .*"),
    Shown("mean over generators of that kind", "Generators as a sample", "AUROC", "their kind"),
    Shown("AUROC on a generator not seen", "Generators as a sample", "AUROC", "one not seen"),
    Shown("worst set or generator", ACROSS, "AUROCs", "interval of the least"),
    Shown("agreement of rankings", ACROSS, "sets", "interval holds"),
    Shown("mean over two and more seeds", "Seeds", "seeds", ".* %.*"),
)
LIKE_OTHERS = {
    "fpr_at_95_tpr": "as the TPR at 5 % FPR, with the classes exchanged",
    "tpr_at_5_fpr_real": "as the TPR at 5 % FPR, with the classes exchanged",
    "fpr_at_95_tpr_real": "as the TPR at 5 % FPR",
    "tpr_at_1_fpr": "as the TPR at 5 % FPR, at another limit",
}
"""Metrics with no simulation of their own."""


def overview() -> str:
    """Writes the table; the same on every machine.

    Raises:
        BenchError: A table is not where a row says.
    """
    text = PAGE.read_text(encoding="utf-8")
    rows = [(shown.statistic, _shares(shown, text), f"[{shown.section}](#{_anchor(shown.section)})") for shown in SHOWN]
    rows += [(_title(name), f"not simulated apart: {words}", "") for name, words in LIKE_OTHERS.items()]
    return "\n".join(markdown_table(HEADER, rows))


def _shares(shown: Shown, text: str) -> str:
    cells = [
        value
        for row in _rows(text, shown.section, shown.first)
        if shown.keep(row)
        for heading, value in row.items()
        if heading != shown.first and re.fullmatch(shown.columns, heading)
    ]
    plain = [float(cell.removesuffix(" %")) for cell in cells if not cell.startswith("~")]
    marked = [float(cell[1:].removesuffix(" %")) for cell in cells if cell.startswith("~")]
    if not cells:
        raise BenchError(f"docs/statistics.md, {shown.section}: no table with {shown.first!r} has such a column.")
    ranges = ((plain, ""), (marked, " where marked `~`"))
    return "; ".join(f"{_range(shares)}{words}" for shares, words in ranges if shares)


def _range(shares: Sequence[float]) -> str:
    return f"{min(shares):.1f} to {max(shares):.1f} %"


def _rows(text: str, section: str, first: str) -> Iterator[Cells]:
    """Yields the rows of the first table with that heading in a section."""
    within = re.split(r"^## ", text, flags=re.MULTILINE)
    body = next((part for part in within if part.startswith(f"{section}\n")), "")
    table: list[list[str]] = []
    for line in [*body.splitlines(), ""]:
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip("|").split("|")])
        elif table and table[0][0] == first:
            yield from (dict(zip(table[0], row, strict=True)) for row in table[2:])
            return
        else:
            table = []


def _anchor(title: str) -> str:
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", title).lower())
