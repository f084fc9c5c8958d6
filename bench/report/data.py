"""The doctor: examines a dataset, says what its sources are like and what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console, JustifyMethod
from rich.table import Table

from bench.report.examination import Progress, examine
from bench.report.faults import WRONG, Finding, expected_count, find_faults, native_sizes
from bench.report.terminal import print_table, text_of
from datamodules import GENERATED, REAL, Count, DetectionDataModule

CLASSES = {REAL: "real", GENERATED: "generated"}
COMMON_SIZES, MOST_SIZES = 3, 100
COLUMNS: dict[str, JustifyMethod] = {
    **dict.fromkeys(("class", "source"), "left"),
    **dict.fromkeys(("images", "unreadable"), "right"),
    **dict.fromkeys(("format", "ending", "native", "width", "height", "common sizes", "JPEG quality"), "left"),
}

Spread = tuple[float, float, float]
"""Least, median and greatest."""


@dataclass(frozen=True)
class SourceFacts:
    """What the images of a generator, or of a source of real images, are like.

    Args:
        label: 0 = real, 1 = generated.
        name: The source's.
        images: Number of images, readable or not.
        expected: The published number, where there is one and all images were taken.
        unreadable: How many of them cannot be read.
        native_size: The published width and height.
        formats: Number of images of each format, by content, the most frequent first.
        endings: Number of images of each ending, as it is written.
        sizes: Number of images of each width and height.
        width: Its spread; None without a readable image, as the height's.
        height: Its spread.
        jpeg_quality: The spread of the images that are JPEG; None without any.
    """

    label: int
    name: str
    images: int
    expected: Count | None
    unreadable: int
    native_size: int | None
    formats: Mapping[str, int]
    endings: Mapping[str, int]
    sizes: Mapping[str, int]
    width: Spread | None
    height: Spread | None
    jpeg_quality: Spread | None


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found.

    Args:
        title: The dataset.
        rows: Its sources, real ones first.
        findings: What is wrong, then what is to be noted.
    """

    title: str
    rows: tuple[SourceFacts, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.severity != WRONG for finding in self.findings)


def check(datamodule: DetectionDataModule, progress: Progress | None = None) -> Diagnosis:
    """Reads every image of a dataset once and says what is wrong.

    Args:
        datamodule: The dataset; if it takes a sample, numbers are not compared with the published ones.
        progress: Called now and then with the number of images read and of all.

    Raises:
        BenchError: A process that read images was killed.
        DatasetNotFoundError: There are no images.
    """
    datamodule.prepare_data()
    datamodule.setup()
    ending = pl.col("path").str.extract(r"(\.[^./#]+)(?:#\d+)?$").fill_null("")
    items = datamodule.items.with_columns(ending.alias("ending"))
    images = pl.concat([items, examine(datamodule, progress)], how="horizontal")
    parts = images.partition_by("label", "generator", as_dict=True)
    rows = tuple(_source_facts(datamodule, parts[key]) for key in sorted(parts))
    return Diagnosis(datamodule.title, rows, find_faults(datamodule, images))


def _source_facts(datamodule: DetectionDataModule, images: pl.DataFrame) -> SourceFacts:
    label, name = int(images["label"][0]), str(images["generator"][0])
    readable = images.filter(pl.col("reason").is_null())
    return SourceFacts(
        label=label,
        name=name,
        images=len(images),
        expected=expected_count(datamodule, name),
        unreadable=len(images) - len(readable),
        native_size=native_sizes(datamodule).get(name),
        formats=_tally(readable["format"]),
        endings=_tally(images["ending"]),
        sizes=_tally(readable.select(pl.format("{}x{}", "width", "height")).to_series()),
        width=_spread(readable["width"]),
        height=_spread(readable["height"]),
        jpeg_quality=_spread(readable["jpeg_quality"]),
    )


def _tally(values: pl.Series) -> dict[str, int]:
    counted = values.alias("value").value_counts(name="n").sort(["n", "value"], descending=[True, False])
    return dict(counted.iter_rows())


def _spread(values: pl.Series) -> Spread | None:
    found = values.drop_nulls().to_numpy()
    return (float(found.min()), float(np.median(found)), float(found.max())) if len(found) else None


def rows_frame(diagnosis: Diagnosis) -> pl.DataFrame:
    """Makes a row for each source, with all that is known of it."""
    return pl.DataFrame(
        [
            {
                "class": CLASSES[row.label],
                "source": row.name,
                "images": row.images,
                "expected": row.expected.number if row.expected else None,
                "expected_by": row.expected.source if row.expected else None,
                "unreadable": row.unreadable,
                "native_size": row.native_size,
                "formats": _tallied(row.formats, len(row.formats)),
                "endings": _tallied(row.endings, len(row.endings)),
                "sizes": _tallied(row.sizes, MOST_SIZES),
                **_columns("width", row.width),
                **_columns("height", row.height),
                **_columns("jpeg_quality", row.jpeg_quality),
            }
            for row in diagnosis.rows
        ],
        infer_schema_length=None,
    )


def findings_frame(diagnosis: Diagnosis) -> pl.DataFrame:
    """Makes a row for each finding; examples are separated by ``|``."""
    columns = ("severity", "where", "what", "examples")
    rows = [(one.severity, one.where, one.what, " | ".join(one.examples)) for one in diagnosis.findings]
    return pl.DataFrame(rows, dict.fromkeys(columns, pl.String), orient="row")


def write_diagnosis(diagnosis: Diagnosis, output: Path) -> tuple[Path, Path]:
    """Writes ``data-check.csv`` and ``data-findings.csv``."""
    output.mkdir(parents=True, exist_ok=True)
    files = (output / "data-check.csv", output / "data-findings.csv")
    rows_frame(diagnosis).write_csv(files[0])
    findings_frame(diagnosis).write_csv(files[1])
    return files


def table_of(diagnosis: Diagnosis) -> Table:
    """Makes the table of the sources for a terminal."""
    table = Table(title=text_of(diagnosis.title), title_justify="left")
    for name, justify in COLUMNS.items():
        table.add_column(name, justify=justify)
    for row in diagnosis.rows:
        cells = [
            CLASSES[row.label],
            row.name,
            f"{row.images:,}" + (f" of {row.expected.number:,}" if row.expected else ""),
            f"{row.unreadable:,}",
            _tallied(row.formats, len(row.formats)),
            _tallied(row.endings, len(row.endings)),
            f"{row.native_size}x{row.native_size}" if row.native_size else "",
            _shown(row.width),
            _shown(row.height),
            _tallied(row.sizes, COMMON_SIZES),
            _shown(row.jpeg_quality),
        ]
        table.add_row(*map(text_of, cells))
    return table


def print_diagnosis(diagnosis: Diagnosis, console: Console) -> None:
    """Prints the table, and under it the findings with their examples."""
    print_table(table_of(diagnosis), console)
    console.print("Three numbers are least / median / greatest.")
    for finding in diagnosis.findings:
        style = "red" if finding.severity == WRONG else ""
        console.print(text_of(f"{finding.severity}: {finding.where}: {finding.what}", style), soft_wrap=True)
        for example in finding.examples:
            console.print(text_of(f"    {example}"), soft_wrap=True)
    wrong = sum(finding.severity == WRONG for finding in diagnosis.findings)
    verdict = "1 finding is wrong." if wrong == 1 else f"{wrong} findings are wrong."
    console.print("Nothing is wrong." if diagnosis.ok else verdict)


def _columns(name: str, spread: Spread | None) -> dict[str, float | None]:
    return dict(zip((f"{name}_min", f"{name}_median", f"{name}_max"), spread or (None, None, None), strict=True))


def _shown(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"{spread[0]:g}" if spread[0] == spread[2] else " / ".join(f"{value:g}" for value in spread)


def _tallied(counts: Mapping[str, int], most: int) -> str:
    """Writes counts down.

    Examples:
        >>> _tallied({"PNG": 12, "JPEG": 3, "WEBP": 1}, most=2)
        'PNG 12, JPEG 3, 1 other'
    """
    words = [f"{name or 'none'} {number}" for name, number in list(counts.items())[:most]]
    return ", ".join([*words, f"{len(counts) - most:,} other"] if len(counts) > most else words)
