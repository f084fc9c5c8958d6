import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from datamodules import UnreadableImageError, decode_image
from datamodules.reading import MAX_PIXELS


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.fixture
def picture() -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    return Image.fromarray(values)


def test_png_keeps_its_pixels(picture):
    assert np.array_equal(decode_image(encoded(picture, "PNG")), picture)


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM"])
def test_common_formats_come_out_as_rgb(picture, form):
    decoded = decode_image(encoded(picture, form))
    assert (decoded.mode, decoded.size) == ("RGB", (30, 20))


@pytest.mark.parametrize("mode", ["L", "1", "LA", "RGBA", "P"])
def test_other_modes_come_out_as_rgb(picture, mode):
    decoded = decode_image(encoded(picture.convert(mode), "PNG"))
    assert np.array_equal(decoded, picture.convert(mode).convert("RGB"))


def test_cmyk_jpeg_comes_out_as_rgb(picture):
    assert decode_image(encoded(picture.convert("CMYK"), "JPEG")).mode == "RGB"


def test_transparent_palette_loses_only_its_transparency(picture):
    image = picture.convert("P")
    decoded = decode_image(encoded(image, "PNG", transparency=0))
    assert np.array_equal(decoded, image.convert("RGB"))


def test_sixteen_bit_grey_keeps_its_upper_byte():
    values = (np.arange(600).reshape(20, 30) * 100).astype(np.uint16)
    decoded = np.asarray(decode_image(encoded(Image.fromarray(values), "PNG")))
    assert np.array_equal(decoded[..., 0], values >> 8)


def test_picture_is_upright():
    image = Image.new("RGB", (4, 2))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    assert decode_image(encoded(image, "JPEG", exif=exif)).size == (2, 4)


def test_animation_gives_its_first_frame(picture):
    frames = encoded(picture, "GIF", save_all=True, append_images=[Image.new("RGB", picture.size)])
    assert np.array_equal(decode_image(frames), decode_image(encoded(picture, "GIF")))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"This is not an image.", "not an image"),
        (b"\x89PNG\r\n\x1a\n", "not an image"),
    ],
)
def test_what_is_no_image_has_a_reason(data, reason):
    with pytest.raises(UnreadableImageError, match=f"^{reason}$"):
        decode_image(data)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_truncated_file_is_never_half_an_image(picture, form, share, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as other libraries leave it
    data = encoded(picture.resize((120, 80)), form)
    with pytest.raises(UnreadableImageError):
        decode_image(data[: int(len(data) * share)])


def test_corrupted_bytes_never_raise_anything_else(picture):
    generator = np.random.default_rng(1)
    for form in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"):
        data = np.frombuffer(encoded(picture, form), dtype=np.uint8)
        for _ in range(60):
            broken = data.copy()
            broken[generator.integers(0, len(data), 5)] = generator.integers(0, 256, 5)
            with contextlib.suppress(UnreadableImageError):
                assert decode_image(broken.tobytes()).mode == "RGB"


def test_a_bomb_is_refused_before_it_is_decoded():
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(UnreadableImageError, match=f"declares more than {MAX_PIXELS:,} pixels"):
        decode_image(png + struct.pack(">I", 0) + b"IEND")


def test_floats_are_an_unsupported_mode():
    image = Image.fromarray(np.zeros((4, 4), dtype=np.float32))
    with pytest.raises(UnreadableImageError, match="unsupported mode F"):
        decode_image(encoded(image, "TIFF"))
