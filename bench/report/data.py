"""What data sets there are, and what an examination of one found."""

from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench.errors import BenchError
from bench.report.table import Table, csv_text, print_line, print_tables, write_texts
from datamodules import GENERATED, REAL
from datamodules.benchmark import ANY_SPLIT
from datamodules.checks.catalogue import CatalogueEntry
from datamodules.checks.diagnosis import Diagnosis, Spread
from datamodules.checks.faults import WRONG

CLASSES = {REAL: "real", GENERATED: "generated", None: ""}
COMMON_SIZES, MOST_SIZES = 3, 100
HEADER_BYTES = 1024
CATALOGUE = ("dataset", "class", "name", "title", "size", "expected")
CHECK = (
    *("class", "source", "images", "unreadable", "format", "ending", "native", "width", "height", "common sizes"),
    "JPEG quality",
)


def print_entries(entries: Sequence[CatalogueEntry], console: Console, with_found: bool = False) -> None:
    """Prints the catalogue, and under it each dataset's title, licence and download page.

    ``with_found`` says that there is a root, so that an empty cell means that nothing was found.
    """
    columns = (*CATALOGUE, "found") if with_found else CATALOGUE
    rows = [_entry_cells(entry)[: len(columns)] for entry in entries]
    print_tables([Table("", columns, rows, names=2, numbers=["size"], lines=True)], console)
    for entry in {entry.dataset: entry for entry in entries}.values():
        words = [f"{entry.dataset}: {entry.dataset_title}"]
        words += [f"licence: {entry.licence}"] if entry.licence else []
        words += [f"from {entry.download_page}"] if entry.download_page else []
        print_line("; ".join(words), console)


def _entry_cells(entry: CatalogueEntry) -> list[str]:
    size = f"{entry.size}x{entry.size}" if entry.size else ""
    expected = ", ".join(
        f"{count.number:,}" + ("" if split == ANY_SPLIT else f" ({split})") for split, count in entry.expected.items()
    )
    places = "\n".join(f"{place.path}: {place.images:,}" for place in entry.found)
    return [entry.dataset, CLASSES[entry.label], entry.name, entry.title, size, expected, places]


def print_diagnosis(diagnosis: Diagnosis, console: Console) -> None:
    """Prints the table of a dataset's sources, and under it the findings with their examples."""
    rows = [
        [
            CLASSES[row.label],
            row.name,
            f"{row.images:,}" + (f" of {row.expected.number:,}" if row.expected else ""),
            f"{row.unreadable:,}",
            _tallied(row.formats),
            _tallied(row.endings),
            f"{row.native_size}x{row.native_size}" if row.native_size else "",
            _shown(row.width),
            _shown(row.height),
            _tallied(row.sizes, COMMON_SIZES),
            _shown(row.jpeg_quality),
        ]
        for row in diagnosis.rows
    ]
    print_tables([Table(diagnosis.title, CHECK, rows, numbers=["images", "unreadable"])], console)
    print_line("Three numbers are least / median / greatest.", console)
    for finding in diagnosis.findings:
        style = "red" if finding.severity == WRONG else ""
        print_line(f"{finding.severity}: {finding.where}: {finding.what}", console, style)
        for example in finding.examples:
            print_line(example, console, mark="    ")
    identity = diagnosis.identity or "not known, as not every image of the set was read"
    print_line(f"Identity (sha256 over all images' bytes and labels): {identity}", console)
    wrong = sum(finding.severity == WRONG for finding in diagnosis.findings)
    verdict = "1 finding is wrong." if wrong == 1 else f"{wrong} findings are wrong."
    print_line("Nothing is wrong." if diagnosis.ok else verdict, console)


def source_records(diagnosis: Diagnosis) -> list[dict[str, object]]:
    """Makes a record for each source, with all that is known of it."""
    return [
        {
            "class": CLASSES[row.label],
            "source": row.name,
            "images": row.images,
            "expected": row.expected and row.expected.number,
            "expected_by": row.expected and row.expected.source,
            "unreadable": row.unreadable,
            "native_size": row.native_size,
            "formats": _tallied(row.formats),
            "endings": _tallied(row.endings),
            "sizes": _tallied(row.sizes, MOST_SIZES),
            **_columns("width", row.width),
            **_columns("height", row.height),
            **_columns("jpeg_quality", row.jpeg_quality),
        }
        for row in diagnosis.rows
    ]


def finding_records(diagnosis: Diagnosis) -> list[dict[str, object]]:
    """Makes a record for each finding; examples are separated by ``|``."""
    return [asdict(finding) | {"examples": " | ".join(finding.examples)} for finding in diagnosis.findings]


def write_diagnosis(diagnosis: Diagnosis, output: Path, raw_names: bool = False) -> tuple[Path, ...]:
    """Writes ``data-check.csv`` and ``data-findings.csv``; ``raw_names`` as for `csv_line`."""
    columns = ("severity", "where", "what", "examples")
    texts = {
        "data-check.csv": csv_text(source_records(diagnosis), raw_names=raw_names),
        "data-findings.csv": csv_text(finding_records(diagnosis), columns, raw_names),
    }
    return write_texts(texts, output)


def check_groups(target: str | None) -> Path | None:
    """Makes sure, before any work is done for it, that groups can be written there and nothing else is lost.

    Raises:
        BenchError: The folder does not exist, or there is something that is no list of groups.
    """
    if target is None:
        return None
    file = Path(target)
    if not file.parent.is_dir():
        raise BenchError(f"--write-groups {target} lies in a folder that does not exist.")
    if file.exists() and not (file.is_file() and _is_list_of_groups(file)):
        raise BenchError(f"--write-groups {target} exists and is no list of groups: name another file.")
    return file


def _is_list_of_groups(file: Path) -> bool:
    with file.open("rb") as stream:
        header = stream.readline(HEADER_BYTES)
    return not header or {b"path", b"group"} <= set(header.removeprefix(BOM_UTF8).strip().split(b","))


def write_groups(diagnosis: Diagnosis, declared: Mapping[str, str], file: Path) -> Path:
    """Writes the groups that were found; images that were not looked at stay with those of their declared group."""
    renamed = dict(diagnosis.groups.select("declared", "group").iter_rows())
    groups = {path: renamed.get(group, group) for path, group in declared.items()}
    groups |= dict(diagnosis.groups.select("path", "group").iter_rows())
    rows = [{"path": path, "group": group} for path, group in sorted(groups.items())]
    (written,) = write_texts({file.name: csv_text(rows, ("path", "group"), raw_names=True)}, file.parent)
    return written


def _columns(name: str, spread: Spread | None) -> dict[str, float | None]:
    return dict(zip((f"{name}_min", f"{name}_median", f"{name}_max"), spread or (None, None, None), strict=True))


def _shown(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"{spread[0]:g}" if spread[0] == spread[2] else " / ".join(f"{value:g}" for value in spread)


def _tallied(counts: Mapping[str, int], most: int | None = None) -> str:
    """Writes counts down.

    Examples:
        >>> _tallied({"PNG": 12, "JPEG": 3, "WEBP": 1}, most=2)
        'PNG 12, JPEG 3, 1 other'
    """
    words = [f"{name or 'none'} {number}" for name, number in list(counts.items())[:most]]
    return ", ".join(words if len(words) == len(counts) else [*words, f"{len(counts) - len(words):,} other"])
