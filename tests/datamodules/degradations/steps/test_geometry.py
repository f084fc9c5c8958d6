import numpy as np
import pytest
from PIL import Image

from datamodules import UnreadableImageError
from datamodules.degradations import parse_condition
from datamodules.degradations.steps.base import stream

BILINEAR = Image.Resampling.BILINEAR


@pytest.fixture
def image() -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (12, 15, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((61, 47), Image.Resampling.BICUBIC)


def degraded(image: Image.Image, text: str, key: int = 7) -> np.ndarray:
    return np.asarray(parse_condition(text).apply(image, key, 0))


@pytest.mark.parametrize(("text", "size"), [("longest:30", (30, 23)), ("longest:60", (60, 46)), ("longest:1", (1, 1))])
def test_a_longer_side_is_scaled_down(image, text, size):
    assert np.array_equal(degraded(image, text), image.resize(size, BILINEAR))


def test_a_limit_holds_for_tall_pictures_too_and_never_enlarges(image):
    tall = image.transpose(Image.Transpose.ROTATE_90)
    assert degraded(tall, "longest:30").shape == (30, 23, 3)
    for text in ("longest:61", "longest:62", "longest:4096", "thumbnail:61", "thumbnail:500"):
        assert np.array_equal(degraded(image, text), image)


def test_a_thumbnail_goes_down_and_back_up(image):
    small = image.resize((16, 12), BILINEAR)
    assert np.array_equal(degraded(image, "thumbnail:16"), small.resize((61, 47), BILINEAR))


@pytest.mark.parametrize("text", ["letterbox", "letterbox,colour=white"])
def test_bars_make_a_square_and_leave_the_picture(image, text):
    square = degraded(image, text)
    bar = 255 if "white" in text else 0
    assert square.shape == (61, 61, 3)
    assert np.array_equal(square[7:54], image)
    assert (square[:7] == bar).all()
    assert (square[54:] == bar).all()  # 14 rows: 7 above, 7 below
    tall = degraded(image.crop((0, 0, 20, 47)), text)
    assert tall.shape == (47, 47, 3)
    assert np.array_equal(tall[:, 13:33], np.asarray(image)[:, :20])
    assert (tall[:, :13] == bar).all()
    assert (tall[:, 33:] == bar).all()  # 27 columns: 13 and 14


def test_a_square_needs_no_bars(image):
    square = image.crop((0, 0, 40, 40))
    assert np.array_equal(degraded(square, "letterbox"), square)


def test_a_strip_too_long_for_a_square_is_unreadable():
    with pytest.raises(UnreadableImageError, match=r"^20000 x 1 is too large for letterbox$"):
        degraded(Image.new("RGB", (20_000, 1)), "letterbox")


def test_pixels_are_cut_off_at_the_left_and_at_the_top(image):
    assert np.array_equal(degraded(image, "trim:4"), np.asarray(image)[4:, 4:])
    assert degraded(image, "trim:50").shape == (1, 11, 3)


def test_a_screenshot_is_a_scaled_picture_without_its_edges(image):
    shapes = set()
    for key in range(40):
        shown = degraded(image, "screenshot", key)
        draws = stream("screenshot", key, 0)
        scale = draws.uniform(0.8, 1.25)
        whole = np.asarray(image.resize((round(61 * scale), round(47 * scale)), BILINEAR))
        left, top, right, bottom = (draws.uniform(0, 0.02) for _ in range(4))
        height, width = whole.shape[:2]
        kept = whole[int(top * height) : height - int(bottom * height), int(left * width) : width - int(right * width)]
        assert np.array_equal(shown, kept)
        shapes.add(shown.shape)
    assert len(shapes) > 20
    assert min(shape[1] for shape in shapes) < 53  # both ends of the scales are met
    assert max(shape[1] for shape in shapes) > 72


def test_a_screenshot_depends_on_the_key_and_its_number_in_the_chain(image):
    assert np.array_equal(degraded(image, "screenshot", 3), degraded(image, "screenshot", 3))
    assert degraded(image, "screenshot", 3).shape != degraded(image, "screenshot", 4).shape
    once = parse_condition("screenshot").apply(image, 3, 0)
    twice = degraded(image, "screenshot+screenshot", 3)
    assert twice.shape != degraded(once, "screenshot", 3).shape


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("longest:2048", ("longest", 2048.0, "longest side in pixels", None, True)),
        ("thumbnail:128@real", ("thumbnail@real", 128.0, "longest side in pixels", None, True)),
        ("trim:4", ("trim", 4.0, "pixels cut off", 0.0, False)),
    ],
)
def test_a_level_has_its_place_on_a_curve(text, place):
    kind, level, axis = parse_condition(text).curve
    assert (kind, level, *axis) == place


@pytest.mark.parametrize("text", ["letterbox", "screenshot", "greyscale"])
def test_a_step_without_a_level_is_no_point_of_a_curve(text):
    assert parse_condition(text).curve is None
