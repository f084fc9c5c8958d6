import hashlib
import json

import pytest
import torch
from torch import Tensor

from detectors import (
    Ensemble,
    Fittable,
    NotFittedError,
    OptionError,
    View,
    create_detector,
    create_fusion,
)
from detectors.fusion import FUSIONS

COMMON = View(56, "random-crop")


@pytest.fixture(params=FUSIONS)
def ensemble(request, vit) -> Ensemble:
    return Ensemble([create_detector(name, vit, view=COMMON) for name in ("rigid", "wepe")], request.param)


@pytest.fixture
def reals() -> tuple[Tensor, Tensor]:
    coarse = torch.rand(12, 3, 7, 7, generator=torch.Generator().manual_seed(3))
    return torch.nn.functional.interpolate(coarse, size=56, mode="bilinear"), torch.arange(100, 112)


def test_mean_of_z_scores_by_hand(vit):
    """Medians 4 and 40, absolute deviations from them of median 2 and 20."""
    ensemble = Ensemble([create_detector(name, vit) for name in ("rigid", "wepe")])
    scores = torch.tensor([0.0, 1, 2, 3, 4, 5, 6, 7, 8])
    ensemble.fit_scores({"rigid": scores, "wepe": 10 * scores}, torch.arange(9))
    fused = ensemble.fuse({"rigid": torch.tensor([4.0, 6.0]), "wepe": torch.tensor([40.0, 0.0])})
    z = torch.tensor([0.0, (1 - 2) / 2 / 1.4826]).double()
    torch.testing.assert_close(fused, z)


def test_fused_score_is_a_function_of_one_image(ensemble, reals):
    ensemble.fit(*reals)
    images, keys = torch.rand(5, 3, 56, 56), torch.arange(5)
    whole = ensemble(images, keys)
    alone = torch.cat([ensemble(images[i : i + 1], keys[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(alone, whole, rtol=1e-5, atol=1e-6)
    assert whole.shape == (5,)


def test_real_images_are_centred_near_zero(ensemble, reals):
    ensemble.fit(*reals)
    centre = 0.7 if ensemble.fusion.name == "minp" else 0.0  # -log of the smaller of two p-values
    assert (ensemble(*reals).median() - centre).abs() < 1


def test_higher_in_both_members_is_higher(ensemble, reals):
    ensemble.fit(*reals)
    scores = ensemble.member_scores(*reals)
    low, high = ({name: of.quantile(q)[None] for name, of in scores.items()} for q in (0.3, 0.7))
    assert ensemble.fuse(high) > ensemble.fuse(low)


def test_members_may_want_different_views(vit, reals):
    ensemble = Ensemble(
        [create_detector("rigid", vit, view=View(56, "resize")), create_detector("wepe", vit, view=COMMON)]
    )
    images, keys = reals
    with pytest.raises(OptionError, match=r"different views \(rigid: resize 56, wepe: random-crop 56\)"):
        ensemble.fit(images, keys)
    views = {View(56, "resize"): images.flip(3), COMMON: images}
    ensemble.fit(views, keys)
    expected = ensemble.fuse(
        {"rigid": ensemble.detectors[0](images.flip(3), keys), "wepe": ensemble.detectors[1](images, keys)}
    )
    assert torch.equal(ensemble(views, keys), expected)
    assert ensemble.views == (View(56, "resize"), COMMON)


def test_fingerprint_covers_members_and_the_images_of_the_fit(ensemble, vit, reals):
    assert isinstance(ensemble, Fittable)
    assert ensemble.fitted_fingerprint is None
    images, keys = reals
    prints = [ensemble.fingerprint()]
    ensemble.fit(images, keys)
    prints.append(ensemble.fingerprint())
    ensemble.fit(images.flip(0), keys.flip(0))
    assert ensemble.fingerprint() == prints[-1]
    ensemble.fit(images, keys + 1)
    prints.append(ensemble.fingerprint())
    other = Ensemble([create_detector("rigid", vit, noise=0.1, view=COMMON), ensemble.detectors[1]], ensemble.fusion)
    other.fit(images, keys + 1)
    prints.append(other.fingerprint())
    assert len(set(prints)) == 4
    assert ensemble.fingerprint(precision="bf16-mixed") != ensemble.fingerprint(precision="32-true")


def test_passes_and_options_are_those_of_the_members(ensemble):
    prefix = "" if ensemble.fusion.name == "zscore" else f"fuse={ensemble.fusion.name}:"
    assert ensemble.label == f"{prefix}rigid+wepe"
    assert ensemble.options["fuse"] == ensemble.fusion.name
    assert ensemble.passes == 2
    assert ensemble.view == COMMON
    assert ensemble.options["rigid.noise"] == 0.05
    assert ensemble.settled["wepe.n"] == 1


def test_unfitted_ensemble_gives_no_score(ensemble, reals):
    with pytest.raises(NotFittedError, match=r"rigid\+wepe must be fitted to real images"):
        ensemble(*reals)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (torch.arange(7.0), "at least 8 real images, got 7"),
        (torch.ones(9), "At least half of the real images have the same score of rigid"),
        (torch.full((9,), float("nan")), "Some scores of rigid on the real images are not finite"),
    ],
)
def test_scores_that_cannot_be_scaled_are_an_error(vit, scores, message):
    ensemble = Ensemble([create_detector(name, vit) for name in ("rigid", "wepe")])
    with pytest.raises(OptionError, match=message):
        ensemble.fit_scores({"rigid": scores, "wepe": scores}, torch.arange(len(scores)))


def test_one_score_an_image_is_needed(ensemble):
    with pytest.raises(OptionError, match="one score an image; there are 8 images"):
        ensemble.fit_scores({"rigid": torch.rand(9), "wepe": torch.rand(9)}, torch.arange(8))


@pytest.mark.parametrize("names", [["wepe"], ["wepe", "wepe"]])
def test_an_ensemble_has_two_or_more_different_members(vit, names):
    with pytest.raises(OptionError, match="two or more different detectors"):
        Ensemble([create_detector(name, vit) for name in names])


def test_fingerprint_covers_the_way_of_fusing_and_that_of_z_scores_is_as_it_was(vit):
    members = [create_detector(name, vit, view=COMMON) for name in ("rigid", "wepe")]
    ways = ["zscore", "minp", "stouffer", create_fusion("minp", sides=2)]
    ensembles = [Ensemble(members, way) for way in ways]
    for ensemble in ensembles:
        ensemble.fit_scores({"rigid": torch.rand(9), "wepe": torch.rand(9)}, torch.arange(9))
    assert len({ensemble.fingerprint() for ensemble in ensembles}) == 4
    keys = hashlib.sha256(json.dumps(list(range(9))).encode()).hexdigest()
    facts = ["ensemble", 1, sorted(member.fingerprint() for member in members), keys]
    assert ensembles[0].fingerprint() == hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def test_a_detector_may_come_again_with_other_options(ensemble, vit, reals):
    members = [create_detector("rigid", vit, noise=noise, view=COMMON) for noise in (0.05, 0.1, 0.2)]
    levels = Ensemble(members, ensemble.fusion)
    levels.fit(*reals)
    assert levels.names == ("rigid", "rigid#2", "rigid#3")
    assert levels.options["rigid#3.noise"] == 0.2
    scores = {name: member(*reals) for name, member in zip(levels.names, members, strict=True)}
    assert torch.equal(levels(*reals), levels.fuse(scores))
