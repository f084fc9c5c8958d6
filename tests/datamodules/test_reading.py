import contextlib
import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from datamodules import UnreadableImageError, decode_image
from datamodules.cues import stored_as
from datamodules.reading import MAX_PIXELS, MAX_SIDE, guarded


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


def outcome(data: bytes) -> str:
    try:
        return decode_image(data).tobytes().hex()
    except UnreadableImageError as error:
        return str(error)


def test_corrupted_bytes_never_raise_anything_else(picture):
    generator = np.random.default_rng(1)
    for form in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "TGA"):
        data = np.frombuffer(encoded(picture, form), dtype=np.uint8)
        for _ in range(60):
            broken = data.copy()
            broken[generator.integers(0, len(data), 5)] = generator.integers(0, 256, 5)
            with contextlib.suppress(UnreadableImageError):
                assert decode_image(broken.tobytes()).mode == "RGB"


def test_avif_whose_decoder_fails_is_unreadable_for_the_same_reason_each_time(picture):
    data, failures = encoded(picture.resize((96, 64)), "AVIF"), 0
    for place in range(len(data) - 200, len(data), 2):
        broken = bytearray(data)
        broken[place] ^= 0x55
        with contextlib.suppress(UnreadableImageError):
            try:
                decode_image(bytes(broken))
            except UnreadableImageError as error:
                failures += isinstance(error.__cause__, RuntimeError)
                raise
        assert outcome(bytes(broken)) == outcome(bytes(broken))
    assert failures > 3


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "broken: MemoryError"),
        (RecursionError("maximum recursion depth exceeded"), "broken: maximum recursion depth exceeded"),
        (RuntimeError("cannot read <io.BytesIO object at 0x7f3a5c>"), "broken: cannot read <io.BytesIO object>"),
        (
            subprocess.CalledProcessError(1, ["gs", "/tmp/tmpa8/x.eps"]),
            "broken: Command '['gs', '']' returned",
        ),
        (ValueError("\x1b[2J\u202eevil\nsecond line"), "broken: ?[2J?evil"),
        (ValueError("x" * 500), f"broken: {'x' * 100}"),
        (struct.error("unpack requires 4 bytes"), "broken: unpack requires 4 bytes"),
        (PermissionError(13, "Permission denied", "/tmp/x"), "Permission denied"),
        (OSError("image file is truncated (9 bytes not processed)"), "truncated"),
    ],
)
def test_whatever_a_decoder_raises_is_one_short_line_without_places(error, reason):
    with pytest.raises(UnreadableImageError) as raised, guarded():
        raise error
    assert str(raised.value).startswith(reason)
    assert len(str(raised.value)) <= 110


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_is_no_fault_of_an_image(error):
    with pytest.raises(error), guarded():
        raise error


def png_of(width: int, height: int) -> bytes:
    """The header alone, which declares a size."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return png + struct.pack(">I", 0) + b"IEND"


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (50_000, 50_000, f"declares more than {MAX_PIXELS:,} pixels"),
        (1, 80_000_000, f"declares a side of more than {MAX_SIDE:,} pixels"),
        (MAX_SIDE + 1, 1, f"declares a side of more than {MAX_SIDE:,} pixels"),
        (MAX_SIDE, 1, "broken: cannot load this image"),
        (11_648, 8_736, "broken: cannot load this image"),  # 101 megapixels, as a medium-format camera writes
    ],
)
def test_a_bomb_is_refused_before_it_is_decoded(width, height, reason):
    assert outcome(png_of(width, height)) == reason


def test_the_limit_is_ours_whatever_pillows_is(picture, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    data = encoded(picture, "PNG")
    assert decode_image(data, 600).size == (30, 20)
    assert stored_as(data) == ("PNG", None)
    with pytest.raises(UnreadableImageError, match=r"^declares more than 599 pixels$"):
        decode_image(data, 599)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_a_frame_larger_than_its_animation_counts_with_its_own_size(picture):
    data = bytearray(encoded(picture.convert("P"), "GIF"))
    frame = data.index(b",\0\0\0\0")
    data[frame + 5 : frame + 9] = struct.pack("<HH", 60_000, 60_000)
    assert outcome(bytes(data)) == f"declares more than {MAX_PIXELS:,} pixels"


def test_a_damaged_tiff_writes_nothing_to_the_terminal(picture, capfd):
    data = bytearray(encoded(picture.convert("1").resize((300, 200)), "TIFF", compression="group4"))
    data[60:90] = bytes(30)
    outcome(bytes(data))
    print("still there", file=sys.stderr)
    assert capfd.readouterr().err == "still there\n"


def test_floats_are_an_unsupported_mode():
    image = Image.fromarray(np.zeros((4, 4), dtype=np.float32))
    with pytest.raises(UnreadableImageError, match="unsupported mode F"):
        decode_image(encoded(image, "TIFF"))
