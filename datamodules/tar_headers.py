"""Reads the headers of a ``.tar`` file without unpacking anything: where each regular file's bytes lie in it.

The standard library's reader keeps an object for every member, trusts the sizes of extended headers, and is slower.
Here a member is told and forgotten, and what a sample can never need (links, devices, names that lead outside, sizes
that the file does not have) is refused, or, in a tar file that somebody made of a folder, passed by and counted.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from datamodules.errors import DataOptionError

BLOCK = 512
MAX_EXTENDED = 1 << 20
"""No name needs an extended header longer than this."""

_REGULAR = (b"0", b"\0", b"7")
_FOLDER, _PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK = b"5", b"x", b"g", b"L", b"K"
_REFUSED = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a pipe",
    _LONG_LINK: "a link with a long name",
    b"S": "a sparse file",
}
_CHECKSUM = slice(148, 156)
_PAX_RECORD = re.compile(rb"(\d{1,7}) ([^=\n]+)=")


class ShardError(DataOptionError):
    """A shard that is refused; the message says why."""


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in a tar file.

    Args:
        name: With forward slashes, never absolute and never upwards.
        offset: Of its first byte in the tar file.
        size: In bytes; the tar file has them all.
    """

    name: str
    offset: int
    size: int


def padded(size: int) -> int:
    """Rounds a size up to whole blocks.

    Examples:
        >>> padded(0), padded(1), padded(512)
        (0, 512, 512)
    """
    return -(-size // BLOCK) * BLOCK


def read_members(stream: BinaryIO, length: int, passed_by: Counter[str] | None = None) -> Iterator[Member]:
    """Reads the headers one after another.

    Args:
        stream: The tar file; between two members its position may be changed.
        length: Its size in bytes.
        passed_by: Counts, in words, the members that are passed by for what they are; without it they are refused.

    Yields:
        The regular files in their order; folders are passed over.

    Raises:
        ShardError: It is no tar file, is truncated, or holds what no shard needs.
    """
    position, extended = 0, dict[str, str]()
    while True:
        header = read_at(stream, position, BLOCK)
        if len(header) < BLOCK:
            raise ShardError("the file ends without a tar's end mark: it is truncated; copy it again")
        if not any(header):
            return
        position += BLOCK
        kind = _kind_of(header, first=position == BLOCK)
        name = extended.get("path") or _name_of(header)
        size = _size_of(header, extended.get("size"))
        if size > length - position:
            raise ShardError(f"member {_short(name)} claims {size:,} bytes and the file has {length - position:,} left")
        if kind in (_PAX, _PAX_GLOBAL, _LONG_NAME):
            extended |= _extended(kind, stream, position, size)
        elif passed_by is None or kind != _LONG_LINK:  # a link follows, which is counted
            if _is_wanted(name, kind, passed_by):
                yield Member(name, position, size)
            extended = {}
        position += padded(size)


def check_name(name: str) -> None:
    """Raises if a name is absolute or leads upwards.

    Raises:
        ShardError: It does.
    """
    if not name or "\0" in name or name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name):
        raise ShardError(f"the name {_short(name)} leads outside the data set")


def read_at(stream: BinaryIO, position: int, size: int) -> bytes:
    """Reads bytes at a position."""
    stream.seek(position)
    return stream.read(size)


def _kind_of(header: bytes, first: bool) -> bytes:
    """Returns the type's letter of a header whose checksum is right."""
    expected = sum(header) - sum(header[_CHECKSUM]) + 8 * ord(" ")
    if _number(header[_CHECKSUM]) != expected:
        raise ShardError(
            "it is no tar file (a compressed one must be decompressed first)" if first else "a header is damaged"
        )
    return header[156:157]


def _is_wanted(name: str, kind: bytes, passed_by: Counter[str] | None) -> bool:
    what = _REFUSED.get(kind, f"of the unknown type {kind!r}")
    if passed_by is not None:
        if kind not in (*_REGULAR, _FOLDER):
            passed_by[what] += 1
        return kind in _REGULAR
    if kind != _FOLDER and kind not in _REGULAR:
        raise ShardError(f"member {_short(name)} is {what}")
    if any("\ud800" <= character <= "\udfff" for character in name):
        raise ShardError(f"the name {_short(repr(name.encode(errors='surrogateescape')))} is not UTF-8")
    check_name(name)
    return kind in _REGULAR


def _name_of(header: bytes) -> str:
    name = _text(header[:100].partition(b"\0")[0])
    prefix = _text(header[345:500].partition(b"\0")[0]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _size_of(header: bytes, extended: str | None) -> int:
    size = _number(header[124:136]) if extended is None else _digits(extended.encode(), 10)
    if size < 0:
        raise ShardError("a member's size is no number")
    return size


def _number(field: bytes) -> int:
    """Reads a number, in octal digits or, where the first bit is set, in binary; -1 for anything else."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:])
    return _digits(field.strip(b" \0") or b"0", 8)


def _digits(text: bytes, base: int) -> int:
    return int(text, base) if text.isdigit() and len(text) < 20 and (base == 10 or not set(text) & set(b"89")) else -1


def _extended(kind: bytes, stream: BinaryIO, position: int, size: int) -> dict[str, str]:
    """Reads what an extended header says about the next member."""
    if size > MAX_EXTENDED:
        raise ShardError(f"an extended header has {size:,} bytes")
    data = read_at(stream, position, size)
    if kind == _LONG_NAME:
        return {"path": _text(data.rstrip(b"\0"))}
    records, start = dict[str, str](), 0
    while match := _PAX_RECORD.match(data, start):
        end = start + int(match[1])
        if not match.end() < end <= size:
            break
        records[_text(match[2])] = _text(data[match.end() : end - 1])
        start = end
    if start != size:
        raise ShardError("an extended header is damaged")
    if any(word.startswith("GNU.sparse") for word in records) or (
        kind == _PAX_GLOBAL and {"path", "size"} & set(records)
    ):
        raise ShardError("an extended header describes a sparse file, or all members at once")
    return {word: records[word] for word in ("path", "size") if word in records and kind == _PAX}


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _short(name: str) -> str:
    return repr(name if len(name) <= 80 else f"{name[:77]}...")
