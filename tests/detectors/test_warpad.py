import pytest
import torch
from torch import Tensor, nn

from detectors import Backbone, OptionError, View, WaRPAD
from detectors.warpad import details


def haar(image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One level of the orthonormal transform of ``(H, W)``: low-pass, and the three kinds of details."""
    a, b, c, d = image[::2, ::2], image[::2, 1::2], image[1::2, ::2], image[1::2, 1::2]
    return (a + b + c + d) / 2, (a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2


def inverse(low: Tensor, first: Tensor, second: Tensor, third: Tensor) -> Tensor:
    image = torch.zeros(2 * low.shape[0], 2 * low.shape[1], dtype=low.dtype)
    image[::2, ::2] = (low + first + second + third) / 2
    image[::2, 1::2] = (low - first + second - third) / 2
    image[1::2, ::2] = (low + first - second - third) / 2
    image[1::2, 1::2] = (low - first - second + third) / 2
    return image


def plain_details(image: Tensor) -> Tensor:
    """Of ``(3, H, W)``: two levels there, the low-pass part of the second set to zero, and two levels back."""
    channels = []
    for channel in image:
        low, *fine = haar(channel)
        lower, *coarse = haar(low)
        channels.append(inverse(inverse(torch.zeros_like(lower), *coarse), *fine))
    return torch.stack(channels)


def plain_score(backbone: Backbone, image: Tensor, side: int, level: float) -> float:
    similarities = []
    for top in range(0, image.shape[1], side):
        for left in range(0, image.shape[2], side):
            patch = image[:, top : top + side, left : left + side]
            pair = (patch, patch + level * plain_details(patch))
            first, second = (backbone.compute(one[None])[0].double() for one in pair)
            similarities.append((first @ second / (first.norm() * second.norm())).item())
    return 1 - sum(similarities) / len(similarities)


def test_details_are_those_of_the_plain_wavelet_transform(photographs):
    for image, ours in zip(photographs, details(photographs), strict=True):
        torch.testing.assert_close(ours, plain_details(image), rtol=0, atol=1e-6)
    assert torch.equal(haar(torch.eye(2))[0], torch.tensor([[1.0]]))


def test_score_is_that_of_a_plain_twin(vit, photographs):
    images = torch.nn.functional.interpolate(photographs, size=112, mode="bicubic")
    expected = [plain_score(vit, image, 56, 0.1) for image in images]
    scores = WaRPAD(vit, grid=2)(images, torch.arange(3))
    assert len(scores.unique()) == 3
    assert scores.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_score_by_hand():
    """One pixel of 1 among 16: its detail is 15/16, of the others -1/16. The other three patches are flat."""
    backbone = Backbone("pixels", nn.Sequential(nn.Flatten()), ["0"], mean=(0, 0, 0), std=(1, 1, 1))
    image = torch.zeros(1, 3, 8, 8)
    image[..., 0, 0] = 1
    image[..., 4:, :], image[..., 4:] = 0.5, 0.5
    moved, length = 1 + 15 / 16, (31**2 + 15) ** 0.5 / 16
    score = WaRPAD(backbone, grid=2, level=1.0)(image, torch.tensor([0])).item()
    assert score == pytest.approx((1 - moved / length) / 4, rel=1e-5)


def test_stronger_details_move_features_more_and_normalisation_does_not_matter(vit, photographs):
    keys = torch.arange(3)
    weak, strong = (WaRPAD(vit, grid=1, level=level)(photographs, keys) for level in (0.05, 0.2))
    assert (weak < strong).all()
    normalised = (photographs - vit.mean) / vit.std
    torch.testing.assert_close(details(normalised), details(photographs) / vit.std, rtol=1e-4, atol=1e-5)


def test_passes_are_two_a_patch(vit, photographs):
    images, before = torch.nn.functional.interpolate(photographs, size=112), vit.counter.images
    detector = WaRPAD(vit, grid=2)
    detector(images, torch.arange(3))
    assert vit.counter.images - before == 3 * detector.passes == 3 * 8
    assert (WaRPAD(vit).passes, WaRPAD.view) == (32, View(896, "resize", interpolation="bicubic"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid": 0}, "grid must be at least 1, got 0"),
        ({"level": float("nan")}, "level must be a number, got nan"),
        ({"grid": 3}, "grid=3 wants pictures whose sides are divisible by 12, got 56 x 56"),
    ],
)
def test_impossible_option_says_what_is_wrong(vit, photographs, options, message):
    with pytest.raises(OptionError, match=message):
        WaRPAD(vit, **options)(photographs, torch.arange(3))
