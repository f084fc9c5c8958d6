import pytest
import torch
from released_files import write_checkpoint
from released_files_two import pictures
from torch.nn import functional as F
from torchvision import transforms
from torchvision.models import resnet50

from detectors import UnknownNameError, View, WeightsError, create_detector


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("cnnspot", tmp_path_factory.mktemp("cnnspot"))


@pytest.fixture(scope="module")
def network(checkpoint):
    """The published network, read without the adapter."""
    network = resnet50(num_classes=1)
    network.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    return network.eval()


@pytest.fixture(scope="module")
def detector(checkpoint):
    return create_detector("cnnspot", checkpoint=str(checkpoint))


NORMALISE = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@torch.inference_mode()
@pytest.mark.heavy
def test_uncropped_images_are_judged_whole_and_one_by_one(detector, network):
    images = [pictures(1, 300, seed=1)[0], pictures(1, 160, seed=2)[0, :, :, :90], pictures(1, 64, seed=3)[0]]
    expected = torch.cat([network(NORMALISE(image)[None]).flatten() for image in images])
    torch.testing.assert_close(detector.logits(images), expected, rtol=1e-5, atol=1e-5)
    scores = detector(images, torch.arange(3))
    torch.testing.assert_close(scores, torch.sigmoid(expected.double()), rtol=1e-4, atol=1e-6)
    assert expected.std() > 0.2


@pytest.mark.heavy
@torch.inference_mode()
def test_a_crop_is_judged_as_the_manual_crop_and_not_as_the_whole(detector, checkpoint, network):
    cropped = create_detector("cnnspot", checkpoint=str(checkpoint), crop="centre")
    image = pictures(1, 300, seed=4)
    centre = image[:, :, 38:262, 38:262]
    by_hand = network(NORMALISE(centre)).flatten()
    torch.testing.assert_close(cropped.logits(centre), by_hand, rtol=1e-5, atol=1e-5)
    assert (detector.logits([image[0]]) - by_hand).abs() > 0.01


def test_the_views_are_the_published_ones(detector, checkpoint):
    assert detector.view == View(fit="native")
    assert create_detector("cnnspot", checkpoint=str(checkpoint), crop="centre").view == View(
        224, "centre-crop", "zeros"
    )


def test_both_ways_to_crop_have_fingerprints_of_their_own(detector, checkpoint):
    cropped = create_detector("cnnspot", checkpoint=str(checkpoint), crop="centre")
    assert detector.fingerprint() != cropped.fingerprint()
    assert cropped.options["crop"] == "centre"


def test_an_unknown_crop_is_an_error(checkpoint):
    with pytest.raises(UnknownNameError, match=r"Unknown crop 'center'\. Did you mean 'centre'"):
        create_detector("cnnspot", checkpoint=str(checkpoint), crop="center")


def test_the_released_files_are_of_progan(detector):
    assert detector.trained_on == ("progan",)
    assert detector.options == {"checkpoint": "blur_jpg_prob0.5.pth", "crop": "none", "trained_on": "progan"}


def test_a_classifier_of_imagenet_is_refused(checkpoint, tmp_path):
    state = torch.load(checkpoint, weights_only=True)["model"]
    state["fc.weight"], state["fc.bias"] = torch.zeros(1000, 2048), torch.zeros(1000)
    torch.save(state, tmp_path / "resnet50.pth")
    with pytest.raises(WeightsError, match=r"2 of another shape \(such as fc\.bias\)"):
        create_detector("cnnspot", checkpoint=str(tmp_path / "resnet50.pth"))


@torch.inference_mode()
def test_scaling_before_changes_the_score_so_the_native_view_is_kept(detector):
    image = pictures(1, 300, seed=5)
    smaller = F.interpolate(image, size=256, mode="bilinear", antialias=True)
    assert (detector.logits([image[0]]) - detector.logits([smaller[0]])).abs() > 1e-3
