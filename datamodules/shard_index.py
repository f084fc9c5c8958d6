"""The index of a shard: which samples a WebDataset ``.tar`` holds, and where the bytes of each lie in it.

A sample is the run of members that share a key, the name up to the first dot: one image, and ``<key>.json`` or
``<key>.cls`` that say what it is. The index is kept beside the shard, in ``<shard>.index.parquet``, and made anew when
the shard's size or time of change differ. Where the folder cannot be written, it is made each time.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby, islice
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from datamodules.image_formats import IMAGE_ENDINGS
from datamodules.items import GENERATED, PARTIAL
from datamodules.tar_headers import Member, ShardError, check_name, read_at, read_members

INDEX_ENDING = ".index.parquet"
PIXELS_ENDING = ".rgb"
"""Of a member that is the raw pixels of an image, 8-bit RGB; the sample's JSON has its ``height`` and ``width``."""
VERSION = 2
MAX_JSON, MAX_MEMBERS = 1 << 20, 100  # of one sample
CHUNK = 1 << 16
CLASS_NAMES = ("real", "generated")

INDEX_SCHEMA = {
    "path": pl.String,
    "label": pl.Int8,
    "generator": pl.String,
    "group": pl.String,
    "bytes": pl.Int64,
    "offset": pl.Int64,
    "sha256": pl.Binary,
    "height": pl.Int32,
    "width": pl.Int32,
    "kind": pl.String,
    "share": pl.Float64,
}
_BUILT = {"key": pl.String} | INDEX_SCHEMA


def read_index(shard: Path, packed: bool) -> pl.DataFrame:
    """Reads a shard's index, or makes it from the headers.

    Args:
        shard: A tar file.
        packed: Whether this package wrote it, so that nothing may be missing. Of other shards a sample needs a label;
            path, group and generator have defaults.

    Returns:
        A row for each sample with the columns of ``INDEX_SCHEMA``, in the shard's order. ``sha256`` is null where it
        is not known, ``height`` and ``width`` where the image is encoded.

    Raises:
        ShardError: The shard is refused.
    """
    if not shard.is_file():
        raise ShardError(f"{shard} is no file.")
    status = shard.stat()
    identity = json.dumps([VERSION, status.st_size, status.st_mtime_ns, packed])
    file = shard.with_name(shard.name + INDEX_ENDING)
    index = _cached(file, identity, status.st_size)
    if index is None:
        index = _build(shard, packed)
        with suppress(OSError):
            _save(index, file, identity)
    return index


def key_of(name: str) -> tuple[str, str]:
    """Splits a member's name into key and ending, as WebDataset does: at the first dot after the last slash.

    A name without a key or without a dot is no part of a sample; its ending is empty.

    Examples:
        >>> key_of("a.b/000.seg.PNG")
        ('a.b/000', '.seg.PNG')
    """
    folder, slash, base = name.rpartition("/")
    stem, dot, ending = base.partition(".")
    return folder + slash + stem, dot + ending if stem else ""


def _cached(file: Path, identity: str, size: int) -> pl.DataFrame | None:
    try:
        with file.open("rb") as stream:  # the name may be no Unicode, which pyarrow cannot open
            table = pq.read_table(stream, page_checksum_verification=True)
        table.validate(full=True)
    except (OSError, pa.ArrowException):
        return None
    if (table.schema.metadata or {}).get(b"shard") != identity.encode():
        return None
    index = pl.DataFrame(pl.from_arrow(table))
    if index.schema != pl.Schema(INDEX_SCHEMA):
        return None
    offset, length = pl.col("offset"), pl.col("bytes")
    sound = (offset >= 0) & (length >= 0) & (offset + length <= size) & pl.col("label").is_in([0, 1])
    return index if index.select(sound.all()).item() else None


def _save(index: pl.DataFrame, file: Path, identity: str) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as stream:
            table = index.to_arrow().replace_schema_metadata({"shard": identity})
            pq.write_table(table, stream, write_page_checksum=True)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _build(shard: Path, packed: bool) -> pl.DataFrame:
    try:
        with shard.open("rb") as stream:
            rows = _rows(stream, shard.stat().st_size, shard.stem, packed)
            built = _table_of(rows)
        twice = built.filter(pl.col("key").is_duplicated())["key"]
        if len(twice):
            raise ShardError(f"the key {twice[0]!r} comes twice")
    except ShardError as error:
        remedy = (
            "pack or copy it again" if packed else f"--dataset folder --data-root {shard} reads one of plain folders"
        )
        raise ShardError(f"{shard}: {error}; {remedy}.") from error
    return built.select(*INDEX_SCHEMA)


def _table_of(rows: Iterable[tuple[Any, ...]]) -> pl.DataFrame:
    """Makes a table chunk by chunk: a million samples as objects would take a gigabyte."""
    tables, rest = [pl.DataFrame(schema=_BUILT)], iter(rows)
    while chunk := list(islice(rest, CHUNK)):
        tables.append(pl.DataFrame(chunk, _BUILT, orient="row"))
    return pl.concat(tables)


def _rows(stream: BinaryIO, length: int, shard: str, packed: bool) -> Iterator[tuple[Any, ...]]:
    named = ((*key_of(member.name), member) for member in read_members(stream, length))
    samples = groupby((one for one in named if one[1]), key=lambda one: one[0])
    for key, group in samples:
        members = list(islice(group, MAX_MEMBERS + 1))
        endings = {ending.lower(): member for _, ending, member in members}
        if len(members) > MAX_MEMBERS or len(endings) < len(members):
            raise ShardError(f"sample {key!r} has more than {MAX_MEMBERS} members, or one twice{_cut(members)}")
        images = [one for one in endings if f".{one.rpartition('.')[2]}" in IMAGE_ENDINGS or one == PIXELS_ENDING]
        if len(images) != 1:
            cut = _cut(members) if len(images) > 1 else ""
            raise ShardError(f"sample {key!r} has {len(images)} images, must have 1{cut}")
        image = endings[images[0]]
        try:
            facts = _described(stream, endings)
            size = _size_of(facts, image.size) if images[0] == PIXELS_ENDING else (None, None)
            yield key, *_facts_of(facts, f"{shard}/{image.name}", image, packed), *size, *_edited(facts)
        except ShardError as error:
            raise ShardError(f"sample {key!r}: {error}") from error


def _cut(members: Iterable[tuple[str, str, Member]]) -> str:
    """Says what a name with more dots than that of its ending comes to."""
    name = next((member.name for _, ending, member in members if ending.count(".") > 1), None)
    if name is None:
        return ""
    return f" (WebDataset cuts names at the first dot, here {name!r}: write the samples anew under other names)"


def _described(stream: BinaryIO, endings: dict[str, Member]) -> dict[str, Any]:
    """Reads a sample's JSON, or its class number alone."""
    member = endings.get(".json") or endings.get(".cls")
    if member is None or member.size > MAX_JSON:
        raise ShardError(
            "needs a .json with label and generator, or a .cls" if member is None else "its JSON is too long"
        )
    try:
        facts = json.loads(read_at(stream, member.offset, member.size))
    except (ValueError, RecursionError) as error:
        raise ShardError(f"{member.name!r} is no JSON") from error
    facts = facts if ".json" in endings else {"label": facts}
    if not isinstance(facts, dict):
        raise ShardError(f"{member.name!r} holds no JSON object")
    return facts


def _facts_of(facts: dict[str, Any], name: str, image: Member, packed: bool) -> tuple[Any, ...]:
    """Checks what a sample says about itself; ``name`` is the path of an image that has none."""
    label = facts.get("label")
    if type(label) is not int or label not in (0, 1):
        raise ShardError(f"label must be 0 (real) or 1 (generated), is {str(label)[:40]!r}")
    if not packed and facts.keys() >= {"path", "generator", "group", "sha256"}:
        raise ShardError("it was packed with a dataset.json, which is missing; copy it too")
    path = _word(facts, "path", None if packed else name)
    check_name(path)
    generator = _word(facts, "generator", None if packed else CLASS_NAMES[label])
    group = _word(facts, "group", None if packed else path)
    sha256 = _word(facts, "sha256", None) if packed else ""
    if packed and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ShardError(f"sha256 is {sha256[:80]!r}")
    return path, label, generator, group, image.size, image.offset, bytes.fromhex(sha256) if packed else None


def _word(facts: dict[str, Any], field: str, default: str | None) -> str:
    value = facts.get(field, default)
    if not isinstance(value, str) or not value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ShardError(f"{field} must be a text, is {'missing' if field not in facts else 'something else'}")
    return value


def _edited(facts: dict[str, Any]) -> tuple[str | None, float | None]:
    """Reads what a sample says of an edited image: its kind, and the share of its area that is generated."""
    kind, share = facts.get("kind"), facts.get("share")
    if kind not in (None, PARTIAL) or (kind and facts.get("label") != GENERATED):
        raise ShardError(f"kind must be {PARTIAL!r}, of a generated image, is {str(kind)[:40]!r}")
    if share is not None and not (isinstance(share, int | float) and 0 <= share <= 1):
        raise ShardError(f"share must be from 0 to 1, is {str(share)[:40]!r}")
    return kind, share


def _size_of(facts: dict[str, Any], size: int) -> tuple[int, int]:
    height, width = facts.get("height"), facts.get("width")
    if type(height) is not int or type(width) is not int or min(height, width) < 1:
        raise ShardError("raw pixels need a height and a width")
    if height * width * 3 != size:
        raise ShardError(f"{height} x {width} pixels are not {size:,} bytes")
    return height, width
