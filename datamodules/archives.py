"""Reads ADM-style archives: one ``.npz`` file with all images in an array ``arr_0``, uint8, ``(N, H, W, 3)``.

Image number 7 of ``x/samples.npz`` is the item ``x/samples.npz#00007``, with as many digits as the largest number has,
so that the order of the paths is the order on disk. Its bytes are its raw pixels.

No archive is ever read whole, and nothing in it is ever unpickled.
"""

import os
import re
import struct
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, NoReturn

import numpy as np
from numpy.lib import format as npy
from PIL import Image

from datamodules.reading import MAX_PIXELS, UnreadableImageError, check_size, guarded

ENDING = ".npz"
MEMBER = "arr_0.npy"
MAX_IMAGES = 10_000_000
"""An archive that declares more images than this is refused: its list alone would fill the memory."""

_ITEM = re.compile(r"(.+\.npz)#(\d+)", re.IGNORECASE | re.DOTALL)
_LOCAL_HEADER = struct.Struct("<4s22xHH")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the images of an archive are.

    Args:
        count: Number of images.
        height: Of each image, in pixels.
        width: Of each image, in pixels.
        header: Bytes of the array's own header, before the first image.
        offset: Of the array in the file; None where the archive is compressed.
    """

    count: int
    height: int
    width: int
    header: int
    offset: int | None

    @property
    def image_bytes(self) -> int:
        """Bytes of one image."""
        return self.height * self.width * 3


def split_item(path: str) -> tuple[str, int] | None:
    """Splits the path of an archive's item into archive and number; None for any other path.

    Examples:
        >>> split_item("adm/samples.npz#042")
        ('adm/samples.npz', 42)
        >>> split_item("adm/000.png")
    """
    match = _ITEM.fullmatch(path)
    return (match[1], int(match[2])) if match else None


def list_archive(file: Path, path: str) -> Iterator[tuple[str, int]]:
    """Lists the items of an archive.

    Args:
        file: The archive.
        path: What the items' paths begin with.

    Yields:
        Path and number of bytes of each image; of an archive that is refused, its own path and size, so that reading
        it can say why.
    """
    try:
        layout = _layout_of(file)
    except (UnreadableImageError, OSError):
        yield path, file.stat().st_size if file.is_file() else -1
        return
    digits = len(str(max(layout.count - 1, 0)))
    for number in range(layout.count):
        yield f"{path}#{number:0{digits}d}", layout.image_bytes


def read_pixels(file: Path, number: int, max_pixels: int = MAX_PIXELS) -> bytes:
    """Reads the raw pixels of one image.

    Raises:
        UnreadableImageError: The archive is refused, or ends before the image does, or the image is too large.
    """
    layout = _layout_of(file)
    check_size(layout.width, layout.height, max_pixels)
    if number >= layout.count:
        raise UnreadableImageError(f"the archive holds {layout.count} images")
    start = layout.header + number * layout.image_bytes
    if layout.offset is None:
        data = _read_compressed(file, start, layout.image_bytes)
    else:
        with file.open("rb") as stream:
            stream.seek(layout.offset + start)
            data = stream.read(layout.image_bytes)
    if len(data) < layout.image_bytes:
        raise UnreadableImageError("truncated")
    return data


def decode_pixels(file: Path, data: bytes) -> Image.Image:
    """Makes a picture of an image's raw pixels."""
    layout = _layout_of(file)
    return Image.frombytes("RGB", (layout.width, layout.height), data)


def refuse(file: Path) -> NoReturn:
    """Raises the reason why an archive was refused when it was listed."""
    _layout_of(file)
    raise UnreadableImageError("the archive has changed since it was listed")


def _identity(file: Path) -> tuple[str, int, int]:
    status = file.stat()
    return os.fspath(file), status.st_mtime_ns, status.st_size


def _layout_of(file: Path) -> Layout:
    layout = _read_layout(*_identity(file))
    if isinstance(layout, str):
        raise UnreadableImageError(layout)
    return layout


@lru_cache(maxsize=64)
def _read_layout(file: str, mtime_ns: int, size: int) -> Layout | str:
    """Reads an archive's layout, or the reason why it is refused; remembered until the file changes."""
    try:
        with guarded("broken archive"), zipfile.ZipFile(file) as archive:
            if MEMBER not in archive.namelist():
                return f"the archive has no array {MEMBER.removesuffix('.npy')}"
            info = archive.getinfo(MEMBER)
            with archive.open(info) as stream:
                shape, fortran_order, dtype = _read_header(stream)
                header = stream.tell()
            reason = _refusal(shape, fortran_order, dtype, info.file_size - header)
            if reason is not None:
                return reason
            offset = _offset_of(file, info) if info.compress_type == zipfile.ZIP_STORED else None
            return Layout(shape[0], shape[1], shape[2], header, offset)
    except UnreadableImageError as error:
        return str(error)


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a header that is odd Python
        return read(stream)


def _refusal(shape: tuple[int, ...], fortran_order: bool, dtype: np.dtype[np.generic], size: int) -> str | None:
    if dtype.hasobject:
        return "the archive holds a pickle, which is never opened"
    if dtype != np.uint8 or fortran_order or len(shape) != 4 or shape[3] != 3 or min(shape) < 1:
        order = ", Fortran order" if fortran_order else ""
        return f"arr_0 must be uint8 of shape (N, H, W, 3), is {dtype} of shape {shape}{order}"
    if shape[0] > MAX_IMAGES:
        return f"declares {shape[0]:,} images, too many"
    expected = shape[0] * shape[1] * shape[2] * shape[3]
    return None if size == expected else f"arr_0 declares {expected} bytes and has {size}"


def _offset_of(file: str, info: zipfile.ZipInfo) -> int:
    """Finds an uncompressed member's first byte: its local header may be longer than the directory says."""
    with Path(file).open("rb") as stream:
        stream.seek(info.header_offset)
        signature, name, extra = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
    if signature != b"PK\x03\x04":
        raise zipfile.BadZipFile("no local header")
    return info.header_offset + _LOCAL_HEADER.size + int(name) + int(extra)


class _Cursor:
    """An open compressed archive, read forwards; going back starts again. Memory is bounded, whatever its size."""

    def __init__(self, file: Path) -> None:
        self.owner = (os.getpid(), *_identity(file))
        self.archive = zipfile.ZipFile(file)
        self.stream = self.archive.open(MEMBER)

    def read(self, start: int, length: int) -> bytes:
        self.stream.seek(start)
        return self.stream.read(length)

    def close(self) -> None:
        self.stream.close()
        self.archive.close()


_cursors: list[_Cursor] = []  # at most one, of this process alone: a forked worker opens its own


def _read_compressed(file: Path, start: int, length: int) -> bytes:
    if not _cursors or _cursors[0].owner != (os.getpid(), *_identity(file)):
        close_archives()
        _cursors.append(_Cursor(file))
    try:
        with guarded("broken archive"):
            return _cursors[0].read(start, length)
    except UnreadableImageError:
        close_archives()
        raise


def close_archives() -> None:
    """Closes the archive that is open for reading, if any."""
    while _cursors:
        _cursors.pop().close()
