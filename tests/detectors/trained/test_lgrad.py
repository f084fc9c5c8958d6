import io

import numpy as np
import pytest
import torch
from PIL import Image
from released_files import write_checkpoint
from released_files_two import DISCRIMINATOR, pictures
from torch import nn
from torch.nn import functional as F
from torchvision import transforms
from torchvision.models import resnet50

from detectors import WeightsError, WeightsNotFoundError, create_detector
from detectors.trained.gradient_pictures import gradient_pictures, stretched
from detectors.trained.networks.stylegan_discriminator import StyleGANDiscriminator

pytestmark = pytest.mark.heavy  # whole runs, or networks of the published size


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_checkpoint("lgrad", tmp_path_factory.mktemp("released")).parent


@pytest.fixture(scope="module")
def checkpoint(folder):
    return next(folder.glob("LGrad-*.pth"))


@pytest.fixture(scope="module")
def detector(checkpoint):
    return create_detector("lgrad", checkpoint=str(checkpoint))


def plain_logits(checkpoint, images):
    """Goes the published way, image by image, through files of 8 bits."""
    judge = StyleGANDiscriminator()
    judge.load_state_dict(torch.load(checkpoint.with_name(DISCRIMINATOR), weights_only=True))
    classifier = resnet50(num_classes=1)
    classifier.load_state_dict(torch.load(checkpoint, weights_only=True))
    classifier.eval()
    normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    logits = []
    for image in images:
        pixels = ((image - 0.5) / 0.5)[None].requires_grad_()
        judge(pixels).sum().backward()
        values = pixels.grad[0].permute(1, 2, 0).numpy()
        values = (values - values.min()) / (values.max() - values.min()) * 255
        file = io.BytesIO()
        Image.fromarray(np.rint(values).astype(np.uint8)).save(file, "PNG")
        picture = transforms.ToTensor()(Image.open(file))
        with torch.no_grad():
            logits.append(classifier(normalise(picture)[None])[0, 0])
    return torch.stack(logits)


@torch.inference_mode()
def score(detector, images):
    return detector(images, torch.arange(len(images)))


def test_scores_are_those_of_the_published_way(detector, checkpoint):
    images = pictures(2, 256, seed=9)
    expected, scores = plain_logits(checkpoint, images), score(detector, images)
    assert scores.dtype == torch.float64
    # A rounding to 8 bits may fall to the other side.
    torch.testing.assert_close(torch.logit(scores), expected.double(), rtol=0, atol=0.02)
    assert expected.std() > 0.2


def test_it_scores_whatever_the_mode_of_gradients(detector):
    image = pictures(1, 256, seed=9)
    outside = detector(image, torch.arange(1))
    assert not outside.requires_grad
    assert all(parameter.grad is None for parameter in detector.parameters())
    torch.testing.assert_close(score(detector, image.clone()), outside, rtol=1e-5, atol=0)


def test_a_detector_made_inside_inference_mode_scores_the_same(detector, checkpoint):
    image = pictures(1, 256, seed=9)
    with torch.inference_mode():
        inside = create_detector("lgrad", checkpoint=str(checkpoint))
    torch.testing.assert_close(score(inside, image), score(detector, image), rtol=1e-5, atol=0)


def test_pictures_do_not_depend_on_the_batch():
    torch.manual_seed(0)
    judge, images = StyleGANDiscriminator(32).requires_grad_(False), pictures(3, 32)
    alone = torch.cat([gradient_pictures(judge, image[None]) for image in images])
    assert torch.equal(gradient_pictures(judge, images), alone)


def test_stretching_by_hand():
    gradients = torch.zeros(2, 3, 1, 2)
    gradients[0] = torch.tensor([[[-2.0, 0.0]], [[2.0, 1.0]], [[6.0, -1.0]]])
    gradients[1] = 1e-6 * gradients[0]  # each image by its own range
    # (g + 2) / 8 * 255: 0, 63.75, 127.5, 95.625, 255, 31.875; a half goes to the even neighbour, as OpenCV rounds.
    expected = torch.tensor([[[0.0, 64.0]], [[128.0, 96.0]], [[255.0, 32.0]]])
    torch.testing.assert_close(stretched(gradients) * 255, expected.expand(2, 3, 1, 2))


@pytest.mark.parametrize("value", [0.0, 3.5, -3.5])
def test_a_constant_gradient_becomes_black_and_not_nan(value):
    assert torch.equal(stretched(torch.full((1, 3, 4, 4), value)), torch.zeros(1, 3, 4, 4))


def test_a_judge_that_does_not_look_gives_a_finite_score(folder, checkpoint, tmp_path):
    state = torch.load(folder / DISCRIMINATOR, weights_only=True)
    state["layer14.weight"].zero_()
    torch.save(state, tmp_path / DISCRIMINATOR)
    detector = create_detector("lgrad", checkpoint=str(checkpoint), discriminator=str(tmp_path / DISCRIMINATOR))
    scores = detector(pictures(2, 256), torch.arange(2))
    assert scores.isfinite().all()
    assert scores[0] == pytest.approx(scores[1].item(), rel=1e-6)


class Square(nn.Module):
    """Judges by the sum of squares of the first channel, so that the gradient is twice its pixels."""

    def forward(self, images):
        return images[:, :1].square().sum(dim=(1, 2, 3))[:, None]


def test_the_gradient_is_that_of_each_image_alone_in_minus_one_to_one():
    images = torch.rand(3, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    gradients = torch.zeros_like(images)
    gradients[:, 0] = 2 * (2 * images[:, 0] - 1)
    found = gradient_pictures(Square(), images)
    assert torch.equal(found, stretched(gradients))
    assert not torch.equal(found, stretched(images))


def test_images_of_other_sizes_are_scaled(detector):
    images = pictures(1, 300, seed=2)
    scaled = F.interpolate(images, size=(256, 256), mode="bilinear", antialias=True)
    torch.testing.assert_close(score(detector, images), score(detector, scaled), rtol=0, atol=0.01)


def test_without_the_discriminator_one_line_says_what_is_missing(checkpoint, tmp_path):
    alone = tmp_path / checkpoint.name
    alone.symlink_to(checkpoint)
    with pytest.raises(
        WeightsNotFoundError, match=rf"no file {tmp_path}/{DISCRIMINATOR}.*discriminator=FILE"
    ) as caught:
        create_detector("lgrad", checkpoint=str(alone))
    assert "\n" not in str(caught.value)


def test_another_network_in_place_of_the_discriminator_is_refused(checkpoint):
    with pytest.raises(WeightsError, match="does not fit StyleGANDiscriminator"):
        create_detector("lgrad", checkpoint=str(checkpoint), discriminator=str(checkpoint))


def test_a_discriminator_from_the_middle_of_its_training_is_refused(folder, checkpoint, tmp_path):
    state = torch.load(folder / DISCRIMINATOR, weights_only=True)
    state["lod"] += 1.5
    torch.save(state, tmp_path / "half.pth")
    with pytest.raises(WeightsError, match=r"level of detail 1\.5"):
        create_detector("lgrad", checkpoint=str(checkpoint), discriminator=str(tmp_path / "half.pth"))


def test_the_fingerprint_covers_the_discriminator_and_not_its_place(detector, folder, checkpoint, tmp_path):
    moved = tmp_path / DISCRIMINATOR
    moved.write_bytes((folder / DISCRIMINATOR).read_bytes())
    options = {"checkpoint": str(checkpoint), "discriminator": str(moved)}
    assert create_detector("lgrad", **options).fingerprint() == detector.fingerprint()
    state = torch.load(moved, weights_only=True)
    state["layer14.bias"] += 1
    torch.save(state, moved)
    assert create_detector("lgrad", **options).fingerprint() != detector.fingerprint()
