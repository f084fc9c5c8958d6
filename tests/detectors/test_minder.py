import pytest
import torch
from test_contrastive_blur import plain_score as blur_score
from torch import nn

from detectors import Backbone, Minder, OptionError
from detectors.randomness import seeded_generator


def plain_scores(backbone: Backbone, image: torch.Tensor, key: int, noise: float, draws: int) -> tuple[float, float]:
    clean, distances = backbone.compute(image[None])[0].double(), []
    for draw in range(draws):
        delta = torch.randn(image.shape, generator=seeded_generator("minder", 0, draw, key))
        noisy = backbone.compute((image + noise * delta).clamp(0, 1)[None])[0].double()
        distances.append(1 - (clean @ noisy / (clean.norm() * noisy.norm())).item())
    return sum(distances) / draws, blur_score(backbone, image, 0.55)


@pytest.mark.heavy
def test_score_is_the_smaller_of_both_of_a_plain_twin(vit, photographs):
    keys = torch.tensor([5, 6, 7])
    for noise in (0.009, 0.2):
        both = [plain_scores(vit, image, key, noise, 3) for image, key in zip(photographs, keys.tolist(), strict=True)]
        scores = Minder(vit, noise=noise)(photographs, keys)
        assert len(scores.unique()) == 3
        assert scores.tolist() == pytest.approx([min(pair) for pair in both], rel=1e-4, abs=1e-6)
    assert all(blur < noise for noise, blur in both)  # the larger noise: the other one decides


def test_score_by_hand():
    """Without noise the first distance is 0; a flat grey image has no edges, so under noise the second is."""
    backbone = Backbone("pixels", nn.Sequential(nn.Flatten()), ["0"], mean=(0, 0, 0), std=(1, 1, 1))
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert Minder(backbone, noise=0.0)(images, torch.arange(2)).tolist() == [0, 0]
    flat = torch.full((1, 3, 8, 8), 0.5)
    assert Minder(backbone, noise=0.5)(flat, torch.arange(1)).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": -0.1}, "noise must be a number of at least 0, got -0.1"),
        ({"draws": 0}, "draws must be at least 1, got 0"),
        ({"sigma": 0.0}, "sigma must be a number greater than 0, got 0.0"),
    ],
)
def test_impossible_option_says_what_is_wrong(vit, options, message):
    with pytest.raises(OptionError, match=message):
        Minder(vit, **options)
