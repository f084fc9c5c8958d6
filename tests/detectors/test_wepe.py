import pytest
import torch
from torch import nn

from detectors import Backbone, OptionError, Perturbation, UnknownNameError, WePe, create_detector


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
    ],
)
def test_impossible_option_says_what_is_wrong(vit, options, message):
    with pytest.raises(OptionError, match=message):
        WePe(vit, **options)


def test_unknown_statistic_is_an_error(vit):
    with pytest.raises(UnknownNameError, match=r"Unknown statistic 'varience'\. Did you mean 'variance'"):
        WePe(vit, n=2, statistic="varience")
