from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure
from torchmetrics.functional.image.lpips import _LPIPS

from detectors import OptionError, UnknownNameError, WeightsError, WeightsNotFoundError
from detectors.distances import NETS, Dists, Features, Lpips, create_distance


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random weights of the networks, in files of torchvision's layout."""
    folder = tmp_path_factory.mktemp("torchvision")
    generator = torch.Generator().manual_seed(0)
    files = {}
    for net, (model, _) in NETS.items():
        with torch.device("meta"):
            shapes = torchvision.models.get_model(model, weights=None).features.state_dict()
        state = {f"features.{key}": _scaled(value.shape, generator) for key, value in shapes.items()}
        files[net] = folder / f"{model}.pth"
        torch.save(state | {"classifier.6.bias": torch.zeros(3)}, files[net])
    return files


def _scaled(shape: torch.Size, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator) * (2 / max(1, shape[1:].numel())) ** 0.5


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    first = torch.rand(2, 3, 64, 48, generator=torch.Generator().manual_seed(1))
    return first, (first + 0.1 * torch.rand(first.shape, generator=torch.Generator().manual_seed(2))).clamp(0, 1)


def test_mse_by_hand():
    assert create_distance("mse")(torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.5)).tolist() == [0.25]


def test_gradient_distance_by_hand():
    """One step edge of height 1 in all channels: it lies in one of four columns, and its mirror image is as far."""
    step = torch.zeros(1, 3, 4, 4)
    step[..., 2:] = 1
    flat = torch.zeros_like(step)
    distance = create_distance("gradient")
    torch.testing.assert_close(distance(step, flat), torch.tensor([3 / (3 + 1e-4) / 4]))
    torch.testing.assert_close(distance(step, 1 - step), torch.tensor([12 / (6 + 1e-4) / 4]))


def test_gradient_distance_does_not_see_brightness(pair):
    assert create_distance("gradient")(pair[0], pair[0] + 0.25).max() < 1e-6


@pytest.mark.parametrize("net", [pytest.param("vgg", marks=pytest.mark.heavy), "alex", "squeeze"])
def test_lpips_equals_that_of_torchmetrics(net, weights, pair):
    oracle = _LPIPS(net=net, pnet_rand=True)
    state = torch.load(weights[net])
    for key in oracle.net.state_dict():
        index = key.split(".", 2 if net == "squeeze" else 1)[-1]  # slice1.0.weight or slices.0.0.weight
        oracle.net.get_parameter(key).data.copy_(state[f"features.{index}"])
    total, layers = oracle(*pair, retperlayer=True, normalize=True)
    for layer, expected in enumerate([total, *layers]):
        found = create_distance(f"lpips-{net}", layer, weights[net])(*pair)
        torch.testing.assert_close(found, expected.flatten(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ["lpips-vgg", "dists", "gradient"])
def test_constants_are_no_weights(name, weights):
    """A checksum of the weights, and with it the fingerprint, covers what was read from a file."""
    distance = create_distance(name, weights=weights["vgg"])
    assert distance.state_dict().keys() & {"shift", "scale", "mean", "std"} == set()


def test_dists_equals_a_slow_twin(weights, pair):
    distance = Dists(weights["vgg"])
    expected = 1.0
    features = [distance._maps(each[:1]) for each in pair]
    position = 0
    for x, y in zip(*features, strict=True):
        for a, b in zip(x[0], y[0], strict=True):
            alpha, beta = distance.alpha.flatten()[position], distance.beta.flatten()[position]
            covariance = ((a - a.mean()) * (b - b.mean())).mean()
            expected -= alpha * (2 * a.mean() * b.mean() + 1e-6) / (a.mean() ** 2 + b.mean() ** 2 + 1e-6)
            expected -= beta * (2 * covariance + 1e-6) / (a.var(correction=0) + b.var(correction=0) + 1e-6)
            position += 1
    assert position == distance.alpha.numel() == 1475
    torch.testing.assert_close(distance(*pair)[0], expected, rtol=1e-3, atol=1e-5)


def test_ms_ssim_equals_that_of_torchmetrics_where_five_scales_fit():
    first = torch.rand(1, 3, 176, 180)
    second = (first + 0.1).clamp(0, 1)
    expected = 1 - multiscale_structural_similarity_index_measure(second, first, data_range=1.0)
    torch.testing.assert_close(create_distance("ms-ssim")(first, second)[0], expected)


@pytest.mark.parametrize("name", ["lpips-vgg", "lpips-alex", "lpips-squeeze", "dists", "ms-ssim", "mse", "gradient"])
def test_equal_images_are_at_distance_zero_and_others_are_not(name, weights, pair):
    net = "vgg" if name == "dists" else name.rpartition("-")[2]
    distance = create_distance(name, weights=weights.get(net))
    same, other = distance(pair[0], pair[0]), distance(*pair)
    assert same.shape == other.shape == (2,)
    assert same.abs().max() < 1e-5
    assert (other > same).all()
    assert not any(parameter.requires_grad for parameter in distance.parameters())


def test_missing_weights_say_what_where_from_and_what_instead(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", _offline)
    with pytest.raises(WeightsNotFoundError) as caught:
        create_distance("lpips-vgg")
    for words in ("vgg16-397923af.pth", "https://download.pytorch.org", "distance_weights=FILE", "distance=gradient"):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def _offline(*arguments: object, **options: object) -> None:
    raise OSError("no network")


def test_weights_in_the_hub_cache_are_found(tmp_path, monkeypatch, weights, pair):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    (cache / "squeezenet1_1-b8a52dc0.pth").write_bytes(weights["squeeze"].read_bytes())
    found = create_distance("lpips-squeeze")(*pair)
    assert torch.equal(found, create_distance("lpips-squeeze", weights=weights["squeeze"])(*pair))


def test_weights_of_another_network_are_an_error(weights):
    with pytest.raises(WeightsError, match="does not fit Sequential"):
        Features("vgg", weights["alex"])


def test_impossible_layer_says_what_is_wrong(weights):
    with pytest.raises(OptionError, match=r"layer of lpips-vgg must lie within 0-5 .*, got 6"):
        Lpips("vgg", 6, weights["vgg"])


def test_unknown_distance_gets_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"Unknown distance 'lpips-vg'\. Did you mean 'lpips-vgg'"):
        create_distance("lpips-vg")


def test_networks_keep_no_state_of_a_pair(weights, pair):
    distance = create_distance("lpips-alex", 0, weights["alex"])
    before = pair[0].clone()
    first = distance(*pair)
    assert torch.equal(first, distance(*pair))
    assert torch.equal(pair[0], before)
    assert all(isinstance(module, nn.Module) and not module.training for module in distance.modules())
