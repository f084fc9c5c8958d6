import math
from statistics import NormalDist

import pytest
import torch
from torchmetrics.functional.classification import binary_auroc

from detectors import OptionError, UnknownNameError, create_fusion
from detectors.fusion import FUSIONS, ZScore

REALS = {"rigid": torch.arange(1.0, 10), "wepe": torch.arange(10.0, 91, 10)}


def fused(fusion, reals, scores):
    """Fuses scores as an ensemble does."""
    evidence = [fusion.fit(reals[name], name)(scores[name]) for name in reals]
    return fusion.combine(torch.stack(evidence))


def slowly(name, sides, reals, scores):
    """The same of one image at a time, with plain numbers: every real image is compared with it."""
    count = len(next(iter(scores.values())))
    found = []
    for image in range(count):
        parts = []
        for member, of_reals in reals.items():
            score, n = scores[member][image].item(), len(of_reals)
            p = (1 + sum(real >= score for real in of_reals.tolist())) / (n + 1)
            if sides == 2:
                p = min(1, 2 * min(p, (1 + sum(real <= score for real in of_reals.tolist())) / (n + 1)))
            parts.append(p)
        if name == "minp":
            found.append(-math.log(min(parts)))
        else:
            quantiles = [NormalDist().inv_cdf(1 - (p if p < 1 else (n + 0.5) / (n + 1))) for p in parts]
            found.append(sum(quantiles) / math.sqrt(len(parts)))
    return torch.tensor(found, dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "rigid", "wepe", "expected"),
    [
        ("minp", 9.5, 45.0, -math.log(1 / 10)),  # above all 9: p = 1/10; below 5 of 9: p = 6/10
        ("minp", 9.0, 45.0, -math.log(2 / 10)),  # a tie counts as one that is as high
        ("minp", 0.0, 5.0, 0.0),  # below all: p = 1 of both
        ("stouffer", 9.5, 45.0, (1.2815515655446004 - 0.2533471031357997) / math.sqrt(2)),
        ("stouffer", 0.0, 45.0, (-1.6448536269514722 - 0.2533471031357997) / math.sqrt(2)),  # 9.5/10 stands for 1
    ],
)
def test_fused_score_by_hand(name, rigid, wepe, expected):
    scores = {"rigid": torch.tensor([rigid]), "wepe": torch.tensor([wepe])}
    assert fused(create_fusion(name), REALS, scores).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("score", "p"), [(9.5, 0.2), (0.0, 0.2), (5.0, 1.0), (8.5, 0.4), (1.5, 0.4)])
def test_two_sides_take_low_scores_for_unusual_too(score, p):
    found = create_fusion("minp", sides=2).fit(REALS["rigid"], "rigid")(torch.tensor([score]))
    assert found.item() == pytest.approx(-math.log(p), abs=1e-12)


@pytest.mark.parametrize("name", ["minp", "stouffer"])
@pytest.mark.parametrize("sides", [1, 2])
def test_fused_scores_are_those_of_a_slow_plain_twin(name, sides):
    generator = torch.Generator().manual_seed(0)
    # Rounded, so that many are tied with a real image and with each other.
    reals = {member: torch.randn(50, generator=generator).mul(4).round() for member in "abc"}
    scores = {member: torch.randn(80, generator=generator).mul(5).add(1).round() for member in "abc"}
    found = fused(create_fusion(name, sides=sides), reals, scores)
    torch.testing.assert_close(found, slowly(name, sides, reals, scores), rtol=1e-9, atol=1e-12)
    assert len(found.unique()) > 10


@pytest.mark.parametrize("name", FUSIONS)
def test_neither_batch_nor_order_of_images_and_reals_change_a_score(name):
    generator = torch.Generator().manual_seed(1)
    reals, scores = ({member: torch.randn(40, generator=generator) for member in ("rigid", "wepe")} for _ in range(2))
    fusion = create_fusion(name)
    whole = fused(fusion, reals, scores)
    alone = [
        fused(fusion, reals, {member: of[image : image + 1] for member, of in scores.items()}) for image in range(40)
    ]
    order = torch.randperm(40, generator=generator)
    shuffled = fused(
        fusion,
        {member: of[order] for member, of in reals.items()},
        {member: of[order] for member, of in scores.items()},
    )
    assert torch.equal(torch.cat(alone), whole)
    assert torch.equal(shuffled, whole[order])


@pytest.mark.parametrize("name", ["minp", "stouffer"])
def test_only_ranks_count(name):
    """Any increasing change of a member's scores leaves the fused ones as they are."""
    generator = torch.Generator().manual_seed(2)
    reals, scores = ({member: torch.randn(30, generator=generator).double() for member in "ab"} for _ in range(2))
    changed = [{"a": of["a"].exp(), "b": of["b"]} for of in (reals, scores)]
    assert torch.equal(fused(create_fusion(name), *changed), fused(create_fusion(name), reals, scores))


@pytest.mark.parametrize("name", FUSIONS)
def test_what_is_no_number_stays_none(name):
    scores = {"rigid": torch.tensor([math.nan, 5.0]), "wepe": torch.tensor([50.0, 50.0])}
    assert fused(create_fusion(name), REALS, scores).isnan().tolist() == [True, False]


def simulated(shifts, images=4000, reals=2000):
    """Scores of detectors that are normal and independent, generated images shifted, and those of held-out reals."""
    generator = torch.Generator().manual_seed(3)
    labels = torch.arange(images) % 2
    scores = {name: torch.randn(images, generator=generator) + shift * labels for name, shift in shifts.items()}
    return labels, scores, {name: torch.randn(reals, generator=generator) for name in shifts}


def aurocs(shifts):
    """AUROC of each detector, and of them fused in each way."""
    labels, scores, reals = simulated(shifts)
    together = {name: fused(create_fusion(name), reals, scores) for name in FUSIONS}
    return {name: binary_auroc(of.sigmoid(), labels).item() for name, of in (scores | together).items()}


def test_two_independent_informative_detectors_fused_beat_each():
    """In theory each has Phi(1 / sqrt 2) = 0.760 and their sum Phi(1) = 0.841."""
    found = aurocs({"a": 1.0, "b": 1.0})
    assert max(found["a"], found["b"]) < 0.775
    assert found["stouffer"] == pytest.approx(0.841, abs=0.012)
    assert found["zscore"] == pytest.approx(0.841, abs=0.012)
    assert max(found["a"], found["b"]) + 0.03 < found["minp"] < found["stouffer"]


def test_a_member_of_noise_costs_something_in_every_way():
    found = aurocs({"a": 1.0, "noise": 0.0})
    assert found["noise"] == pytest.approx(0.5, abs=0.03)
    for name in FUSIONS:
        assert 0.66 < found[name] < found["a"] - 0.03


@pytest.mark.parametrize("name", ["minp", "stouffer"])
@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (torch.arange(7.0), "at least 8 real images, got 7"),
        (torch.full((9,), float("nan")), "Some scores of rigid on the real images are not finite"),
    ],
)
def test_reals_that_tell_nothing_are_an_error(name, scores, message):
    with pytest.raises(OptionError, match=message):
        create_fusion(name).fit(scores, "rigid")


@pytest.mark.parametrize("name", ["minp", "stouffer"])
def test_reals_with_one_score_are_ties(name):
    """Unlike a scale, ranks exist: below, at and above the only score there is."""
    below, at, above = create_fusion(name).fit(torch.ones(9), "rigid")(torch.tensor([0.5, 1.0, 1.5])).tolist()
    assert below == at < above


def test_unknown_ways_and_options_are_refused():
    with pytest.raises(UnknownNameError, match=r"Unknown way of fusing 'minip'\. Did you mean 'minp'"):
        create_fusion("minip")
    with pytest.raises(OptionError, match="sides must be 1 or 2, got 3"):
        create_fusion("minp", sides=3)


def test_a_way_is_written_without_its_defaults():
    assert [fusion().prefix for fusion in FUSIONS.values()] == ["", "fuse=minp:", "fuse=stouffer:"]
    assert create_fusion("minp", sides=2).prefix == "fuse=minp,sides=2:"
    assert isinstance(create_fusion("zscore"), ZScore)
