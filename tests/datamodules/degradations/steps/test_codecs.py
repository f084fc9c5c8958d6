import io
import sys
import types

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin, features

from datamodules import DataOptionError, UnreadableImageError, image_formats
from datamodules.degradations import Compression, encoded, parse_condition

# ITU-T T.81, table K.1, first row: what quality 50 of libjpeg is.
LUMINANCE = [16, 11, 10, 16, 24, 40, 51, 61]


@pytest.fixture
def image() -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (12, 15, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((61, 47), Image.Resampling.BICUBIC)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def levels_apart(first: Image.Image, second: Image.Image) -> float:
    return float(np.abs(np.asarray(first).astype(int) - np.asarray(second).astype(int)).mean())


@pytest.mark.parametrize(("text", "sampling"), [("420", 2), ("422", 1), ("444", 0)])
def test_jpeg_has_the_subsampling_that_is_asked_for(image, text, sampling):
    step = Compression("JPEG", 50, text)
    file = opened(encoded(image, step.form, step.quality, step.subsampling))
    assert JpegImagePlugin.get_sampling(file) == sampling
    assert list(file.quantization[0][:8]) == LUMINANCE
    assert np.array_equal(step.apply(image, 0, 0), file)


@pytest.mark.parametrize(("quality", "first"), [(75, 8), (25, 32), (96, 1)])
def test_quantisation_tables_are_libjpegs_of_the_quality(image, quality, first):
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    assert max(1, (LUMINANCE[0] * scale + 50) // 100) == first
    assert opened(encoded(image, "JPEG", quality)).quantization[0][0] == first


def test_finer_colours_leave_more_of_an_edge_between_colours():
    halves = Image.new("RGB", (32, 32), (255, 0, 0))
    halves.paste((0, 0, 255), (9, 0, 32, 32))
    coarse, fine = (parse_condition(f"jpeg:90,subsampling={text}").apply(halves, 0, 0) for text in ("420", "444"))
    assert levels_apart(fine, halves) < levels_apart(coarse, halves) / 2


def test_the_default_subsampling_is_not_written():
    assert parse_condition("jpeg:75,subsampling=420").name == "jpeg:75"
    assert parse_condition("jpeg:75,subsampling=444@real").curve[0] == "jpeg,subsampling=444@real"
    assert Compression("JPEG", 75) == Compression("JPEG", 75, "420")


@pytest.mark.parametrize(("name", "form"), [("avif", "AVIF"), ("heic", "HEIF")])
def test_a_round_trip_keeps_the_size_and_loses_less_at_a_higher_quality(image, name, form):
    if form == "HEIF":
        pytest.importorskip("pillow_heif")
    results = [parse_condition(f"{name}:{quality}").apply(image, 0, 0) for quality in (10, 50, 95)]
    assert {(result.size, result.mode) for result in results} == {((61, 47), "RGB")}
    apart = [levels_apart(result, image) for result in results]
    assert apart[0] > apart[1] > apart[2] > 0
    data = encoded(image, form, 50)
    assert data == encoded(image, form, 50)
    assert opened(data).format == form
    assert np.array_equal(opened(data).convert("RGB"), results[1])


def test_avif_is_pillows_in_one_thread(image):
    buffer = io.BytesIO()
    image.save(buffer, "AVIF", quality=50, max_threads=1)
    assert encoded(image, "AVIF", 50) == buffer.getvalue()


def test_nothing_of_the_file_comes_along(image):
    image.info = {"exif": b"Exif\0\0" + b"secret" * 9, "icc_profile": b"secret" * 40, "comment": b"secret"}
    for form in ("JPEG", "WEBP", "AVIF"):
        assert b"secret" not in encoded(image, form, 50)


@pytest.mark.parametrize(("name", "form"), [("avif", "AVIF"), ("heic", "HEIF")])
def test_what_a_codec_cannot_hold_is_unreadable(name, form):
    if form == "HEIF":
        pytest.importorskip("pillow_heif")
    with pytest.raises(UnreadableImageError, match=f"^70000 x 2 cannot be written as {form}$"):
        parse_condition(f"{name}:50").apply(Image.new("RGB", (70_000, 2)), 0, 0)


def test_heic_without_its_library_is_refused_before_any_image_is_read(monkeypatch):
    image_formats.opens_heic.cache_clear()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # an import of it fails
    try:
        condition = parse_condition("webp:30+heic:50@real")  # which a store may hold: it can be read
        with pytest.raises(DataOptionError, match=r"^heic:50 needs the library pillow-heif .*fauxbench\[heic\]'\.$"):
            condition.prepare()
        parse_condition("jpeg:50+avif:50").prepare()
    finally:
        image_formats.opens_heic.cache_clear()


def test_heic_with_a_library_that_only_reads_is_refused(monkeypatch):
    image_formats.opens_heic.cache_clear()
    reader = types.SimpleNamespace(register_heif_opener=lambda: None)
    monkeypatch.setitem(sys.modules, "pillow_heif", reader)
    monkeypatch.delitem(Image.SAVE, "HEIF", raising=False)
    try:
        with pytest.raises(DataOptionError, match="with an encoder"):
            parse_condition("heic:50").prepare()
    finally:
        image_formats.opens_heic.cache_clear()


def test_avif_without_the_encoder_is_refused(monkeypatch):
    monkeypatch.setattr(features, "check", lambda name: False)
    with pytest.raises(DataOptionError, match=r"^avif:50 needs a Pillow that writes AVIF: version 11\.3 or newer\.$"):
        parse_condition("avif:50").prepare()
