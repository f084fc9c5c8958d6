import io

import numpy as np
import pytest
from PIL import Image

from datamodules import UnreadableImageError
from datamodules.cues import CATEGORICAL_CUES, CONTAINER_CUES, CONTENT_CUES, PIXEL_CUES, Cues, measure_cues, pixel_cues


def textured(seed: int = 0, size: tuple[int, int] = (120, 96)) -> Image.Image:
    generator = np.random.default_rng(seed)
    layers = [
        Image.fromarray(generator.integers(0, 256, (n, n, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
        for n in (4, 13, 59)
    ]
    return Image.blend(Image.blend(layers[0], layers[1], 0.5), layers[2], 0.2)


def file_of(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def array(rows: list[list[tuple[int, int, int]]]) -> np.ndarray:
    return np.array(rows, dtype=np.uint8)


def test_cues_are_named_once():
    assert {*CONTAINER_CUES, *CONTENT_CUES} == set(Cues.__dataclass_fields__)
    assert not set(CONTAINER_CUES) & set(CONTENT_CUES)
    assert set(CATEGORICAL_CUES) < set(CONTAINER_CUES)
    assert set(pixel_cues(np.zeros((3, 3, 3), dtype=np.uint8))) == set(PIXEL_CUES)


@pytest.mark.parametrize("quality", range(1, 101))
def test_jpeg_quality_is_what_the_encoder_was_given(quality):
    assert measure_cues(file_of(textured(size=(8, 8)), "JPEG", quality=quality), "a.jpg").jpeg_quality == quality


@pytest.mark.parametrize("options", [{"subsampling": 0}, {"progressive": True}, {"optimize": True}])
def test_jpeg_quality_does_not_depend_on_other_options(options):
    assert measure_cues(file_of(textured(), "JPEG", quality=83, **options), "a.jpg").jpeg_quality == 83


def test_jpeg_quality_of_a_grey_and_of_a_cmyk_picture():
    for mode in ("L", "CMYK"):
        assert measure_cues(file_of(textured().convert(mode), "JPEG", quality=90), "a.jpg").jpeg_quality == 90


def test_jpeg_quality_of_a_foreign_table_is_the_nearest():
    tables = Image.open(io.BytesIO(file_of(textured(), "JPEG", quality=80))).quantization
    foreign = [[step + (place == 5) for place, step in enumerate(tables[number])] for number in (0, 1)]
    cues = measure_cues(file_of(textured(), "JPEG", qtables=foreign), "a.jpg")
    assert cues.jpeg_quality == 80


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "BMP"])
def test_what_is_no_jpeg_has_no_jpeg_quality(form):
    cues = measure_cues(file_of(textured(), form), "a.jpg")
    assert (cues.format, cues.jpeg_quality) == (form, None)


@pytest.mark.parametrize(("path", "ending"), [("a/b.PNG", ".PNG"), ("a.b.png", ".png"), ("a/b", ""), ("a.d/b", "")])
def test_ending_is_as_it_is_written(path, ending):
    assert measure_cues(file_of(textured(), "PNG"), path).ending == ending


def test_sizes_are_those_of_the_upright_picture():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = file_of(Image.new("RGB", (40, 20)), "JPEG", exif=exif)
    cues = measure_cues(data, "a.jpg")
    assert (cues.width, cues.height, cues.aspect) == (20, 40, 0.5)
    assert cues.bytes_per_pixel == len(data) / 800


def test_what_cannot_be_read_has_a_reason():
    with pytest.raises(UnreadableImageError, match=r"^truncated$"):
        measure_cues(file_of(textured(), "JPEG")[:500], "a.jpg")


def test_brightness_and_contrast_by_hand():
    cues = pixel_cues(array([[(0, 0, 0), (255, 255, 255)], [(51, 51, 51), (102, 102, 102)]]))
    assert cues["brightness"] == pytest.approx((0 + 1 + 0.2 + 0.4) / 4)
    assert cues["contrast"] == pytest.approx(np.std([0, 1, 0.2, 0.4]))


def test_saturation_by_hand():
    cues = pixel_cues(array([[(0, 0, 0), (255, 0, 0)], [(100, 100, 100), (200, 50, 100)]]))
    assert cues["saturation"] == pytest.approx((0 + 1 + 0 + 0.75) / 4)


def test_laplacian_by_hand():
    pixels = np.zeros((3, 4, 3), dtype=np.uint8)
    pixels[1, 1] = 51
    assert pixel_cues(pixels)["laplacian"] == pytest.approx((0.8**2 + 0.2**2) / 2)


def test_blockiness_by_hand():
    column = np.repeat([0, 100], 8).astype(np.uint8)
    ramp = np.arange(20, dtype=np.uint8)
    grey = np.add.outer(ramp, np.tile(column, 2)[:20])  # straight edges have no cross difference
    assert pixel_cues(np.repeat(grey[..., None], 3, axis=2))["blockiness"] == 1
    checks = (np.add.outer(np.arange(24) // 8, np.arange(24) // 8) % 2 * 80).astype(np.uint8)
    checks[2::8, 2::8] = 160
    # Of 23 cross differences in either direction the first 16 are two whole periods.
    values = checks.astype(int)
    crossed = np.abs(values[1:, 1:] + values[:-1, :-1] - values[1:, :-1] - values[:-1, 1:])
    phases = crossed.sum(axis=0)[:16].reshape(2, 8).sum(axis=0)
    expected = phases.max() / ((phases.sum() - phases.max()) / 7)
    assert pixel_cues(np.repeat(checks[..., None], 3, axis=2))["blockiness"] == pytest.approx(expected)


def test_blockiness_finds_the_jpeg_past_of_a_png_even_after_a_crop():
    for seed in range(5):
        clean = textured(seed)
        past = Image.open(io.BytesIO(file_of(clean, "JPEG", quality=75))).crop((3, 5, 120, 96))
        assert measure_cues(file_of(clean, "PNG"), "a.png").blockiness < 1.1
        assert measure_cues(file_of(past, "PNG"), "a.png").blockiness > 1.2


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 2), (16, 16), (17, 3)])
def test_tiny_and_flat_pictures_have_cues(size):
    cues = pixel_cues(np.full((*size, 3), 128, dtype=np.uint8))
    assert cues == pytest.approx(
        {"blockiness": 1, "brightness": 128 / 255, "contrast": 0, "saturation": 0, "laplacian": 0}, abs=1e-7
    )


def test_a_picture_is_measured_alike_from_its_file_and_from_its_pixels():
    image = textured(size=(300, 500))  # more rows than fit one strip
    cues = measure_cues(file_of(image, "PNG"), "a.png")
    assert {name: getattr(cues, name) for name in PIXEL_CUES} == pixel_cues(np.asarray(image))
    grey = np.asarray(image.convert("L")).astype(float)
    curved = grey[1:-1, :-2] + grey[1:-1, 2:] + grey[:-2, 1:-1] + grey[2:, 1:-1] - 4 * grey[1:-1, 1:-1]
    assert cues.laplacian == pytest.approx((curved**2).mean() / 255**2, rel=1e-5)
    channels = np.asarray(image).astype(float)
    assert cues.saturation == pytest.approx((1 - channels.min(axis=2) / channels.max(axis=2)).mean(), rel=1e-5)
