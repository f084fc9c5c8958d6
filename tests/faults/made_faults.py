"""Damage as disks, transfers and careless hands do it, from a fixed seed; and commands run on what was damaged."""

import contextlib
import io
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

import numpy as np
from PIL import Image

from bench.cli.app import main

SEED = 20_261_126
MOST_SECONDS = 10
Generator = np.random.Generator
Damage = Callable[[bytes, Generator], bytes]

WORDS = (b'"', b"'", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"[", b"}", b"&a [*a]", b"<<: *a", b"\r", b"\t", b",")
WORDS += (b"9" * 400, b"[" * 3000, b"-1e999", b"NaN", b"null", b"\\", b"\xed\xa0")
WORDS += (b"!!python/object/apply:os.system [id]",)
PAGE = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head></html>"


def _place(data: bytes, generator: Generator) -> int:
    return int(generator.integers(len(data) + 1))


def _block(data: bytes, generator: Generator) -> tuple[int, int]:
    start = _place(data, generator)
    return start, min(len(data), start + int(generator.integers(1, 65)))


def cut(data: bytes, generator: Generator) -> bytes:
    """Ends early."""
    return data[: _place(data, generator)]


def flip_one(data: bytes, generator: Generator) -> bytes:
    """One bit is another."""
    return _flipped(data, generator, 1)


def flip_many(data: bytes, generator: Generator) -> bytes:
    """Up to two hundred bits are others."""
    return _flipped(data, generator, int(generator.integers(2, 201)))


def _flipped(data: bytes, generator: Generator, count: int) -> bytes:
    changed = bytearray(data)
    for bit in generator.integers(len(data) * 8, size=count).tolist():
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def zero(data: bytes, generator: Generator) -> bytes:
    """A block was never written."""
    start, end = _block(data, generator)
    return data[:start] + bytes(end - start) + data[end:]


def leave_out(data: bytes, generator: Generator) -> bytes:
    """A block is missing."""
    start, end = _block(data, generator)
    return data[:start] + data[end:]


def repeat(data: bytes, generator: Generator) -> bytes:
    """A block is there twice."""
    start, end = _block(data, generator)
    return data[:end] + data[start:end] + data[end:]


def insert(data: bytes, generator: Generator) -> bytes:
    """Something stands in between."""
    start = _place(data, generator)
    return data[:start] + WORDS[generator.integers(len(WORDS))] + data[start:]


def append(data: bytes, generator: Generator) -> bytes:
    """Something stands behind."""
    return data + generator.bytes(int(generator.integers(1, 2000)))


def replace(data: bytes, generator: Generator) -> bytes:
    """Something else has the name."""
    return (b"", PAGE, generator.bytes(500), b"version https://git-lfs.github.com/spec/v1\n")[generator.integers(4)]


KINDS: tuple[Damage, ...] = (cut, flip_one, flip_many, zero, leave_out, repeat, insert, append, replace)


def damaged(data: bytes, generator: Generator) -> bytes:
    """Damages bytes in one of the ways."""
    return KINDS[generator.integers(len(KINDS))](data, generator)


FORMS: dict[str, tuple[str, str, dict[str, object]]] = {
    "baseline.jpg": ("RGB", "JPEG", {"quality": 85}),
    "progressive.jpg": ("RGB", "JPEG", {"progressive": True}),
    "grey.jpg": ("L", "JPEG", {}),
    "cmyk.jpg": ("CMYK", "JPEG", {}),
    "rgb.png": ("RGB", "PNG", {}),
    "palette.png": ("P", "PNG", {}),
    "alpha.png": ("RGBA", "PNG", {}),
    "deep.png": ("I;16", "PNG", {}),
    "lossy.webp": ("RGB", "WEBP", {}),
    "lossless.webp": ("RGBA", "WEBP", {"lossless": True}),
    "one.gif": ("P", "GIF", {}),
    "raw.tif": ("RGB", "TIFF", {}),
    "lzw.tif": ("RGB", "TIFF", {"compression": "tiff_lzw"}),
    "jpeg.tif": ("RGB", "TIFF", {"compression": "jpeg"}),
    "one.bmp": ("RGB", "BMP", {}),
    "one.avif": ("RGB", "AVIF", {}),
    "one.jp2": ("RGB", "JPEG2000", {}),
    "one.tga": ("RGB", "TGA", {"compression": "tga_rle"}),
    "one.ppm": ("RGB", "PPM", {}),
    "one.heic": ("RGB", "HEIF", {}),
}
"""Names of files, with mode, format and options of saving."""


def whole_files(picture: Image.Image) -> dict[str, bytes]:
    """Saves a picture in every form that can be written here."""
    with contextlib.suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    return {name: _saved(picture, *form) for name, form in FORMS.items() if form[1] in Image.SAVE or form[1] != "HEIF"}


def _saved(picture: Image.Image, mode: str, form: str, options: dict[str, object]) -> bytes:
    buffer = io.BytesIO()
    made = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257) if mode == "I;16" else picture
    (made if mode == "I;16" else made.convert(mode)).save(buffer, form, **options)
    return buffer.getvalue()


class HangError(BaseException):
    """Something took longer than it may; no handler of errors takes it for its own."""


@contextlib.contextmanager
def in_time(seconds: int = MOST_SECONDS) -> Iterator[None]:
    """Stops what takes too long."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise HangError(f"no end within {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True)
class Told:
    """What a command ended with and said."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The lines that say what is wrong."""
        return [line for line in self.err.splitlines() if line.startswith("error:")]


def told(words: Sequence[object], seconds: int = MOST_SECONDS) -> Told:
    """Runs a command in this process; an exception goes through, and a hang is one."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), in_time(seconds):
        try:
            code = main([str(word) for word in words])
        except SystemExit as error:  # how a parser ends
            code = int(str(error.code))
    return Told(code, out.getvalue(), err.getvalue())


def assert_held(found: Told) -> None:
    """A command did its work, counted what it could not read, or said in one line what is wrong."""
    assert found.code in (0, 1, 2), found
    assert len(found.errors) == (found.code == 2), found
    assert "Traceback" not in found.err, found
