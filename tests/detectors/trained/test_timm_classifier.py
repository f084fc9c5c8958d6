import pytest
import timm
import torch
from released_files_two import pictures, spread_out
from torch.nn import functional as F
from torchvision.models import resnet50

from detectors import OptionError, UnknownNameError, View, WeightsError, create_detector


def normalised(network, images):
    mean, std = (torch.tensor(network.pretrained_cfg[one]).view(3, 1, 1) for one in ("mean", "std"))
    return (images - mean) / std


def write(file, model="test_resnet", outputs=1, side=160, seed=0):
    torch.manual_seed(seed)
    network = timm.create_model(model, num_classes=outputs)
    last = network.get_classifier()
    if any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules()):
        inputs = normalised(network, pictures(4, side))
        spread_out(network, last, inputs)
        last.bias -= network(inputs).mean(dim=0)
    torch.save({"model": {f"module.{k}": v for k, v in network.state_dict().items()}, "epoch": 1}, file)
    return network.eval()


def create(file, model="test_resnet", **options):
    return create_detector("timm", model=model, checkpoint=str(file), **options)


@torch.inference_mode()
@pytest.mark.heavy
def test_a_resnet50_of_one_logit_is_torchvisions(tmp_path):
    torch.manual_seed(0)
    network = resnet50(num_classes=1)
    normalised = (pictures(3, 224, seed=1) - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    spread_out(network, network.fc, normalised)
    torch.save(network.state_dict(), tmp_path / "resnet50.pth")
    detector = create(tmp_path / "resnet50.pth", "resnet50")
    expected = network(normalised).flatten()
    torch.testing.assert_close(detector.logits(pictures(3, 224, seed=1)), expected, rtol=1e-4, atol=1e-4)
    assert detector.view == View(224, "centre-crop", "zeros")
    assert expected.std() > 0.2


@torch.inference_mode()
def test_two_logits_count_by_their_difference_which_is_the_softmax(tmp_path):
    network, images = write(tmp_path / "two.pth", outputs=2), pictures(4, 160, seed=2)
    rows = network(normalised(network, images)).double()
    detector = create(tmp_path / "two.pth")
    scores = detector(images, torch.arange(4))
    torch.testing.assert_close(scores, F.softmax(rows, dim=1)[:, 1], rtol=1e-4, atol=1e-6)
    turned = create(tmp_path / "two.pth", generated=0)
    torch.testing.assert_close(turned(images, torch.arange(4)), F.softmax(rows, dim=1)[:, 0], rtol=1e-4, atol=1e-6)
    assert scores.std() > 0.01
    assert turned.fingerprint() != detector.fingerprint()


@torch.inference_mode()
def test_a_single_logit_is_turned_round_by_generated_0(tmp_path):
    write(tmp_path / "one.pth")
    images = pictures(4, 160, seed=2)
    both = [create(tmp_path / "one.pth", generated=which).logits(images) for which in (0, 1)]
    torch.testing.assert_close(both[0], -both[1])


@torch.inference_mode()
def test_a_single_image_is_judged_as_in_a_batch_with_two_logits(tmp_path):
    write(tmp_path / "two.pth", outputs=2)
    detector, images = create(tmp_path / "two.pth"), pictures(3, 160, seed=2)
    alone = torch.cat([detector.logits(image[None]) for image in images])
    torch.testing.assert_close(alone, detector.logits(images), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(detector.logits(list(images)), alone, rtol=1e-4, atol=1e-5)


def test_size_and_normalisation_are_those_of_the_models_configuration(tmp_path):
    network = write(tmp_path / "vit.pth", "test_vit")
    detector = create(tmp_path / "vit.pth", "test_vit")
    assert detector.view == View(160, "centre-crop")
    assert detector.mean.flatten().tolist() == pytest.approx(network.pretrained_cfg["mean"])
    assert detector.std.flatten().tolist() == pytest.approx(network.pretrained_cfg["std"])
    assert detector.mean.flatten().tolist() != pytest.approx([0.485, 0.456, 0.406])


def test_a_transformer_says_which_size_it_takes(tmp_path):
    write(tmp_path / "vit.pth", "test_vit")
    detector = create(tmp_path / "vit.pth", "test_vit")
    with pytest.raises(OptionError, match=r"test_vit takes images of 160 x 160 px, got 224 x 224 px"):
        detector(torch.rand(1, 3, 224, 224), torch.arange(1))


def test_the_scores_have_no_gradient_but_training_does(tmp_path):
    write(tmp_path / "one.pth")
    detector = create(tmp_path / "one.pth")
    assert not detector(pictures(2, 160), torch.arange(2)).requires_grad
    detector.network.requires_grad_(True)
    detector.logits(pictures(2, 160)).sum().backward()
    assert all(parameter.grad is not None for parameter in detector.network.parameters())


def test_a_classifier_of_many_classes_is_refused(tmp_path):
    torch.save(timm.create_model("test_resnet", num_classes=1000).state_dict(), tmp_path / "imagenet.pth")
    with pytest.raises(
        WeightsError, match=r"a classifier \(fc\) of 1000 classes; expected one logit, or two"
    ) as caught:
        create(tmp_path / "imagenet.pth")
    assert "\n" not in str(caught.value)


def test_a_file_of_another_model_is_refused(tmp_path):
    write(tmp_path / "resnet.pth")
    with pytest.raises(WeightsError, match="does not fit VisionTransformer"):
        create(tmp_path / "resnet.pth", "test_vit")


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ("resnet5000", "Unknown timm model 'resnet5000'"),
        ("resnet50.no_such_weights", "Unknown weights of resnet50 'no_such_weights'"),
        ("", "Unknown timm model ''"),
    ],
)
def test_an_unknown_model_is_named(tmp_path, model, named):
    write(tmp_path / "one.pth")
    with pytest.raises(UnknownNameError, match=named):
        create(tmp_path / "one.pth", model)


def test_an_impossible_number_of_the_generated_class_is_an_error(tmp_path):
    with pytest.raises(OptionError, match="generated must be 0 or 1, got 2"):
        create(tmp_path / "none.pth", generated=2)
