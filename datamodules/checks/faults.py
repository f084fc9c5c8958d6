"""What is wrong with a dataset's images, from the facts about each.

Wrong are a class without images and a benchmark's missing folder; files that cannot be read; counts, and sizes of
generated images, other than the published ones; endings that lie about the format; and one picture in both classes,
byte for byte or with the same perceptual hash. Notes are what may be as it should: what was not found or was passed by,
copies within a class, formats that differ between the classes, and pictures of the two classes whose hashes differ in a
few bits. Those are only noted, for among the thousands of millions of pairs of a full benchmark some are alike by
chance. Pictures of one declared group, a photograph and what was made of it, may look alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from PIL import Image

from datamodules.base import DetectionData
from datamodules.benchmark import BenchmarkData, Count
from datamodules.checks.examination import RAW
from datamodules.fingerprints import near_pairs
from datamodules.grouping import NEAR, frames_of_videos, merged, near_duplicates, same_content
from datamodules.items import GENERATED, REAL
from datamodules.trees.advice import VIDEOS, advice

WRONG, NOTE = "wrong", "note"
EXAMPLES = 5

_PATH = pl.col("path")
_CLASS = pl.when(pl.col("label") == REAL).then(pl.lit("real")).otherwise(pl.lit("generated"))
_SAME_FORMAT = {"MPO": "JPEG", "DIB": "BMP"}


@dataclass(frozen=True)
class Finding:
    """Something to know about a dataset.

    Args:
        severity: ``wrong`` or ``note``.
        where: Class and source, both sources of a pair, or the dataset.
        what: In a sentence.
        examples: Up to five paths, or pairs of paths.
    """

    severity: str
    where: str
    what: str
    examples: tuple[str, ...] = ()


def expected_count(datamodule: DetectionData, name: str) -> Count | None:
    """Returns the published number of a source's images, where there is one and all of them were taken."""
    whole = datamodule.limit is None and not datamodule.balance
    return datamodule.expected(name) if whole and isinstance(datamodule, BenchmarkData) else None


def native_sizes(datamodule: DetectionData) -> dict[str, int]:
    """Returns the published width and height of each generator's images."""
    known = datamodule.known if isinstance(datamodule, BenchmarkData) else ()
    return {generator.name: generator.size for generator in known}


def find_faults(datamodule: DetectionData, images: pl.DataFrame, allow_one_class: bool = False) -> tuple[Finding, ...]:
    """Finds everything there is to say about a dataset.

    Args:
        datamodule: The dataset, set up.
        images: Its items, with the facts of :func:`datamodules.checks.examination.examine`.
        allow_one_class: Whether they may all be of one class.

    Returns:
        What is wrong first.
    """
    images = images.with_columns(pl.format("{} {}", _CLASS, "generator").alias("where"))
    readable = images.filter(pl.col("reason").is_null())
    missing = None if allow_one_class else datamodule.missing_class()
    found = [
        *([Finding(WRONG, datamodule.title, missing)] if missing else []),
        *_incomplete(datamodule),
        *_counts(datamodule, images),
        *_unreadable(images),
        *_wrong_sizes(datamodule, readable),
        *_lies(readable),
        *_in_both_classes(readable),
        *_copies(readable),
        *_formats(datamodule, readable),
        *_kin(datamodule, readable),
        *_notes(datamodule),
    ]
    return tuple(sorted(found, key=lambda finding: finding.severity == NOTE))


def _incomplete(datamodule: DetectionData) -> Iterator[Finding]:
    if isinstance(datamodule, BenchmarkData):
        for name, what in datamodule.incomplete.items():
            yield Finding(
                WRONG, f"generated {name}", f"{what}; unpack the archive whole, or leave it out (--generators)"
            )


def _counts(datamodule: DetectionData, images: pl.DataFrame) -> Iterator[Finding]:
    for where, name, number in images.group_by("where", "generator").len().sort("where").iter_rows():
        count = expected_count(datamodule, name)
        if count is not None and count.number != number:
            yield Finding(WRONG, where, f"{number:,} images, where {count.number:,} are expected ({count.source})")


def _unreadable(images: pl.DataFrame) -> Iterator[Finding]:
    broken = images.filter(pl.col("reason").is_not_null())
    for (where, reason), part in broken.group_by("where", "reason", maintain_order=True):
        yield Finding(WRONG, str(where), f"{_things(len(part), 'file')} cannot be read: {reason}", _paths(part))


def _wrong_sizes(datamodule: DetectionData, readable: pl.DataFrame) -> Iterator[Finding]:
    sizes = native_sizes(datamodule)
    native = pl.col("generator").replace_strict(sizes, default=None, return_dtype=pl.UInt32)
    odd = readable.filter(pl.col("label") == GENERATED, (pl.col("width") != native) | (pl.col("height") != native))
    for (where, name), part in odd.group_by("where", "generator", maintain_order=True):
        size = sizes[str(name)]
        yield Finding(
            WRONG, str(where), f"{_things(len(part), 'file')} not of the published {size}x{size} pixels", _paths(part)
        )


def _lies(readable: pl.DataFrame) -> Iterator[Finding]:
    Image.init()
    known = {ending: _SAME_FORMAT.get(form, form) for ending, form in Image.registered_extensions().items()}
    known[".npz"] = RAW
    says = pl.col("ending").str.to_lowercase().replace_strict(known, default=None, return_dtype=pl.String)
    lying = readable.filter(says != pl.col("format").replace(_SAME_FORMAT))
    for (where, ending, form), part in lying.group_by("where", "ending", "format", maintain_order=True):
        verb = "holds" if len(part) == 1 else "hold"
        yield Finding(WRONG, str(where), f"{_things(len(part), 'file')} named {ending} {verb} {form}", _paths(part))


def _in_both_classes(readable: pl.DataFrame) -> Iterator[Finding]:
    same = readable.select("sha256", other="sha256", bits=pl.lit(0, pl.UInt8)).unique()
    exact = _pairs(readable, "sha256", same)
    yield from _pair_findings(exact, "the same, byte for byte, as a real one", " = ")
    copies = exact.select(sha256="other")
    rest = readable.filter(pl.col("hash").is_not_null())
    rest = rest.filter(pl.col("label") == REAL).vstack(
        rest.filter(pl.col("label") == GENERATED).join(copies, on="sha256", how="anti", maintain_order="left")
    )
    alike = _pairs(rest, "hash", _near_hashes(rest["hash"]))
    kin = pl.col("alone") & pl.col("alone_right") & (pl.col("group") == pl.col("group_right"))
    alike = alike.filter(~kin)
    what = "in all likelihood the picture of a real one, stored anew (if made from it, declare them as one group)"
    yield from _pair_findings(alike.filter(pl.col("bits") == 0), what, " ~ ")
    what = "like a real one, perhaps by chance: look at the pairs"
    yield from _pair_findings(alike.filter(pl.col("bits") > 0), what, " ~ ", NOTE)


def _near_hashes(hashes: pl.Series) -> pl.DataFrame:
    """Links every hash to itself and to those near it, in both directions."""
    values = np.unique(hashes.to_numpy())
    left, right = near_pairs(values, NEAR).T
    one, two = (
        np.concatenate([values, values[left], values[right]]),
        np.concatenate([values, values[right], values[left]]),
    )
    return pl.DataFrame({"hash": one, "other": two, "bits": np.bitwise_count(one ^ two).astype(np.uint8)})


def _pairs(readable: pl.DataFrame, key: str, links: pl.DataFrame) -> pl.DataFrame:
    """Pairs real with generated images by key: a row for two sources and two keys, so that it cannot grow too long."""
    sides = readable.group_by(key, "label", "where", maintain_order=True).agg(
        _PATH.first(), _PATH.len().alias("n"), pl.col("group").first(), (pl.col("group").n_unique() == 1).alias("alone")
    )
    real, generated = sides.filter(pl.col("label") == REAL), sides.filter(pl.col("label") == GENERATED)
    return real.join(links, on=key).join(generated, left_on="other", right_on=key).sort("path", "path_right")


def _pair_findings(pairs: pl.DataFrame, what: str, sign: str, severity: str = WRONG) -> Iterator[Finding]:
    for (real, generated), part in pairs.group_by("where", "where_right", maintain_order=True):
        number = int(part.unique("other")["n_right"].sum())
        examples = part.head(EXAMPLES).select(pl.format("{}{}{}", "path", pl.lit(sign), "path_right")).to_series()
        yield Finding(severity, f"{real}, {generated}", f"{_things(number, 'generated image')} {what}", tuple(examples))


def _copies(readable: pl.DataFrame) -> Iterator[Finding]:
    groups = readable.group_by("label", "sha256", maintain_order=True).agg(
        pl.col("where").unique().sort().str.join(", "), _PATH.head(2).str.join(" = "), _PATH.len().alias("n")
    )
    for (where,), part in groups.filter(pl.col("n") > 1).group_by("where", maintain_order=True):
        number = int(part["n"].sum()) - len(part)
        yield Finding(NOTE, str(where), f"{_things(number, 'file')} the same, byte for byte, as another", _paths(part))


def _kin(datamodule: DetectionData, readable: pl.DataFrame) -> Iterator[Finding]:
    """Names the images that count as independent and are not, or may not be."""
    advice = "--write-groups FILE groups them, for a groups.csv beside the images"
    hashes = dict(readable.select("path", "hash").iter_rows())
    runs = frames_of_videos(readable, hashes.__getitem__)
    if runs:
        what = "numbered images look like frames of videos, each of which counts as independent"
        yield Finding(NOTE, datamodule.title, f"{what}: {advice}", tuple(f"{run}..." for run in runs[:EXAMPLES]))
    same = merged(readable["group"], same_content(readable["sha256"]))
    near = readable.with_columns(same, near=merged(same, near_duplicates(readable["hash"])))
    near = near.filter(pl.col("group").n_unique().over("near") > 1)
    if len(near):
        examples = near.group_by("near", maintain_order=True).agg(_PATH.head(2).str.join(" ~ "))["path"]
        what = f"{_things(len(near), 'image')} look like one of another group, perhaps by chance"
        yield Finding(NOTE, datamodule.title, f"{what}: {advice}", tuple(examples.head(EXAMPLES)))


def _formats(datamodule: DetectionData, readable: pl.DataFrame) -> Iterator[Finding]:
    names = [
        sorted(set(readable.filter(pl.col("label") == label)["format"].drop_nulls())) for label in (REAL, GENERATED)
    ]
    if all(names) and names[0] != names[1]:
        what = f"real images are {' and '.join(names[0])}, generated ones {' and '.join(names[1])}"
        yield Finding(NOTE, datamodule.title, f"{what}: what separates the formats may pass for a detector")


def _notes(datamodule: DetectionData) -> Iterator[Finding]:
    for note in datamodule.notes:
        yield Finding(NOTE, datamodule.title, note)
    if datamodule.ignored:
        others = ", ".join(f"{number:,} {ending}" for ending, number in datamodule.ignored.most_common(EXAMPLES))
        videos = advice({ending: number for ending, number in datamodule.ignored.items() if ending in VIDEOS})
        what = f"files passed by, as their endings are not those of images: {others}"
        yield Finding(NOTE, datamodule.title, f"{what} ({videos})" if videos else what)
    if datamodule.passed_by:
        names = ", ".join(map(repr, datamodule.passed_by[:EXAMPLES]))
        yield Finding(NOTE, datamodule.title, f"folders passed by, as they are those of no class: {names}")
    if datamodule.limit is not None or datamodule.balance:
        yield Finding(NOTE, datamodule.title, "a sample was taken, so numbers were not compared with published ones")


def _things(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _paths(part: pl.DataFrame) -> tuple[str, ...]:
    return tuple(part["path"].head(EXAMPLES))
