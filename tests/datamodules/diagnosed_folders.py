"""Diagnoses of small folders, and folders in which everything is broken."""

import io
import os
import struct
import zlib
from pathlib import Path

from PIL import Image

from datamodules import find_dataset
from datamodules.checks.diagnosis import Diagnosis, check
from datamodules.reading import MAX_BYTES


def diagnosed(root: Path | None, dataset: str = "folder", **options) -> Diagnosis:
    """Examines a data set in this process."""
    return check(find_dataset(dataset)(root, **{"num_workers": 0, **options}))


def said(diagnosis: Diagnosis, severity: str = "wrong") -> set[tuple[str, str]]:
    """Where each finding of a severity is, and what it says."""
    return {(finding.where, finding.what) for finding in diagnosis.findings if finding.severity == severity}


def jpeg_bytes(image: Image.Image, quality: int) -> bytes:
    """A picture as a JPEG of a quality."""
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=quality)
    return stream.getvalue()


def png_chunk(name: bytes, data: bytes = b"") -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb() -> bytes:
    """A small PNG that says that it is of 50,000 x 50,000 pixels."""
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(bytes(9)))
        + png_chunk(b"IEND")
    )


def break_each_way(image_folder: Path) -> Path:
    """Puts into ``sharp`` one more file of each fault that keeps a file from being read; returns the folder."""
    folder = image_folder / "generated" / "sharp"
    whole = (folder / "00.png").read_bytes()
    (folder / "bomb.png").write_bytes(bomb())
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "page.png").write_text("<html>Quota exceeded</html>")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "gone.png").symlink_to("nowhere.png")
    (folder / "circle").symlink_to(folder)
    os.mkfifo(folder / "pipe.png")
    with (folder / "vast.png").open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    return image_folder
