import pytest
import torch
from torch import nn

from detectors import Backbone, OptionError, Rigid, UnknownNameError, View
from detectors.randomness import image_noise, seeded_generator
from detectors.similarity import cosine_distance


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


def test_options_that_came_later_leave_the_published_default_as_it_was(vit):
    images, keys = torch.rand(2, 3, 56, 56, generator=torch.Generator().manual_seed(0)), torch.arange(2)
    noise = torch.stack([torch.randn(3, 56, 56, generator=seeded_generator("rigid", 0, 0, key)) for key in (0, 1)])
    features = [vit.compute(one) for one in (images, images + 0.05 * vit.std * noise)]
    assert torch.equal(Rigid(vit)(images, keys), cosine_distance(*features))
    assert Rigid(vit).fingerprinted == {"noise": 0.05, "space": "normalised", "draws": 1}
    later = {"layer": 1, "tokens": "mean", "clip": True, "family": "laplace"}
    fingerprints = {Rigid(vit, **{name: value}).fingerprint() for name, value in later.items()}
    assert len(fingerprints | {Rigid(vit).fingerprint()}) == 5


@pytest.mark.parametrize("family", ["uniform", "laplace"])
def test_families_of_noise_have_the_same_standard_deviation(vit, family):
    images = torch.zeros(1, 3, 224, 224)
    noise = image_noise(images, torch.arange(1), "rigid", 0, 0, family=family)
    assert noise.std().item() == pytest.approx(1, abs=0.01)
    assert noise.abs().max() < (3**0.5 + 1e-6 if family == "uniform" else 12)
    small = torch.rand(2, 3, 56, 56, generator=torch.Generator().manual_seed(0)), torch.arange(2)
    assert not torch.equal(Rigid(vit, family=family)(*small), Rigid(vit)(*small))


def test_clipped_pixels_stay_within_the_picture():
    """Black cannot become darker: half of the noise is lost, and a mean of it remains."""
    seen = []
    black, key = torch.zeros(1, 3, 2, 2), torch.tensor([0])
    for clip in (False, True):
        backbone = backbone_of(0.25)
        backbone.model.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
        Rigid(backbone, clip=clip, space="pixel")(black, key)
    assert seen[1].min() < seen[0].min()
    assert seen[3].min() == seen[0].min()


def test_random_crop_is_one_option_away(vit):
    assert Rigid(vit, preprocessing="random-crop").view == View(224, "random-crop")
    assert Rigid(vit).view == View(224, "resize")


def plain_blocks(model: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
    """The tokens after each block, by going through the network."""
    tokens = model._pos_embed(model.patch_embed(images))
    after = []
    for block in model.blocks:
        tokens = block(tokens)
        after.append(tokens)
    return after


@pytest.mark.parametrize("tokens", ["cls", "mean"])
@pytest.mark.parametrize("layer", [0, 3, None])
def test_features_of_a_layer_are_those_of_a_plain_pass(vit, layer, tokens):
    images, keys = torch.rand(2, 3, 56, 56, generator=torch.Generator().manual_seed(0)), torch.arange(2)
    noise = torch.stack([torch.randn(3, 56, 56, generator=seeded_generator("rigid", 0, 0, key)) for key in (0, 1)])
    pair = [(one - vit.mean) / vit.std for one in (images, images + 0.05 * vit.std * noise)]
    if layer is None and tokens == "cls":
        features = [vit.model(one) for one in pair]
    else:
        blocks = [plain_blocks(vit.model, one)[-1 if layer is None else layer] for one in pair]
        features = [one[:, 0] if tokens == "cls" else one[:, 1:].mean(dim=1) for one in blocks]
    scores = Rigid(vit, layer=layer, tokens=tokens)(images, keys)
    assert len(scores.unique()) == 2
    torch.testing.assert_close(scores, cosine_distance(*features), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": 6}, "layer must lie within 0-5, the blocks of the backbone, got 6"),
        ({"layer": -1}, "layer must lie within 0-5, the blocks of the backbone, got -1"),
        ({"tokens": "all"}, "Unknown tokens 'all'"),
        ({"family": "cauchy"}, "Unknown family 'cauchy'"),
        ({"preprocessing": "crop"}, "Unknown preprocessing 'crop'"),
    ],
)
def test_impossible_layer_or_choice_says_what_is_wrong(vit, options, message):
    with pytest.raises((OptionError, UnknownNameError), match=message):
        Rigid(vit, **options)
