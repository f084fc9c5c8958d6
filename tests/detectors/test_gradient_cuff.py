import pytest
import torch
from torch import Tensor, nn

from detectors import Backbone, GradientCuff, OptionError, Perturbation, UnknownNameError, WePe, WepeGradientCuff
from detectors.gradient_cuff import gradient_norm, noise_products
from detectors.similarity import cosine_distance


class Flat(nn.Module):
    """Features are the mean colours times a matrix: small enough to be written down."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(nn.Linear(3, 2, bias=False))
        self.blocks[0].weight = nn.Parameter(torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]))

    def forward(self, images: Tensor) -> Tensor:
        return self.blocks(images.mean(dim=(2, 3)))


@pytest.fixture
def flat() -> Backbone:
    return Backbone("flat", Flat(), ["blocks"], mean=(0, 0, 0), std=(0.5, 0.5, 0.5))


@pytest.fixture
def images() -> Tensor:
    return torch.rand(3, 3, 56, 56, generator=torch.Generator().manual_seed(0))


def test_input_space_by_hand(flat):
    """One direction, the green channel: the features turn by 45 degrees, and the direction has length 4."""
    red = torch.zeros(1, 3, 4, 4)
    red[:, 0] = 1  # normalised 2: features (2, 0)
    detector = GradientCuff(flat, directions=1, mu=1.0)
    detector._directions(red)
    step = torch.zeros(1, 3, 4, 4)
    step[:, 1] = 1  # normalised
    detector._drawn = step * 0.5, torch.tensor([[16.0]]).double()
    # Moved: normalised (2, 1, 0), features (2, 2). ||g|| = (1 - cos 45) / mu * 4.
    expected = torch.tensor([4 * (1 - 0.5**0.5)]).double()
    torch.testing.assert_close(detector(red, torch.zeros(1)), expected)


def test_weight_space_by_hand(flat):
    """Two perturbed matrices of known angle: cosines 0.6 and 0, noises of known products."""
    detector = WepeGradientCuff(flat, directions=2, ratio=0.5)
    for network, weight in zip(detector.perturbed, ([[3.0, 0, 0], [4, 2, 0]], [[0.0, 0, 0], [1, 2, 0]]), strict=True):
        network.model.blocks[0].weight = nn.Parameter(torch.tensor(weight), requires_grad=False)
    detector.products = noise_products(detector.perturbed) / 0.5**2
    # Noises [[2, .], [4, .]] and [[-1, .], [1, .]], directions twice as long: products 80, 8 and 8.
    assert detector.products.tolist() == [[80, 8], [8, 8]]
    red = torch.zeros(1, 3, 4, 4)
    red[:, 0] = 1
    squared = 0.4**2 * 80 + 2 * 0.4 * 1.0 * 8 + 1.0**2 * 8
    expected = torch.tensor([(squared / (2 * 0.5) ** 2) ** 0.5]).double()
    torch.testing.assert_close(detector(red, torch.zeros(1)), expected)


def test_norm_equals_that_of_the_gradient_written_out(vit, images):
    detector = GradientCuff(vit, directions=4, mu=0.05)
    clean = vit(images)
    steps, _ = detector._directions(images)
    gradient = torch.zeros(3, steps[0].numel()).double()
    for step in steps:
        change = cosine_distance(vit(images + 0.05 * step), clean)
        gradient += change[:, None] / 0.05 * (step / vit.std[0]).flatten() / 4
    torch.testing.assert_close(detector(images, torch.arange(3)), gradient.norm(dim=1), rtol=1e-4, atol=0)


def test_norm_over_the_weights_equals_that_of_the_gradient_written_out(vit, images):
    detector = WepeGradientCuff(vit, directions=3, ratio=0.2)
    clean = vit(images)
    gradient: Tensor | float = 0.0
    for draw in range(3):
        network = Perturbation(0.2).perturb(vit, 0, draw)
        pairs = zip(network.model.parameters(), vit.model.parameters(), strict=True)
        direction = torch.cat([(noisy - own).flatten() for noisy, own in pairs]).double() / 0.2
        gradient = gradient + (cosine_distance(clean, network(images)) / 0.2)[:, None] * direction / 3
    assert isinstance(gradient, Tensor)
    torch.testing.assert_close(detector(images, torch.arange(3)), gradient.norm(dim=1), rtol=1e-4, atol=0)


def test_products_do_not_depend_on_how_many_networks_are_kept(vit):
    kept = Perturbation().models(vit, 0, 3)
    redrawn = Perturbation().models(vit, 0, 3, hold=1)
    assert len(kept.kept) == 3
    assert len(redrawn.kept) == 0
    torch.testing.assert_close(noise_products(redrawn), noise_products(kept), rtol=1e-12, atol=0)


def test_directions_in_the_weights_are_nearly_orthogonal(vit):
    """So the norm is nearly a root mean square over the networks of which WePe takes the mean."""
    products = WepeGradientCuff(vit, directions=4).products
    off_diagonal = products - products.diag().diag()
    assert off_diagonal.abs().max() < 0.1 * products.diag().min()


def test_weight_space_uses_the_networks_of_wepe(vit, images):
    single = WepeGradientCuff(vit, directions=1)
    expected = WePe(vit)(images, torch.arange(3)) * single.products[0, 0].sqrt() / 0.1
    torch.testing.assert_close(single(images, torch.arange(3)), expected)


def test_input_of_wepe_differences_wepes_score(vit, images):
    detector = GradientCuff(vit, space="input_of_wepe", directions=2, ratio=0.2)
    wepe = WePe(vit, ratio=0.2)
    steps, products = detector._directions(images)
    keys = torch.arange(3)
    changes = torch.stack([wepe(images + 0.02 * step, keys) - wepe(images, keys) for step in steps])
    torch.testing.assert_close(detector(images, keys), gradient_norm(changes, products, 0.02), rtol=1e-3, atol=0)


def test_directions_are_the_same_for_all_images_and_seeded(vit, images):
    detector = GradientCuff(vit, directions=2)
    first, _ = detector._directions(images)
    assert detector._directions(images[:1])[0] is first
    assert not torch.equal(GradientCuff(vit, directions=2, seed=1)._directions(images)[0], first)
    assert detector._directions(images[..., :28])[0].shape == (2, 3, 56, 28)


@pytest.mark.parametrize(
    ("build", "passes"),
    [
        (lambda vit: GradientCuff(vit, directions=3), 3),
        (lambda vit: GradientCuff(vit, directions=3, space="input_of_wepe"), 7),
        (lambda vit: WepeGradientCuff(vit, directions=3), 3),
    ],
)
def test_passes_beside_the_clean_one_are_counted(vit, images, build, passes):
    detector = build(vit)
    vit(images)
    before = vit.counter.images
    detector(images, torch.arange(3))
    assert detector.passes == passes
    assert vit.counter.images - before == 3 * passes


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda vit: GradientCuff(vit, directions=0), "directions must be at least 1, got 0"),
        (lambda vit: GradientCuff(vit, mu=0), r"mu must be a number greater than 0 \(it is the step\), got 0"),
        (lambda vit: WepeGradientCuff(vit, ratio=0.0), "ratio must be a number greater than 0"),
        (lambda vit: WepeGradientCuff(vit, ratio=float("nan")), "ratio must be a number greater than 0"),
        (lambda vit: GradientCuff(vit, space="input_of_wepe", blocks=9), "blocks must lie within 0-5"),
    ],
)
def test_impossible_option_says_what_is_wrong(vit, build, message):
    with pytest.raises(OptionError, match=message):
        build(vit)


def test_only_options_in_use_are_named(vit):
    assert GradientCuff(vit).settled == {"space": "input", "directions": 10, "mu": 0.02}
    assert GradientCuff(vit, space="input_of_wepe").settled["blocks"] == "0-3 of 6"
    assert WepeGradientCuff(vit, blocks="1,3").settled["blocks"] == "1,3 of 6"


def test_unknown_space_is_an_error(vit):
    with pytest.raises(UnknownNameError, match="Unknown space 'weights'"):
        GradientCuff(vit, space="weights")
