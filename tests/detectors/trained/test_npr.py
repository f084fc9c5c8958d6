import pytest
import torch
from plain_networks import plain_bottleneck, plain_norm
from released_files import write_checkpoint
from released_files_two import pictures
from torch.nn import functional as F
from torchvision import transforms

from datamodules.views import cut_view
from detectors import UnknownNameError, View, WeightsError, create_detector
from detectors.trained.npr import VIEWS, Npr, NprNetwork, neighbour_difference


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("npr", tmp_path_factory.mktemp("npr"))


@pytest.fixture(scope="module")
def state(checkpoint):
    stored = torch.load(checkpoint, weights_only=True)["model"]
    assert all(name.startswith("module.") for name in stored)
    return {name[7:]: value for name, value in stored.items()}


@pytest.fixture(scope="module")
def detector(checkpoint):
    return create_detector("npr", checkpoint=str(checkpoint))


NORMALISE = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def plain_logits(state, images):
    """Computes from the stored tensors, the difference by scaling down and up again as published."""
    x = NORMALISE(images)
    x = x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
    down = F.interpolate(x, scale_factor=0.5, mode="nearest", recompute_scale_factor=True)
    x = (x - F.interpolate(down, scale_factor=2, mode="nearest", recompute_scale_factor=True)) * 2.0 / 3.0
    x = F.relu(plain_norm(state, "bn1", F.conv2d(x, state["conv1.weight"], stride=2, padding=1)))
    x = F.max_pool2d(x, 3, 2, 1)
    for layer, blocks in ((1, 3), (2, 4)):
        for block in range(blocks):
            stride = 2 if layer == 2 and block == 0 else 1
            x = plain_bottleneck(state, f"layer{layer}.{block}", x, stride)
    return F.linear(F.adaptive_avg_pool2d(x, 1).flatten(1), state["fc1.weight"], state["fc1.bias"]).flatten()


@torch.inference_mode()
def test_logits_are_those_of_the_published_forward(detector, state):
    images = pictures(3, 256, seed=1)
    expected = plain_logits(state, images)
    torch.testing.assert_close(detector.logits(images), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        detector(images, torch.arange(3)), torch.sigmoid(expected.double()), rtol=1e-4, atol=1e-4
    )
    assert expected.std() > 0.02


@torch.inference_mode()
def test_native_images_of_odd_sizes_lose_their_last_row_and_column(checkpoint, state):
    detector = create_detector("npr", checkpoint=str(checkpoint), preprocessing="native")
    images = [pictures(1, 99, seed=1)[0], pictures(1, 64, seed=2)[0, :, :, :51], pictures(1, 40, seed=3)[0]]
    expected = torch.cat([plain_logits(state, image[None]) for image in images])
    torch.testing.assert_close(detector.logits(images), expected, rtol=1e-4, atol=1e-4)
    cut = [images[0][:, :98, :98], images[1][:, :, :50], images[2]]
    torch.testing.assert_close(detector.logits(cut), expected, rtol=1e-4, atol=1e-4)


def test_the_difference_by_hand():
    image = torch.tensor(
        [
            [1.0, 2.0, 5.0, 5.5, 9.0],
            [0.0, 4.0, 5.0, -1.0, 9.0],
            [7.0, 7.0, 3.0, 2.0, 9.0],
            [8.0, 6.0, 3.0, 4.0, 9.0],
            [9.0, 9.0, 9.0, 9.0, 9.0],
        ]
    )
    expected = torch.tensor(
        [[0.0, 1.0, 0.0, 0.5], [-1.0, 3.0, 0.0, -6.0], [0.0, 0.0, 0.0, -1.0], [1.0, -1.0, 0.0, 1.0]]
    )
    assert torch.equal(neighbour_difference(image[None, None]), expected[None, None])
    assert torch.equal(neighbour_difference(image[None, None, :4, :]), expected[None, None])
    assert torch.equal(neighbour_difference(image[None, None, :, :3]), expected[None, None, :, :2])


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (6, 1)])
@torch.inference_mode()
def test_an_image_of_one_row_or_column_has_a_score(checkpoint, size):
    detector = create_detector("npr", checkpoint=str(checkpoint), preprocessing="native")
    assert neighbour_difference(torch.ones(1, 3, *size)).abs().max() == 0
    assert detector([torch.rand(3, *size)], torch.arange(1)).isfinite().all()


def test_the_network_has_the_published_size():
    network = NprNetwork()
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_437_761
    assert len(network.state_dict()) == 146
    assert sum(value.numel() for value in network.state_dict().values()) == 1_447_897


@pytest.mark.parametrize(
    ("preprocessing", "view"),
    [("resize", View(256, "resize")), ("native", View(fit="native")), ("crop", View(224, "centre-crop", "tile"))],
)
def test_the_view_follows_from_the_preprocessing(checkpoint, preprocessing, view):
    assert create_detector("npr", checkpoint=str(checkpoint), preprocessing=preprocessing).view == view


def test_a_small_image_is_tiled_to_the_crop(photograph):
    small = photograph(1, (100, 120))
    cut = cut_view(small, VIEWS["crop"], key=1)
    whole = cut_view(small, View(fit="native"), key=1)
    tiled = whole.repeat(1, 2, 3)
    assert torch.equal(cut, transforms.CenterCrop(224)(tiled))
    assert not torch.equal(cut, tiled[:, :224, :224])


def test_an_unknown_preprocessing_is_an_error(checkpoint):
    with pytest.raises(UnknownNameError, match=r"Unknown preprocessing 'resized'\. Did you mean 'resize'"):
        create_detector("npr", checkpoint=str(checkpoint), preprocessing="resized")


def test_the_bare_file_without_module_loads_to_the_same_detector(detector, state, tmp_path):
    torch.save(state, tmp_path / "model_epoch_last_3090.pth")
    bare = create_detector("npr", checkpoint=str(tmp_path / "model_epoch_last_3090.pth"))
    assert bare.fingerprint() == detector.fingerprint()


def test_a_whole_resnet_is_refused(tmp_path, state):
    torch.save({**state, "layer3.0.conv1.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"unexpected \(such as layer3\.0\.conv1\.weight\)"):
        create_detector("npr", checkpoint=str(tmp_path / "other.pth"))


def test_the_released_files_have_sizes_checksums_and_generators():
    by_name = {one.name: one for one in Npr.released}
    assert by_name["NPR_GenImage_sdv4.pth"].trained_on == ("sd14",)
    assert by_name["NPR.pth"].trained_on == by_name["model_epoch_last_3090.pth"].trained_on == ("progan",)
    assert all(one.size and one.sha256 and len(one.sha256) == 64 for one in Npr.released)
