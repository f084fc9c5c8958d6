import pytest
import torch
from plain_networks import plain_resnet, resnet_shapes
from released_cnn import ARCHITECTURES, spoil
from released_files import small_network, write_checkpoint
from released_files_two import pictures
from torch.nn import functional as F
from torchvision import transforms

from detectors import View, WeightsError, create_detector
from detectors.trained.dmid import Dmid
from detectors.trained.networks.resnet import resnet50_without_first_strides

BLOCKS = ARCHITECTURES["dmid"]["blocks"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("dmid", tmp_path_factory.mktemp("dmid"))


@pytest.fixture(scope="module")
def state(checkpoint):
    stored = torch.load(checkpoint, weights_only=True)["model"]
    assert all(name.startswith("module.") for name in stored)
    return {name.removeprefix("module."): value for name, value in stored.items()}


def create(file, **options):
    with small_network("dmid"):
        return create_detector("dmid", checkpoint=str(file), **options)


def plain_map(state, image):
    """Computes the map of logits from the stored tensors: the last layer at every place."""
    normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    maps = plain_resnet(state, normalise(image)[None], BLOCKS, stride=1)
    return F.conv2d(maps, state["fc.weight"][:, :, None, None], state["fc.bias"])[0, 0]


@pytest.mark.heavy
@torch.inference_mode()
def test_logits_are_the_means_of_the_published_map_at_odd_sizes(checkpoint, state):
    images = [pictures(1, 99, seed=1)[0], pictures(1, 64, seed=2)[0, :, :, :51], pictures(1, 40, seed=3)[0]]
    maps = [plain_map(state, image) for image in images]
    assert [tuple(logits.shape) for logits in maps] == [(13, 13), (8, 7), (5, 5)]
    expected = torch.stack([logits.mean() for logits in maps])
    detector = create(checkpoint)
    torch.testing.assert_close(detector.logits(images), expected, rtol=1e-5, atol=1e-5)
    scores = detector(images, torch.arange(3))
    torch.testing.assert_close(scores, torch.sigmoid(expected.double()), rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.2
    assert (detector.view, detector.unscaled) == (View(fit="native"), True)


def test_the_released_network_has_the_published_names_and_shapes():
    with torch.device("meta"):
        network = resnet50_without_first_strides(**Dmid.architecture)
    own = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert own == resnet_shapes((3, 4, 6, 3), channels=3, classes=1)
    assert sum(parameter.numel() for parameter in network.parameters()) == 23_510_081


@pytest.mark.slow
@torch.inference_mode()
def test_a_pass_of_the_released_size():
    """94 MB of weights; the largest maps of 256 x 256 pixels are 67 MB each, and three are held at once."""
    network = resnet50_without_first_strides(**Dmid.architecture).eval()
    largest = []
    network.layer1.register_forward_hook(lambda *arguments: largest.append(arguments[2].nbytes))
    assert network(pictures(1, 256)).shape == (1, 1)
    assert largest == [256 * 256 * 256 * 4]
    assert sum(parameter.nbytes for parameter in network.parameters()) < 0.095e9


@torch.inference_mode()
@pytest.mark.parametrize("bias", [-90.0, 90.0])
def test_a_positive_logit_is_that_of_a_generated_image(state, tmp_path, bias):
    torch.save({**state, "fc.bias": torch.tensor([bias])}, tmp_path / "sure.pth")
    scores = create(tmp_path / "sure.pth")(pictures(2, 40), torch.arange(2))
    assert ((scores > 0.5) == (bias > 0)).all()


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("folder", "trained_on"), [("Grag2021_latent", ("ldm",)), ("Grag2021_progan", ("progan",)), ("elsewhere", ())]
)
def test_a_file_of_the_first_release_is_told_by_its_folder(checkpoint, state, tmp_path, folder, trained_on):
    (tmp_path / folder).mkdir()
    file = tmp_path / folder / "model_epoch_best.pth"
    torch.save({"model": state}, file)
    assert create(file).fingerprint() == create(checkpoint).fingerprint()
    assert create(file).trained_on == trained_on
    assert create(file, trained_on="sd21").trained_on == ("sd21",)


def test_a_resnet_of_imagenet_is_refused(state, tmp_path):
    torch.save({**state, "fc.weight": torch.zeros(1000, 2048)}, tmp_path / "imagenet.pth")
    with pytest.raises(WeightsError, match=r"does not fit ResNet: 1 of another shape \(such as fc\.weight\)\.$"):
        create(tmp_path / "imagenet.pth")


@pytest.mark.parametrize("how", ["truncated", "code"])
def test_a_spoilt_file_is_refused_in_one_line(checkpoint, tmp_path, how):
    message = spoil(checkpoint, tmp_path / "spoilt.pth", how)
    with pytest.raises(WeightsError, match=message):
        create(tmp_path / "spoilt.pth")


def test_the_licences_of_the_weights_are_stated():
    assert [one.licence for one in Dmid.released] == [*["GRIP-UNINA's, for nonprofit purposes only"] * 2, "Apache-2.0"]
