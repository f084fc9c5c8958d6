import hashlib
import io
import pickle

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as F
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage
from torchvision.transforms.v2 import functional as v2

from datamodules import DataOptionError, UnreadableImageError
from datamodules.degradations import PRESETS, DegradationChain, parse_condition


@pytest.fixture
def image() -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (12, 15, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((61, 47), Image.Resampling.BICUBIC)


def degraded(image: Image.Image, text: str, key: int = 7, label: int = 0) -> np.ndarray:
    return np.asarray(parse_condition(text).apply(image, key, label))


def levels_apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(np.asarray(a).astype(int) - np.asarray(b).astype(int))


@pytest.mark.parametrize(("name", "form"), [("jpeg", "JPEG"), ("webp", "WEBP")])
@pytest.mark.parametrize("quality", [1, 30, 75, 100])
def test_compression_is_pillows_bit_for_bit(image, name, form, quality):
    buffer = io.BytesIO()
    image.save(buffer, form, quality=quality)
    assert np.array_equal(degraded(image, f"{name}:{quality}"), Image.open(buffer))


@pytest.mark.parametrize("quality", [50, 75, 96])
def test_jpeg_is_torchvisions_bit_for_bit(image, quality):
    assert np.array_equal(degraded(image, f"jpeg:{quality}"), np.asarray(v2.jpeg(image, quality)))


@pytest.mark.parametrize(
    ("text", "sigma", "radius"), [("blur:1.5", 1.5, 5), ("blur:3", 3, 9), ("blur:2,kernel=9", 2, 4)]
)
def test_blur_is_scipys_bit_for_bit_and_torchvisions_but_for_rounding(image, text, sigma, radius):
    pixels = np.asarray(image)
    expected = ndimage.gaussian_filter(
        pixels.astype(np.float32), (sigma, sigma, 0), radius=(radius, radius, 0), mode="mirror"
    )
    assert np.array_equal(degraded(image, text), np.rint(expected).astype(np.uint8))

    width = 2 * radius + 1
    other = v2.gaussian_blur(torch.from_numpy(pixels.copy()).permute(2, 0, 1), [width, width], [sigma, sigma])
    apart = levels_apart(degraded(image, text), other.permute(1, 2, 0).numpy())
    assert apart.max() <= 1
    assert apart.mean() < 0.001


def test_blur_of_a_point_is_the_gaussian():
    point = np.zeros((9, 9, 3), dtype=np.uint8)
    point[4, 4] = 255
    weights = np.exp(-(np.arange(-3, 4) ** 2) / 2.0)
    weights /= weights.sum()
    row = degraded(Image.fromarray(point), "blur:1")[4, 1:8, 0]
    assert row.tolist() == np.rint(255 * weights[3] * weights).tolist()


def test_blur_of_a_tiny_picture_works():
    assert degraded(Image.new("RGB", (1, 2), (10, 20, 30)), "blur:5").tolist() == [[[10, 20, 30]]] * 2


@pytest.mark.parametrize(("space", "scale"), [("pixel", (1, 1, 1)), ("normalised", (0.229, 0.224, 0.225))])
def test_noise_has_the_deviation_it_says(space, scale):
    grey = Image.new("RGB", (200, 200), (128, 128, 128))
    noise = (degraded(grey, f"noise:0.1,space={space}").astype(float) - 128) / 255
    assert noise.std(axis=(0, 1)) == pytest.approx(0.1 * np.array(scale), rel=0.02)
    assert abs(noise.mean(axis=(0, 1))).max() < 0.002


def test_noise_is_clipped_not_wrapped():
    white = degraded(Image.new("RGB", (50, 50), (255, 255, 255)), "noise:0.02")
    assert white.min() > 200
    assert (white == 255).mean() > 0.5


def test_noise_depends_on_the_key_alone(image):
    first = degraded(image, "noise:0.1", key=1)
    np.random.default_rng(0).random(3)
    torch.rand(3)
    assert np.array_equal(first, degraded(image, "noise:0.1", key=1, label=1))
    assert not np.array_equal(first, degraded(image, "noise:0.1", key=2))


def test_noise_of_this_key_is_this_noise():
    grey = Image.new("RGB", (2, 1), (128, 128, 128))
    assert degraded(grey, "noise:0.1", key=123).tolist() == [[[102, 112, 105], [102, 97, 99]]]


def test_levels_of_noise_share_their_pattern_and_noises_in_a_chain_do_not():
    grey = Image.new("RGB", (64, 64), (128, 128, 128))
    weak, strong = (degraded(grey, f"noise:{std}").astype(float).ravel() - 128 for std in (0.05, 0.1))
    second = degraded(grey, "noise:0.05+noise:0.05").astype(float).ravel() - 128 - weak
    assert np.corrcoef(weak, strong)[0, 1] > 0.99
    assert abs(np.corrcoef(weak, second)[0, 1]) < 0.05


def plain_phase_noise(pixels, std, noise):
    """Row by row: a transform over the width of the transform over the colours."""
    out = np.empty(pixels.shape)
    for row in range(pixels.shape[0]):
        waves = np.fft.fft(np.fft.fft(pixels[row].astype(float), axis=1), axis=0)
        moved = np.abs(waves) * np.exp(1j * (np.angle(waves) + std * noise[row]))
        out[row] = np.abs(np.fft.ifft(np.fft.ifft(moved, axis=1), axis=0))
    return out.clip(0, 255)


def test_phase_noise_is_that_of_a_plain_twin(image):
    key = 12
    digest = hashlib.blake2b(f"phase-noise\x1f0\x1f{key}".encode(), digest_size=16).digest()
    noise = np.random.default_rng(int.from_bytes(digest)).standard_normal((image.height, image.width, 3))
    expected = plain_phase_noise(np.asarray(image), 0.3, noise)
    found = np.asarray(parse_condition("phase-noise:0.3").apply(image, key, 0), dtype=float)
    assert np.abs(found - np.floor(expected)).max() <= 1  # where rounding meets an integer
    assert (found == np.floor(expected)).mean() > 0.999
    assert np.abs(found - np.asarray(image)).mean() > 5


def test_phase_noise_depends_on_the_key_and_hardly_moves_pixels_where_it_is_small(image):
    moved = np.asarray(parse_condition("phase-noise:0.001").apply(image, 1, 0), dtype=float) - np.asarray(image)
    assert moved.min() < 0
    assert np.abs(moved).max() <= 2
    one, two = (np.asarray(parse_condition("phase-noise:0.1").apply(image, key, 0)) for key in (1, 2))
    assert not np.array_equal(one, two)
    assert np.array_equal(one, np.asarray(parse_condition("phase-noise:0.1").apply(image, 1, 1)))


def test_phase_noise_has_its_place_on_a_curve():
    kind, level, axis = parse_condition("phase-noise:0.1@real").curve
    assert (kind, level, axis.title, axis.untouched) == ("phase-noise@real", 0.1, "standard deviation in radians", 0.0)


@pytest.mark.parametrize(
    ("text", "size"),
    [("resize:0.5", (30, 24)), ("resize:2", (122, 94)), ("resize:20px", (26, 20)), ("resize:94px", (122, 94))],
)
def test_resize_is_torchvisions_bit_for_bit(image, text, size):
    assert np.array_equal(degraded(image, text), F.resize(image, size[::-1]))


def test_resize_can_go_back(image):
    small = image.resize((30, 24), Image.Resampling.BILINEAR)
    assert np.array_equal(degraded(image, "resize:0.5,back=yes"), small.resize(image.size, Image.Resampling.BILINEAR))


@pytest.mark.parametrize("factor", [0.9, 0.8, 0.5, 0.33])
def test_crop_is_torchvisions_bit_for_bit(image, factor):
    height, width = round(47 * factor), round(61 * factor)
    expected = F.resize(F.center_crop(image, [height, width]), [47, 61])
    assert np.array_equal(degraded(image, f"crop:{factor}"), expected)


def test_a_chain_applies_from_left_to_right(image):
    chain = degraded(image, "resize:0.5+jpeg:30")
    assert np.array_equal(chain, degraded(Image.fromarray(degraded(image, "resize:0.5")), "jpeg:30"))
    assert not np.array_equal(chain, degraded(image, "jpeg:30+resize:0.5"))


@pytest.mark.parametrize(("suffix", "labels"), [("", {0, 1}), ("@real", {0}), ("@generated", {1})])
def test_a_class_that_is_not_meant_keeps_its_very_image(image, suffix, labels):
    condition = parse_condition(f"jpeg:10{suffix}")
    assert condition.classes == labels
    assert {label for label in (0, 1) if condition.apply(image, 0, label) is not image} == labels


@pytest.mark.parametrize(
    "text",
    [
        *("jpeg:75,subsampling=444", "avif:50", "greyscale", "longest:30", "thumbnail:20", "trim:3", "letterbox"),
        *("screenshot", "noise:0.1", "phase-noise:0.1", "screenshot+noise:0.1+screenshot"),
    ],
)
def test_both_classes_are_treated_alike(image, text):
    before = image.tobytes()
    condition = parse_condition(text)
    for key in (1, 2):
        real, generated = (condition.apply(image, key, label) for label in (0, 1))
        assert np.array_equal(real, generated)
        assert real.mode == "RGB"
    assert image.tobytes() == before  # the next condition is given the same picture


def test_clean_is_the_empty_chain(image):
    assert parse_condition("clean") == DegradationChain()
    assert DegradationChain().name == "clean"
    assert DegradationChain().apply(image, 0, 1) is image


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("jpeg:075", "jpeg:75"),
        ("blur:2.0", "blur:2"),
        ("blur:.5,kernel=5", "blur:0.5"),
        ("blur:2,kernel=09", "blur:2,kernel=9"),
        ("noise:0.10,space=pixel,at=protocol", "noise:0.1"),
        ("noise:0.1,space=normalised@real", "noise:0.1,space=normalised@real"),
        ("resize:112px,back=no", "resize:112px"),
        ("blur:2,kernel=9+jpeg:75@generated,at=original", "blur:2,kernel=9+jpeg:75@generated,at=original"),
        ("crop:1.0,at=original", "crop:1,at=original"),
        ("jpeg:75,subsampling=420", "jpeg:75"),
        ("greyscale:+letterbox,colour=black", "greyscale+letterbox"),
    ],
)
def test_a_name_is_canonical(text, name):
    condition = parse_condition(text)
    assert condition.name == name
    assert parse_condition(name) == condition


STEPS = st.one_of(
    st.builds("{}:{}".format, st.sampled_from(["jpeg", "webp", "avif", "heic"]), st.integers(1, 100)),
    st.builds("jpeg:{},subsampling={}".format, st.integers(1, 100), st.sampled_from(["420", "422", "444"])),
    st.builds("{}:{}".format, st.sampled_from(["longest", "thumbnail", "trim"]), st.integers(1, 9999)),
    st.sampled_from(["greyscale", "letterbox", "letterbox,colour=white", "screenshot", "letterbox,colour=black"]),
    st.builds("{},rounds={}".format, st.sampled_from(["social-x", "double-jpeg", "ntire"]), st.integers(1, 10)),
    st.builds("blur:{:.3f},kernel={}".format, st.floats(0.001, 20), st.integers(1, 40).map(lambda n: 2 * n + 1)),
    st.builds("noise:{:.4f},space={}".format, st.floats(0.001, 3), st.sampled_from(["pixel", "normalised"])),
    st.builds("resize:{:.3f},back={}".format, st.floats(0.01, 16), st.sampled_from(["yes", "no"])),
    st.builds("crop:{:.4f}".format, st.floats(0.01, 1)),
)


@given(
    st.lists(STEPS, min_size=1, max_size=4),
    st.sampled_from(["", "@real", "@generated"]),
    st.sampled_from(["", ",at=original", ",at=protocol"]),
)
def test_every_condition_is_read_back_from_its_name(steps, suffix, place):
    condition = parse_condition("+".join(steps) + suffix + place)
    assert parse_condition(condition.name) == condition
    assert parse_condition(condition.name).name == condition.name


def test_presets_are_canonical_conditions():
    for preset in PRESETS.values():
        assert [parse_condition(text).name for text in preset] == list(preset)
    assert [len(preset) for preset in PRESETS.values()] == [15, 20, 6]


def test_conditions_can_be_sent_to_workers():
    condition = parse_condition("noise:0.1+jpeg:75@real")
    assert pickle.loads(pickle.dumps(condition)) == condition


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jpg:75", "Unknown degradation 'jpg' in 'jpg:75'. Did you mean 'jpeg'? Available: jpeg, webp, avif, heic,"),
        ("", "Unknown degradation '' in ''. Available: "),
        ("jpeg:75+", r"Unknown degradation '' in 'jpeg:75\+'"),
        ("clean+jpeg:75", r"Unknown degradation 'clean'"),
        ("jpeg:75@reel", "Unknown class 'reel' in 'jpeg:75@reel'. Did you mean 'real'? Available: real, generated."),
        ("jpeg:75@", "Unknown class ''"),
        ("jpeg:75@real@generated", "Unknown class 'real@generated'"),
        ("jpeg:75,at=orginal", "Unknown place 'orginal' .* Did you mean 'original'? Available: protocol, original."),
        ("jpeg:75,at=original@real", "'at' belongs to the whole condition: write it once, at the end of"),
        ("jpeg:75,at=original+blur:2", "'at' belongs to the whole condition"),
        ("jpeg:75,at=original,at=original", "'at' belongs to the whole condition"),
        ("noise:0.1,space=normalized", "Unknown noise space 'normalized' .* Did you mean 'normalised'?"),
        ("blur:2,kernal=9", "Unknown option of 'blur' 'kernal' .* Did you mean 'kernel'? Available: kernel."),
        ("jpeg:75,kernel=9", "Unknown option of 'jpeg' 'kernel' .* Available: subsampling."),
        ("blur:2,kernel=8", "'kernel' in 'blur:2,kernel=8' must be odd, got 8."),
        ("blur:2,kernel=9,kernel=9", "The option 'kernel' of 'blur' stands twice"),
        ("jpeg:0", "'jpeg' in 'jpeg:0' must be an integer from 1 to 100, got '0'."),
        ("jpeg:75.5", "must be an integer from 1 to 100, got '75.5'."),
        ("webp", "'webp' in 'webp' must be an integer from 1 to 100, got ''."),
        ("blur:0", "'blur' in 'blur:0' must be a number from 0.001 to 100, got '0'."),
        ("noise:nan", "must be a number from 0.001 to 100, got 'nan'."),
        ("noise:1e-1", "got '1e-1'."),
        ("crop:1.2", "must be a number from 0.001 to 1, got '1.2'."),
        ("resize:0px", "must be an integer from 1 to 10000, got '0'."),
        ("resize:0.5,back=maybe", "Unknown value of 'back' 'maybe'"),
        ("jpeg: 75", "got ' 75'."),
        ("jpeg:75,subsampling=411", "Unknown subsampling '411' in .* Available: 420, 422, 444."),
        ("webp:75,subsampling=444", "Unknown option of 'webp' 'subsampling' .* Available: none."),
        ("avif:0", "'avif' in 'avif:0' must be an integer from 1 to 100, got '0'."),
        ("heic", "'heic' in 'heic' must be an integer from 1 to 100, got ''."),
        ("greyscale:1", "'greyscale' in 'greyscale:1' takes no amount, got '1'."),
        ("letterbox,colour=red", "Unknown colour 'red' in .* Available: black, white."),
        ("screenshot:2", "'screenshot' in 'screenshot:2' takes no amount, got '2'."),
        ("longest:0", "'longest' in 'longest:0' must be an integer from 1 to 10000, got '0'."),
        ("thumbnail:12.5", "'thumbnail' in 'thumbnail:12.5' must be an integer from 1 to 10000, got '12.5'."),
        ("grayscale", "Unknown degradation 'grayscale' in 'grayscale'. Did you mean 'greyscale'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_what_is_allowed(text, message):
    with pytest.raises(DataOptionError, match="^(?:.*)" + message.replace("?", r"\?")):
        parse_condition(text)


def test_a_picture_too_large_for_its_format_is_unreadable():
    strip = Image.new("RGB", (20_000, 1))
    with pytest.raises(UnreadableImageError, match=r"^20000 x 1 cannot be written as WEBP$"):
        parse_condition("webp:80").apply(strip, 0, 0)
    with pytest.raises(UnreadableImageError, match=r"^20000 x 1 is too large for resize:100px$"):
        parse_condition("resize:100px").apply(strip, 0, 0)
