"""What every registered detector must keep."""

import copy
import hashlib
import inspect
import json
from collections.abc import Callable, Iterator

import pytest
import torch
from released_files import create_with_checkpoint, is_trained
from torch import Tensor, nn

from detectors import Backbone, Detector, OptionError, UnknownNameError, View, create_detector, list_detectors, register

NAMES = list(list_detectors())
LARGE = (
    "aide",
    "cnnspot",
    "dire",
    "dmid",
    "f3net",
    "gandetection",
    "gramnet",
    "lgrad",
    "manifold-bias",
    "npr",
    "safe",
    "timm",
)
"""Detectors whose published networks take seconds to build or to run."""
EACH = [pytest.param(name, marks=pytest.mark.heavy) if name in LARGE else name for name in NAMES]
DRAWN = ("gandetection",)
"""Trained methods that draw something."""
UNSEEDED = {"aeroblade", "contrastive-blur", "hfi", "warpad", *filter(is_trained, NAMES)} - {*DRAWN}
"""Methods that draw nothing with their default options."""
ON_BACKBONES = [
    name
    for name, cls in list_detectors().items()
    if "backbone" in inspect.signature(cls).parameters and not is_trained(name)
]
"""Methods that take any backbone."""


SMALL = {"conv": {"crop": 56}, "warpad": {"grid": 1}, "gandetection": {"patches": 8}}
"""Options with which a method that looks at pieces of an image can be shown one of the small transformer's size."""


@pytest.fixture(scope="module")
def create(tmp_path_factory: pytest.TempPathFactory, vit: Backbone) -> Callable[..., Detector]:
    """Builds a detector by name on the small transformer, with a released checkpoint where it needs one."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def build(name: str, backbone: Backbone = vit, **more: object) -> Detector:
        with torch.inference_mode(False):
            return create_with_checkpoint(name, backbone, folder, **SMALL.get(name, {}) | more)

    return build


@pytest.fixture(params=EACH, scope="module")
def detector(request: pytest.FixtureRequest, create: Callable[..., Detector]) -> Detector:
    return create(request.param)


IMAGES = 3
"""Few: some of the published networks take a second for one."""


def make_images() -> Tensor:
    coarse = torch.rand(IMAGES, 3, 7, 7, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, size=56, mode="bilinear")


@pytest.fixture(scope="module")
def images() -> Tensor:
    return make_images()


@pytest.fixture(scope="module")
def keys() -> Tensor:
    return torch.arange(IMAGES) * 1_000_003


@pytest.fixture(scope="module")
def scores(detector: Detector, images: Tensor, keys: Tensor) -> Tensor:
    with torch.inference_mode():
        return detector(images, keys)


@pytest.fixture(autouse=True)
def _without_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


def test_there_is_one_finite_score_an_image_in_float32_or_wider(scores):
    assert scores.shape == (IMAGES,)
    assert scores.dtype in (torch.float32, torch.float64)
    assert scores.isfinite().all()


def test_scores_differ_between_images(scores):
    assert len(scores.unique()) == IMAGES


@pytest.mark.parametrize("size", [1, 2])
def test_score_does_not_depend_on_the_batch(detector, images, keys, scores, size):
    parts = torch.cat([detector(images[i : i + size], keys[i : i + size]) for i in range(0, IMAGES, size)])
    torch.testing.assert_close(parts, scores, rtol=1e-5, atol=0)


def test_score_does_not_depend_on_the_order(detector, images, keys, scores):
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(detector(images[order], keys[order]), scores[order], rtol=1e-5, atol=0)


@pytest.fixture(scope="module")
def first_score(detector: Detector, images: Tensor, keys: Tensor) -> Tensor:
    """The first image's, scored alone: in a batch it may round otherwise."""
    with torch.inference_mode():
        return detector(images[:1], keys[:1])


def test_a_second_detector_of_the_same_seed_gives_the_same_scores(detector, create, images, keys, first_score):
    torch.rand(3)  # whatever the global generator did in between
    torch.testing.assert_close(create(detector.name)(images[:1], keys[:1]), first_score, rtol=0, atol=0)


@pytest.mark.parametrize("name", EACH)
def test_another_seed_gives_other_scores(name, create, images, keys):
    more = {"noise": 1e-4} if name == "minder" else {}  # so little that it is the smaller of two distances
    first, second = (create(name, seed=seed, **more)(images[:1], keys[:1]) for seed in (0, 1))
    assert torch.equal(first, second) == (name in UNSEEDED)


class SteepBlock(nn.Module):
    """A hidden layer with a site for dropout; its input is squared, so that it is flat around 0."""

    def __init__(self) -> None:
        super().__init__()
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(3, 16, bias=False), "drop1": nn.Dropout(0.0)})
        nn.init.uniform_(self.mlp["fc1"].weight, 0.5, 1.0, generator=torch.Generator().manual_seed(0))

    def forward(self, colours: Tensor) -> Tensor:
        return self.mlp["drop1"](self.mlp["fc1"](colours.square()))


class Steep(nn.Module):
    """Features are a constant and the block's output: those of a black image stay, those of a grey one move."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(SteepBlock())

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.blocks(images.mean(dim=(2, 3)))
        return torch.cat([torch.ones_like(hidden[:, :1]), hidden], dim=1)


@pytest.mark.parametrize("name", sorted({*ON_BACKBONES} - {"warpad"}))  # its details have no mean: see its own tests
def test_features_that_move_more_score_higher(name):
    backbone = Backbone("steep", Steep(), ["blocks.0"], mean=(0, 0, 0), std=(1, 1, 1))
    images = torch.stack([torch.zeros(3, 8, 8), torch.full((3, 8, 8), 0.5)])
    images[1, :, 1, 1] = 1  # sharpened it would be brighter than white, so that the mean falls
    options = {"crop": 8} if name == "conv" else {}
    black, grey = create_detector(name, backbone, **options)(images, torch.arange(2)).tolist()
    assert 0 <= black < grey


def test_scores_hold_no_gradient(detector, images, keys):
    with torch.inference_mode(False):
        assert not detector(images[:1].clone(), keys[:1].clone()).requires_grad


@pytest.mark.parametrize("name", EACH)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_scores_on_a_gpu_are_those_of_the_cpu(name, create, vit, images, keys, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)  # torch's default; runs forbid it, too
    scores = create(name)(images, keys)
    on_gpu = create(name, copy.deepcopy(vit)).to("cuda")(images.to("cuda"), keys.to("cuda"))
    torch.testing.assert_close(on_gpu.cpu(), scores, rtol=0.02, atol=1e-6)


def test_nothing_is_left_to_train(detector):
    detector.train()
    assert not any(module.training for module in detector.modules())
    assert not any(parameter.requires_grad for parameter in detector.parameters())


def test_images_are_not_changed(scores, images):
    assert torch.equal(images, make_images())


@pytest.mark.parametrize("name", EACH)
def test_every_option_is_documented_and_kept_under_its_name(name, create):
    cls = list_detectors()[name]
    detector = create(name)
    assert cls.paper.startswith(("arXiv ", "CVPR ", "ICML "))
    assert "Score:" in cls.__doc__
    assert "References:" in cls.__doc__
    for option in detector.options:
        assert f"        {option}: " in cls.__doc__, option
        assert inspect.signature(cls.__init__).parameters[option].kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.heavy
@pytest.mark.parametrize("name", EACH)
def test_fingerprint_covers_options_view_precision_and_weights_but_not_the_seed(name, create, vit, cnn):
    detector = create(name)
    same = create(name, seed=3).fingerprint(precision="32-true")
    assert detector.fingerprint(precision="32-true") == same
    assert detector.fingerprint(precision="bf16-mixed") != same
    covered = json.loads(json.dumps(detector.covered(precision="32-true")))
    text = json.dumps([covered["detector"], covered["run"]], sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest() == same
    assert create(name, view=View(112)).fingerprint(precision="32-true") != same
    if name in ON_BACKBONES:
        assert create_detector(name, cnn).fingerprint(precision="32-true") != same


def test_unknown_detector_gets_a_suggestion_and_the_list():
    with pytest.raises(UnknownNameError, match=r"Unknown detector 'rigd'. Did you mean 'rigid'\? Available: .*wepe"):
        create_detector("rigd")


def test_unknown_option_gets_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"Unknown option of wepe 'ration'. Did you mean 'ratio'"):
        create_detector("wepe", ration=0.2)


def test_taken_name_is_an_error():
    with pytest.raises(ValueError, match="'wepe' is taken by WePe"):
        register(list_detectors()["wepe"])


def test_a_detector_that_does_not_say_otherwise_is_the_first_version_with_seed_0():
    """Another default would make all stored scores of detectors from outside those of another detector."""

    class Plain(Detector):
        name, paper = "plain", "none"

        def forward(self, images, keys):
            return images.mean(dim=(1, 2, 3))

    plain = Plain()
    assert (plain.version, plain.seed, plain.view) == (1, 0, View(224, "random-crop", "zeros"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "at least 1 pixel, got 0"),
        ({"fit": "squash"}, r"Unknown view fit 'squash'\..* Available: .*centre-crop"),
        ({"pad": "mirror"}, r"Unknown view pad 'mirror'\..* Available: .*tile"),
        ({"interpolation": "nearest"}, r"Unknown view interpolation 'nearest'\..* Available: .*bicubic"),
        ({"fit": "short-side", "scaled": 223}, "at least the size of 224 pixels; got 223"),
        ({"fit": "resize", "scaled": 256}, "for fit short-side, .*; got 256 with fit resize"),
    ],
)
def test_impossible_view_is_an_error(options, message):
    with pytest.raises((OptionError, UnknownNameError), match=message):
        View(**options)


def test_a_view_names_its_filter_where_it_is_not_bilinear():
    assert str(View(224, "short-side", interpolation="bicubic")) == "bicubic-short-side 224"
    assert View(299, "resize").facts == {"size": 299, "fit": "resize", "pad": "zeros"}
    assert View(299, "resize", interpolation="bicubic").facts["fit"] == "bicubic-resize"
    assert View(299, "resize", interpolation="lanczos").facts["fit"] == "lanczos-resize"


def test_a_view_names_the_short_side_where_it_is_longer_than_the_square():
    assert str(View(224, "short-side", scaled=256)) == "short-side-256 224"
    assert View(224, "short-side", scaled=256).facts != View(224, "short-side").facts
