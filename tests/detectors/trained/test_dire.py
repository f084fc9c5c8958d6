import numpy as np
import pytest
import torch
from PIL import Image
from released_files import write_checkpoint
from released_files_two import pictures
from torchvision import transforms
from torchvision.models import resnet50

from detectors import WeightsError, WeightsNotFoundError, create_detector
from detectors.trained.dire import Dire, centre_of, dire_map

CUT = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("dire", tmp_path_factory.mktemp("dire"))


@pytest.fixture(scope="module")
def detector(checkpoint):
    return create_detector("dire", checkpoint=str(checkpoint))


def maps(*sizes):
    """Makes maps of 8 bits, ``(H, W, 3)``, of the given heights and widths."""
    made = [pictures(1, 640, seed=number)[0, :, :height, :width] for number, (height, width) in enumerate(sizes)]
    return [(one * 255).round().to(torch.uint8).permute(1, 2, 0).numpy() for one in made]


def plain_logits(checkpoint, images):
    """Goes the published way: Pillow's scaling, torchvision's transforms, a bare ResNet-50."""
    network = resnet50(num_classes=1)
    network.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    network.eval()
    normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    tensors = [normalise(transforms.ToTensor()(CUT(Image.fromarray(image)))) for image in images]
    return network(torch.stack(tensors)).flatten()


def as_views(images):
    return [torch.from_numpy(image).permute(2, 0, 1) / 255 for image in images]


@pytest.mark.heavy
@torch.inference_mode()
def test_logits_of_maps_of_the_published_size_are_the_published_ones(detector, checkpoint):
    images = maps((256, 256), (256, 256), (256, 256))
    expected = plain_logits(checkpoint, images)
    torch.testing.assert_close(detector.logits(as_views(images)), expected, rtol=1e-4, atol=1e-4)
    assert expected.std() > 0.2


@pytest.mark.parametrize("size", [(300, 420), (470, 256), (128, 160), (380, 379), (151, 117), (425, 640)])
def test_maps_of_other_sizes_are_scaled_as_pillow_does(size):
    (image,) = maps(size)
    expected = np.asarray(CUT(Image.fromarray(image))).transpose(2, 0, 1)
    assert np.array_equal(centre_of(as_views([image])[0]).numpy(), np.float32(expected) / 255)


@torch.inference_mode()
@pytest.mark.heavy
def test_scores_are_probabilities_of_the_logits(detector):
    views, keys = as_views(maps((256, 256), (300, 420))), torch.arange(2)
    scores = detector(views, keys)
    assert scores.dtype == torch.float64
    torch.testing.assert_close(scores, torch.sigmoid(detector.logits(views).double()))


def test_a_map_by_hand():
    image = torch.tensor([1.0, 1.0, 0.5, -0.25, 0.0, 1.5]).reshape(3, 1, 2)
    reconstruction = torch.tensor([-1.0, 0.9, 0.25, 0.25, 0.0, -1.5]).reshape(3, 1, 2)
    # 2 -> 255; 0.1 -> 12.75, cut off; 0.25 -> 31.875; 0.5 -> 63.75; 0; 3 -> beyond 255
    expected = torch.tensor([255, 12, 31, 63, 0, 255], dtype=torch.uint8).reshape(3, 1, 2)
    assert torch.equal(dire_map(image, reconstruction), expected)
    assert torch.equal(dire_map(reconstruction, image), expected)


def test_a_map_of_many_images_is_made_image_by_image():
    images, others = 2 * pictures(2, 16) - 1, 2 * pictures(2, 16, seed=1) - 1
    both = dire_map(images, others)
    assert both.dtype == torch.uint8
    assert torch.equal(both[1], dire_map(images[1], others[1]))
    expected = np.floor(np.abs(images.numpy() - others.numpy()) * 127.5)
    assert np.abs(both.numpy() - expected).max() <= 1


def test_it_asks_for_maps_and_not_for_photographs():
    assert Dire.consumes == "dire-map"
    assert Dire.view.fit == "native"


def test_without_a_checkpoint_one_line_says_what_is_missing():
    with pytest.raises(WeightsNotFoundError, match="--checkpoint dire=FILE") as caught:
        create_detector("dire")
    assert "\n" not in str(caught.value)


@pytest.mark.heavy
def test_a_file_that_holds_another_network_is_refused(checkpoint, tmp_path):
    state = torch.load(checkpoint, weights_only=True)["model"]
    state["fc.weight"] = state["fc.weight"].repeat(2, 1)
    torch.save({"model": state}, tmp_path / "two-logits.pth")
    with pytest.raises(WeightsError, match=r"fc\.weight"):
        create_detector("dire", checkpoint=str(tmp_path / "two-logits.pth"))


def test_the_files_generator_is_known_by_its_name(detector):
    assert detector.trained_on == ("adm",)
