import pytest
import torch
from torch import nn

from detectors import Backbone, OptionError, Rigid, View
from detectors.randomness import image_noise


class FirstPixels(nn.Module):
    """Features are the red and the green value of the first pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(nn.Identity())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, :2, 0, 0]


def backbone_of(std: float) -> Backbone:
    return Backbone("first-pixels", FirstPixels(), ["blocks"], mean=(0.5,) * 3, std=(std,) * 3)


def test_the_view_is_that_of_the_paper():
    assert Rigid.view == View(224, "resize")


def test_noise_lives_in_the_normalised_space_by_hand():
    images = torch.full((1, 3, 4, 4), 0.75)
    key = torch.tensor([11])
    noise = image_noise(images, key, "rigid", 0, 0)[0, :2, 0, 0].double()
    clean = torch.tensor([1.0, 1.0]).double()  # (0.75 - 0.5) / 0.25
    noisy = clean + 0.05 * noise
    expected = 1 - (clean @ noisy) / (clean.norm() * noisy.norm())
    score = Rigid(backbone_of(0.25))(images, key)
    torch.testing.assert_close(score[0], expected, rtol=1e-4, atol=0)


def test_pixel_space_is_four_times_as_noisy_at_a_std_of_a_quarter():
    images = torch.full((1, 3, 4, 4), 0.75)
    key = torch.tensor([11])
    pixel = Rigid(backbone_of(0.25), noise=0.05, space="pixel")(images, key)
    normalised = Rigid(backbone_of(0.25), noise=0.2)(images, key)
    torch.testing.assert_close(pixel, normalised)


def test_noise_depends_on_key_seed_and_draw_alone():
    images = torch.zeros(2, 3, 4, 4)
    keys = torch.tensor([5, 6])
    noise = image_noise(images, keys, "rigid", 0, 0)
    assert torch.equal(noise.flip(0), image_noise(images, keys.flip(0), "rigid", 0, 0))
    for other in (image_noise(images, keys + 1, "rigid", 0, 0), image_noise(images, keys, "rigid", 1, 0)):
        assert not torch.equal(noise[0], other[0])
    assert not torch.equal(noise, image_noise(images, keys, "rigid", 0, 1))


def test_draws_are_averaged_and_cost_a_pass_each(vit):
    images, keys = torch.rand(3, 3, 56, 56), torch.arange(3)
    before = vit.counter.images
    several = Rigid(vit, draws=4)
    assert several.passes == 4
    assert not torch.equal(several(images, keys), Rigid(vit)(images, keys))
    assert vit.counter.images - before == 3 * (1 + 4 + 1)


def test_no_noise_gives_zero(vit):
    images = torch.rand(2, 3, 56, 56)
    assert Rigid(vit, noise=0.0)(images, torch.arange(2)).abs().max() == 0


@pytest.mark.parametrize("options", [{"noise": -1}, {"draws": 0}])
def test_impossible_option_says_what_is_wrong(vit, options):
    with pytest.raises(OptionError, match=rf"{next(iter(options))} must be"):
        Rigid(vit, **options)


def test_unknown_space_is_an_error(vit):
    with pytest.raises(LookupError, match=r"Unknown space 'pixels'\. Did you mean 'pixel'"):
        Rigid(vit, space="pixels")
