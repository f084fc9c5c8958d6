import pytest
import torch
from released_files import write_checkpoint
from released_files_two import pictures
from test_gramnet_network import plain_forward
from torchvision import transforms

from detectors import UnknownNameError, View, WeightsError, create_detector

pytestmark = pytest.mark.heavy  # whole runs, or networks of the published size


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("gramnet", tmp_path_factory.mktemp("gramnet"))


def plain_logits(checkpoint, images):
    stored = torch.load(checkpoint, weights_only=True)["netC"]
    state = {name.removeprefix("module."): value for name, value in stored.items()}
    normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    return plain_forward(state, normalise(images)).flatten()


@torch.inference_mode()
def test_logits_are_those_of_the_stored_network(checkpoint):
    detector = create_detector("gramnet", checkpoint=str(checkpoint))
    images = pictures(3, 299, seed=1)
    expected = plain_logits(checkpoint, images)
    torch.testing.assert_close(detector.logits(images), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        detector(images, torch.arange(3)), torch.sigmoid(expected.double()), rtol=1e-4, atol=1e-4
    )
    assert expected.std() > 0.1


@torch.inference_mode()
def test_native_images_are_judged_at_their_own_size(checkpoint):
    detector = create_detector("gramnet", checkpoint=str(checkpoint), preprocessing="native")
    images = [pictures(1, 96, seed=1)[0], pictures(1, 128, seed=2)[0, :, :100]]
    expected = torch.cat([plain_logits(checkpoint, image[None]) for image in images])
    torch.testing.assert_close(detector.logits(images), expected, rtol=1e-4, atol=1e-4)


def test_the_view_follows_from_the_preprocessing(checkpoint):
    views = [
        create_detector("gramnet", checkpoint=str(checkpoint), preprocessing=one).view for one in ("resize", "native")
    ]
    assert views == [View(299, "resize"), View(fit="native")]


def test_an_unknown_preprocessing_is_an_error(checkpoint):
    with pytest.raises(UnknownNameError, match=r"Unknown preprocessing 'resized'\. Did you mean 'resize'"):
        create_detector("gramnet", checkpoint=str(checkpoint), preprocessing="resized")


def test_a_file_with_the_authors_two_logits_is_refused(checkpoint, tmp_path):
    state = torch.load(checkpoint, weights_only=True)
    state["netC"]["module.fcnewr.3.weight"] = torch.zeros(2, 512)
    torch.save(state, tmp_path / "two.pth")
    with pytest.raises(WeightsError, match=r"fcnewr\.3\.weight"):
        create_detector("gramnet", checkpoint=str(tmp_path / "two.pth"))


def test_the_released_files_generator_is_known(checkpoint):
    assert create_detector("gramnet", checkpoint=str(checkpoint)).trained_on == ("progan",)
