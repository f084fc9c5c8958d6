import pytest
import torch
from torch import Tensor, nn
from torchvision.transforms.functional import gaussian_blur

from detectors import Aeroblade, Hfi, OptionError, UnknownNameError
from detectors.autoencoders import Autoencoder
from detectors.hfi import central_square, low_pass
from detectors.reconstruction import ReconstructionDetector


class Scaled(Autoencoder):
    """Reconstructs every pixel at a share of its brightness."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def encode(self, images: Tensor) -> tuple[Tensor, None]:
        return images, None

    def decode(self, latents: Tensor) -> Tensor:
        return self.share * latents


def with_autoencoders(detector: ReconstructionDetector, *autoencoders: nn.Module) -> ReconstructionDetector:
    detector.autoencoders = nn.ModuleList(autoencoders)
    return detector


def stripes(low: float, high: float) -> Tensor:
    """Columns of two levels in turn, 40 px, of which a box of 2 x 2 pixels would see the mean."""
    return torch.tensor([low, high]).repeat(20).expand(3, 40, 40).contiguous()


@pytest.mark.parametrize(("reduction", "expected"), [("min", -2 / 9 / 64), ("mean", -2 / 9 * (1 / 64 + 1 / 16) / 2)])
def test_score_by_hand(reduction, expected):
    """Of stripes of 0 and 1, a box of three columns sees 1/3 and 2/3: mean squares 1/2 and 5/18, 2/9 less."""
    detector = Hfi(distance="mse", filter="box", reduction=reduction)
    with_autoencoders(detector, Scaled(0.75), Scaled(0.875))
    inner = {"rtol": 1e-5, "atol": 0}
    torch.testing.assert_close(detector([stripes(0.0, 1.0)], torch.zeros(1)).item(), expected, **inner)
    assert detector([stripes(0.5, 0.5)], torch.zeros(1)).item() == pytest.approx(0, abs=1e-7)


def plain_score(image: Tensor, detector: Hfi) -> float:
    """Written from the facts: both reconstructions of the whole image, pixel by pixel."""
    levels = torch.nn.functional.pad(image, (1, 1, 1, 1), mode="reflect")
    weights = [2.718281828459045 ** (-(offset**2) / 2) for offset in (-1, 0, 1)]
    smooth = torch.zeros_like(image)
    for row in range(3):
        for column in range(3):
            share = weights[row] * weights[column] / sum(weights) ** 2
            smooth += share * levels[:, row : row + image.shape[1], column : column + image.shape[2]]
    differences = []
    for autoencoder in detector.autoencoders:
        first, second = (
            ((picture[None] - autoencoder.decode(autoencoder.encode(picture[None])[0])) ** 2).mean().item()
            for picture in (image, smooth)
        )
        differences.append(first - second)
    return -min(differences)


def test_scores_are_those_of_a_plain_loop(photographs):
    detector = Hfi(distance="mse")
    with torch.inference_mode():
        scores = detector(photographs, torch.arange(3))
        plain = [plain_score(image, detector) for image in photographs]
    assert len(scores.unique()) == 3
    torch.testing.assert_close(scores, torch.tensor(plain).double(), rtol=1e-5, atol=1e-8)


def test_reconstructions_are_not_clamped_as_aeroblades_are():
    grey, options = torch.full((3, 40, 40), 0.75), {"distance": "mse", "eight_bit": "none"}
    assert with_autoencoders(Hfi(distance="mse"), Scaled(2.0)).distances(grey, 0).item() == 0.75**2
    assert with_autoencoders(Aeroblade(**options), Scaled(2.0)).distances(grey, 0).item() == 0.25**2


def test_the_gaussian_filter_is_torchvisions_with_the_border_mirrored(photographs):
    ours = low_pass(photographs[0], "gaussian", 5, 0.8)
    torch.testing.assert_close(ours, gaussian_blur(photographs[0], [5, 5], [0.8, 0.8]))


def test_the_box_is_a_mean_with_the_border_mirrored(photographs):
    padded = nn.functional.pad(photographs[:1], (1, 1, 1, 1), mode="reflect")
    torch.testing.assert_close(low_pass(photographs[0], "box", 3, 1.0), nn.functional.avg_pool2d(padded, 3, 1)[0])


def test_the_median_has_zeros_around():
    image = torch.arange(1.0, 10).view(1, 3, 3).expand(3, 3, 3)
    assert low_pass(image, "median", 3, 1.0)[0].tolist() == [[0, 2, 0], [2, 5, 3], [0, 5, 0]]


def test_a_square_is_cut_of_the_larger_image_and_scaled_of_any_other():
    image = torch.arange(6 * 8, dtype=torch.float32).expand(3, 48).view(3, 6, 8) / 255
    assert torch.equal(central_square(image, 4), image[:, 1:5, 2:6])
    assert central_square(image, 6).shape == (3, 6, 6)
    assert central_square(image[:, :, :5], 6).shape == (3, 6, 6)


def test_the_preparation_of_the_later_code_is_an_option(photographs):
    images = [photographs[0][:, :40], photographs[1]]
    native, square = (Hfi(preprocessing=name)(images, torch.arange(2)) for name in ("native", "square-256"))
    assert not torch.isclose(native, square).any()
    expected = Hfi()([central_square(image, 256) for image in images], torch.arange(2))
    torch.testing.assert_close(square, expected)


def test_small_images_and_tiles_have_scores(photographs):
    large = nn.functional.interpolate(photographs, size=(200, 330), mode="bilinear")[0]
    whole, tiled = (Hfi(tile=tile)([large], torch.zeros(1)) for tile in (512, 128))
    torch.testing.assert_close(tiled, whole, rtol=0.05, atol=1e-3)
    assert Hfi()([photographs[0][:, :1, :7]], torch.zeros(1)).isfinite().all()


def test_every_setting_is_named_with_its_source():
    detector = Hfi(sigma=2.0)
    assert detector.settled["filter"] == "gaussian"
    assert detector.settled["autoencoder"] == "embedded-a, embedded-b (the demo's own)"
    assert detector.sources == {
        "filter": "later code", "kernel": "later code", "sigma": "ours", "layer": "later code",
        "distance": "ours", "reduction": "ours", "preprocessing": "ours",
    }  # fmt: skip
    assert detector.passes == 4
    assert len({Hfi(**more).fingerprint() for more in ({}, {"sigma": 2.0}, {"filter": "box"}, {"kernel": 5})}) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filter": "bilateral"}, r"Unknown filter 'bilateral'.* Available: box, gaussian, median"),
        ({"reduction": "max"}, "Unknown reduction 'max'"),
        ({"preprocessing": "square"}, "Unknown preprocessing 'square'"),
        ({"kernel": 4}, "kernel must be an odd number within 3-31, got 4"),
        ({"kernel": 1}, "kernel must be an odd number"),
        ({"sigma": 0}, "sigma must be a number above 0, got 0"),
        ({"tile": 100}, "tile must be a multiple of 32"),
    ],
)
def test_impossible_option_says_what_is_wrong(options, message):
    with pytest.raises((OptionError, UnknownNameError), match=message):
        Hfi(**options)
