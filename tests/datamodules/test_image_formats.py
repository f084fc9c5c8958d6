import io
import struct
import sys

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from datamodules import UnreadableImageError, decode_image, image_formats
from datamodules.cues import stored_as
from datamodules.reading import UnreadableHereError

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
NAMES = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "HEIF", "BMP", "DIB", "GIF", "TIFF", "PPM", "JPEG2000", "TGA")


@pytest.fixture(scope="module", autouse=True)
def _encoders():
    """Opens to the tests what Pillow can write with and without plugins, as another library may."""
    Image.init()
    pillow_heif.register_heif_opener()


def encoded(form: str, mode: str = "RGB", **options: object) -> bytes:
    y, x = np.mgrid[0:24, 0:32]
    picture = Image.fromarray(np.stack([8 * x, 8 * y, 4 * (x + y)], axis=-1).astype(np.uint8))
    if form == "MPO":
        options |= {"save_all": True, "append_images": [picture]}
    buffer = io.BytesIO()
    picture.convert(mode).save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("form", NAMES)
def test_every_format_that_is_meant_is_read(form):
    data = encoded(form)
    image = decode_image(data)
    assert (image.mode, image.size) == ("RGB", (32, 24))
    expected = decode_image(encoded("PNG"))
    assert np.abs(np.asarray(image, dtype=np.int16) - np.asarray(expected, dtype=np.int16)).mean() < 20
    assert stored_as(data)[0] == form


@pytest.mark.parametrize(("mode", "options"), [("L", {}), ("P", {}), ("RGBA", {}), ("RGB", {"compression": "tga_rle"})])
def test_every_kind_of_tga_is_read(mode, options):
    assert decode_image(encoded("TGA", mode, **options)).size == (32, 24)


def test_postscript_never_runs(tmp_path, monkeypatch):
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path / 'it-ran'}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for data in (EPS, b"\xc5\xd0\xd3\xc6" + struct.pack("<7I", 32, len(EPS), 0, 0, 0, 0, 0) + EPS):
        with pytest.raises(UnreadableImageError, match=r"^EPS: not an image format that is read$"):
            decode_image(data)
        with pytest.raises(UnreadableImageError, match=r"^EPS"):
            stored_as(data)
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize("form", ["PCX", "SGI", "SPIDER", "ICNS", "DDS"])
def test_other_formats_never_reach_their_decoders(form):
    data = encoded(form, "F" if form == "SPIDER" else "RGB")
    assert Image.open(io.BytesIO(data)).format == form
    with pytest.raises(UnreadableImageError, match=r"^not an image$"):
        decode_image(data)


def test_a_plugin_that_registers_later_opens_nothing(monkeypatch):
    opened = []
    monkeypatch.setitem(Image.OPEN, "ODD", (lambda *words: opened.append(words), lambda prefix: b"ODD" in prefix))
    monkeypatch.setattr(Image, "ID", ["ODD", *Image.ID])
    with pytest.raises(UnreadableImageError, match=r"^not an image$"):
        decode_image(b"ODD" + bytes(100))
    assert not opened


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encoded("ICO"), "ICO: not an image format that is read"),
        (encoded("PDF"), "PDF: not an image format that is read"),
        (b"8BPS\0\1" + bytes(40), "PSD: not an image format that is read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG: not an image format that is read"),
        (b"\xff\x0a\x3f", "JPEG XL: convert it"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL: convert it"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "not an image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "not an image"),
    ],
)
def test_what_is_told_apart_has_a_reason_of_its_own(data, reason):
    with pytest.raises(UnreadableImageError) as raised:
        decode_image(data)
    assert str(raised.value) == reason
    assert not isinstance(raised.value, UnreadableHereError)  # another run fares no better


def test_heic_without_its_library_says_what_to_do(monkeypatch):
    data = encoded("HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    image_formats.opens_heic.cache_clear()
    try:
        with pytest.raises(UnreadableHereError, match=r"^HEIC: convert it, or install fauxbench\[heic\]$"):
            decode_image(data)
        assert decode_image(encoded("AVIF")).size == (32, 24)
    finally:
        image_formats.opens_heic.cache_clear()


@pytest.mark.parametrize(
    "header",
    [
        b"\0\0\1\xba\x44\0\4\0\4\1\0\0\4\0\4\0\x08\0",  # a video's first bytes: MPEG
        b"\0\0\2\0\1\0\x04\x04\0\0\0\0\4\0\4\0\x18\0",  # a cursor
        b"\0\0\2\0\0\0\0\0\0\0\0\0\4\0\4\0\x08\0",  # true colour of 8 bits
    ],
)
def test_what_only_looks_like_tga_to_pillow_is_no_image(header):
    data = header + bytes(500)
    assert Image.open(io.BytesIO(data), formats=("TGA",)).size == (4, 4)
    with pytest.raises(UnreadableImageError, match=r"^not an image$"):
        decode_image(data)


def test_transparency_of_a_palette_is_dropped():
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putdata([0, 1])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", transparency=bytes([0, 128]))
    assert list(np.asarray(decode_image(buffer.getvalue())).reshape(-1)) == [10, 20, 30, 200, 100, 50]
