import copy
from dataclasses import replace

import pytest
import torch
from PIL import Image
from published_draws import start_stream_as_the_code_does
from torch import nn
from torch.nn import functional as F
from torchvision import transforms

from datamodules.views import cut_view
from detectors import Backbone, OptionError, Perturbation, UnknownNameError, View, WePe, create_detector

IMAGES, KEYS = torch.rand(3, 3, 56, 56, generator=torch.Generator().manual_seed(0)), torch.arange(3)
FORMER = "dca3bd9e1987981b9ae2ec5bd5dffec37f8bf835f0d7ada019769c68c3f7bd8b"
"""The fingerprint of WePe on the flat network in release 0.1, when the text's reading was the default."""


class Flat(nn.Module):
    """Features are the mean colours times a matrix: small enough to be written down."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(nn.Linear(3, 2, bias=False))
        self.blocks[0].weight = nn.Parameter(torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.blocks(images.mean(dim=(2, 3)))


@pytest.fixture
def flat() -> Backbone:
    return Backbone("flat", Flat(), ["blocks"], mean=(0, 0, 0), std=(1, 1, 1))


def test_score_is_one_minus_the_cosine_by_hand(flat):
    detector = WePe(flat)
    # Features of a red pixel are (1, 0), of a green one (0, 2); the perturbed matrix is replaced by one of known angle.
    detector.perturbed[0].model.blocks[0].weight = nn.Parameter(
        torch.tensor([[3.0, 0.0, 0.0], [4.0, 1.0, 0.0]]), requires_grad=False
    )
    images = torch.zeros(2, 3, 4, 4)
    images[0, 0] = 1  # clean (1, 0), perturbed (3, 4): cosine 0.6
    images[1, 1] = 1  # clean (0, 2), perturbed (0, 1): cosine 1
    torch.testing.assert_close(detector(images, torch.tensor([0, 1])), torch.tensor([0.4, 0.0]).double())


def test_default_scores_have_not_moved(flat):
    """Noted when only the similarity existed: a change here needs a new ``version``."""
    images = torch.zeros(2, 3, 4, 4)
    images[0, 0], images[1, 1] = 1, 1
    for options, noted in (
        ({}, [0.003188987641956414, 4.2368079347339556e-05]),
        ({"n": 3}, [0.0019393538024160383, 7.794159920650975e-05]),
    ):
        scores = WePe(flat, **options)(images, torch.arange(2))
        torch.testing.assert_close(scores, torch.tensor(noted, dtype=torch.float64), rtol=1e-12, atol=0)


def test_variance_and_bias_by_hand(flat):
    detector = WePe(flat, n=2, statistic="variance")
    for network, weight in zip(detector.perturbed, ([[3.0, 0, 0], [4, 1, 0]], [[3.0, 0, 0], [-4, 1, 0]]), strict=True):
        network.model.blocks[0].weight = nn.Parameter(torch.tensor(weight), requires_grad=False)
    red = torch.zeros(1, 3, 4, 4)
    red[:, 0] = 1  # clean (1, 0); perturbed (0.6, 0.8) and (0.6, -0.8), whose mean is (0.6, 0)
    torch.testing.assert_close(detector(red, torch.arange(1)), torch.tensor([0.64]).double())
    torch.testing.assert_close(detector.bias(red), torch.tensor([0.16]).double())


def test_similarity_is_variance_and_bias_together(vit):
    """Eq. 3 is an equality only without bias: 2 - 2/n sum cos = variance + bias."""
    images, keys = torch.rand(4, 3, 56, 56), torch.arange(4)
    similarity, variance = (WePe(vit, n=3, statistic=statistic) for statistic in ("similarity", "variance"))
    torch.testing.assert_close(2 * similarity(images, keys), variance(images, keys) + variance.bias(images))
    assert similarity.fingerprint() != variance.fingerprint()


def test_n_perturbations_are_averaged(vit):
    images = torch.rand(3, 3, 56, 56)
    keys = torch.arange(3)
    several = WePe(vit, n=3)
    single = [
        WePe(vit, n=3),
        WePe(vit, n=3),
        WePe(vit, n=3),
    ]
    for draw, detector in enumerate(single):
        detector.perturbed = nn.ModuleList([Perturbation().perturb(vit, seed=0, draw=draw)])
    mean = torch.stack([detector(images, keys) for detector in single]).mean(dim=0)
    torch.testing.assert_close(several(images, keys), mean)


def test_clean_pass_is_shared_with_rigid(vit):
    """With one view, WePe and RIGID cost three passes an image, not four."""
    images = torch.rand(5, 3, 56, 56)
    before = vit.counter.images
    for name in ("wepe", "rigid"):
        create_detector(name, vit)(images, torch.arange(5))
    assert vit.counter.images - before == 15


def test_five_seeds_cost_six_passes(vit):
    images = torch.rand(4, 3, 56, 56)
    before = vit.counter.images
    for seed in range(5):
        create_detector("wepe", vit, seed=seed)(images, torch.arange(4))
    assert vit.counter.images - before == 24


def test_destroyed_features_are_a_concern(vit):
    detector = create_detector("wepe", vit, rule="tensor_mean_var")
    assert detector.concern(torch.tensor([0.2, 0.4])) is None
    assert "rule tensor_mean_var at ratio 0.1 destroys" in detector.concern(torch.tensor([0.6, 0.8]))


def test_the_default_is_the_authors_code(vit):
    detector = create_detector("wepe", vit)
    settled = detector.settled
    assert (settled["rule"], settled["preprocessing"], settled["tensors"]) == ("tensor_mean", "resize", "all")
    assert (detector.view, detector.unscaled) == (View(224, "resize"), True)
    assert torch.equal(*(one(IMAGES, KEYS) for one in (detector, WePe(vit, rule="tensor_mean"))))
    assert detector.fingerprint() == WePe(vit, rule="tensor_mean", preprocessing="resize").fingerprint()


def test_the_text_is_another_preset_and_an_option_wins_over_it(vit):
    text = create_detector("wepe", vit, preset="text")
    assert (text.settled["rule"], text.view) == ("tensor_absmean", View(224, "random-crop"))
    assert torch.equal(*(one(IMAGES, KEYS) for one in (text, WePe(vit, rule="tensor_absmean"))))
    assert WePe(vit, preset="text", rule="tensor_std").settled["rule"] == "tensor_std"
    assert WePe(vit, preset="text", preprocessing="resize").view == View(224, "resize")
    assert text.fingerprint() == WePe(vit, rule="tensor_absmean", preprocessing="random-crop").fingerprint()
    assert WePe(vit).view == View(224, "resize")  # the class's own


def test_scores_that_are_stored_from_before_there_were_presets_stay_valid(flat):
    assert WePe(flat, preset="text").fingerprint() == FORMER
    assert WePe(flat).fingerprint() != FORMER


def test_every_setting_names_its_source(vit):
    sources = WePe(vit).sources
    assert (sources["rule"], sources["tensors"], sources["preprocessing"]) == ("code", "code", "code")
    assert (sources["ratio"], sources["n"], sources["stream"]) == ("code and text", "code and text", "ours")
    assert sources["blocks"] == "ours"  # the paper's share of another depth
    assert "match" not in sources
    text = WePe(vit, preset="text", family="laplace").sources
    assert (text["rule"], text["preprocessing"], text["family"]) == ("a reading of the text", "text", "ours")
    deep = Backbone("deep", nn.Sequential(*(nn.Linear(3, 3) for _ in range(24))), [str(i) for i in range(24)])
    assert WePe(deep).sources["blocks"] == "code and text"


def published_scores(vit: Backbone, pictures: list[Image.Image], ratio: float, layers: int) -> list[float]:
    """What the authors' code does with pictures, written from its description."""
    side = 56
    prepare = transforms.Compose(
        [
            transforms.Resize((side, side)),
            transforms.CenterCrop(side),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    noisy, count = copy.deepcopy(vit.model), 0
    start_stream_as_the_code_does(noisy)
    for name, parameter in noisy.named_parameters():
        if "blocks" in name:
            count += 1
            if count <= layers * 14:
                parameter.data.add_(torch.randn_like(parameter) * ratio * torch.mean(parameter))
    x = torch.stack([prepare(picture) for picture in pictures])
    with torch.no_grad():
        first, second = (F.normalize(model(x), dim=-1) for model in (vit.model, noisy))
    return (1 - F.cosine_similarity(first.double(), second.double())).tolist()


def test_code_preset_is_the_authors_code(vit, photograph):
    pictures = [photograph(seed, size) for seed, size in ((1, (80, 64)), (2, (64, 64)), (3, (56, 56)), (4, (50, 91)))]
    expected = published_scores(vit, pictures, ratio=0.1, layers=4)
    detector = WePe(vit, preset="code", stream="published")
    view = replace(detector.view, size=56)
    images = torch.stack([cut_view(picture, view, key=0) for picture in pictures]) / 255
    assert len(set(expected)) == 4
    assert detector.chosen_blocks == (0, 1, 2, 3)
    assert detector(images, torch.arange(4)).tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_default_blocks_are_the_papers_share_of_the_depth(vit):
    assert WePe(vit).settled["blocks"] == "0-3 of 6"
    assert WePe(vit, blocks="0,2-3").settled["blocks"] == "0,2-3 of 6"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": -0.1}, "ratio must be a number of at least 0, got -0.1"),
        ({"ratio": float("nan")}, "ratio must be a number of at least 0, got nan"),
        ({"n": 0}, "n must be at least 1, got 0"),
        ({"n": 1, "statistic": "variance"}, r"statistic=variance needs n of at least 2 .*, got n=1"),
        ({"blocks": 7}, "blocks must lie within 0-5"),
        ({"blocks": 0}, "blocks must lie within 0-5"),
        ({"blocks": "4-9"}, "blocks must lie within 0-5"),
        ({"blocks": "all"}, "blocks takes a number"),
        ({"stream": "published", "rule": "tensor_std"}, "noise of the authors' code.* got rule=tensor_std"),
        ({"stream": "published", "n": 2}, "stream=published draws one network.*got network 2"),
        ({"stream": "published", "blocks": "1-2"}, "whose first blocks are perturbed; got network 1, blocks 1, 2"),
    ],
)
def test_impossible_option_says_what_is_wrong(vit, options, message):
    with pytest.raises(OptionError, match=message):
        WePe(vit, **options)


@pytest.mark.parametrize("option", ["preset", "preprocessing", "stream"])
def test_unknown_choice_is_an_error(vit, option):
    with pytest.raises(UnknownNameError, match=f"Unknown {option} 'paper'"):
        WePe(vit, **{option: "paper"})


def test_unknown_statistic_is_an_error(vit):
    with pytest.raises(UnknownNameError, match=r"Unknown statistic 'varience'\. Did you mean 'variance'"):
        WePe(vit, n=2, statistic="varience")
