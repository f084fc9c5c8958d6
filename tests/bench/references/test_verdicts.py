import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t

from bench.references.comparability import Ours, closest, differences
from bench.references.reported import MEAN, find_reported, load_reported
from bench.references.verdicts import SIZES, judge
from bench.statistics.number import Number
from bench.statistics.standard_errors import StandardError, over_images_and_seeds

NINE = ("adm", "admg", "biggan", "dit", "gigagan", "ldm", "maskgit", "rq-transformer", "stylegan-xl")
WEPE = find_reported("wepe", "imagenet", MEAN, "auroc")[0]
RIGID = find_reported("rigid", "imagenet", MEAN, "auroc")[0]
SEEDS = (0.87, 0.875, 0.88, 0.885, 0.89)
OURS = Ours(
    metric="auroc",
    dataset="imagenet",
    detector="wepe",
    options={
        "ratio": 0.1, "rule": "tensor_mean", "family": "gaussian", "match": "std", "tensors": "all",
        "blocks": "0-18 of 24", "n": 1, "statistic": "similarity",
    },
    view="resize 224",
    backbone="dinov2-vitl14",
    protocol={"resize": None, "crop_seed": 0},
    generators=NINE,
)  # fmt: skip


def verdict(value: float = 0.88, reported=WEPE, ours=OURS, se=0.01, df=100.0, n=(2048, 2048), seeds=SEEDS, margin=0.1):
    return judge(Number(value, error=StandardError(se, df), seeds=seeds, n_groups=n), reported, ours, margin)


def test_a_number_near_the_papers_matches_and_says_what_it_assumes():
    found = verdict()
    assert (found.kind, found.reasons) == ("matches", ())
    assert found.low < WEPE.value < found.high
    assert "1,000 images of each class in the paper, as the authors' code takes by default" in found.assumption
    assert "preset=code: view resize 224, rule=tensor_mean, tensors=all" in found.assumption
    assert "real images of the split val, which the paper does not say" in found.assumption


def test_a_mutated_number_differs():
    found = verdict(reported=replace(WEPE, value=0.7899))
    assert (found.kind, found.reasons) == ("differs", ())
    assert verdict(value=0.78).kind == "differs"
    assert verdict(value=0.98).kind == "differs"


def test_the_interval_is_the_formula_computed_by_hand():
    # s^2 = 6.25e-5 over five seeds; SE^2 = 1e-4 = images + s^2 / 5; 500 images here, 1,000 assumed there.
    of_seeds = 6.25e-5
    images = 1e-4 - of_seeds / 5
    variance = images * (1 + 500 / 1000) + of_seeds / 5 + of_seeds / 5
    # The degrees of freedom count the seeds' variance 1 + 6 / 4 times.
    counted = 2.5 * of_seeds / 5
    df_images = images**2 / ((images + counted) ** 2 / 40 - counted**2 / 4)
    df = (1.5 * images + 2 * counted) ** 2 / ((1.5 * images) ** 2 / df_images + (2 * counted) ** 2 / 4)
    arm = t.ppf(0.975, df) * math.sqrt(variance)
    found = verdict(n=(500, 500), df=40.0)
    assert (found.low, found.high) == pytest.approx((0.88 - arm, 0.88 + arm), rel=1e-12)


def replications(difference, sd_seeds, papers_seeds=5, said_seeds=5, papers_images=2048, said_images=2048, trials=4000):
    """Judges papers whose truth differs by so much from ours; the images' error is known, the seeds' is estimated."""
    rng, sd_images, found = np.random.default_rng(0), 0.01, []
    said = {"seeds": said_seeds, "n_real": said_images, "n_generated": said_images}
    for _ in range(trials):
        seeds = 0.7 + rng.normal(0, sd_images) + rng.normal(0, sd_seeds, 5)
        scatter = rng.normal(0, sd_seeds, papers_seeds).mean()
        papers = 0.7 + difference + rng.normal(0, sd_images * (2048 / papers_images) ** 0.5) + scatter
        se, df = over_images_and_seeds(sd_images**2, 4000, [seeds.tolist()])
        reported = replace(WEPE, value=float(papers), **said)
        found.append(verdict(float(seeds.mean()), reported, se=se, df=df, seeds=tuple(seeds.tolist())))
    return found


def share(found, kind):
    return sum(one.kind == kind for one in found) / len(found)


# Four standard errors of a share of 0.05 in 4,000 trials are 0.014, of 0.8 they are 0.025.
@pytest.mark.parametrize(("sd_seeds", "images"), [(0.005, 2048), (0.005, 500), (0.02, 2048)])
@pytest.mark.heavy
def test_one_of_twenty_papers_differs_where_nothing_differs_and_the_protocol_is_known(sd_seeds, images):
    found = replications(0.0, sd_seeds, papers_images=images, said_images=images)
    assert share(found, "differs") == pytest.approx(0.05, abs=0.014)


@pytest.mark.heavy
def test_the_detectable_difference_differs_in_four_of_five_cases():
    detectable = float(np.median([one.detectable for one in replications(0.0, 0.005, trials=200)]))
    assert detectable == pytest.approx(2.8 * 2**0.5 * (1e-4 + 5e-6) ** 0.5, rel=0.05)
    assert share(replications(detectable, 0.005), "differs") == pytest.approx(0.8, abs=0.025)


@pytest.mark.heavy
def test_fewer_images_in_the_paper_than_assumed_make_true_replications_differ_and_the_range_shows_it():
    found = replications(0.0, 0.005, papers_images=500, said_images=None, trials=1000)
    assert share(found, "differs") > 0.1
    assert share([one.sensitivity[500] for one in found], "differs") == pytest.approx(0.05, abs=0.028)


def test_an_unknown_number_of_seeds_never_makes_a_match():
    """A match is no easier than with any known number; where the paper has one seed, its number differs more often."""
    unknown = verdict(reported=replace(WEPE, seeds=None))
    for seeds in (1, 2, 5, 1000):
        known = verdict(reported=replace(WEPE, seeds=seeds))
        assert known.low < unknown.low < unknown.high < known.high
        assert known.detectable <= unknown.detectable
    assert "no spread over the paper's seeds, whose number it does not say: the shortest interval" in unknown.assumption
    assert share(replications(0.0, 0.02, papers_seeds=1, said_seeds=None, trials=1000), "differs") > 0.05


def test_a_match_that_could_not_see_the_margin_is_too_wide_to_tell_and_a_difference_stays_one():
    found = verdict(margin=0.02)
    assert (found.kind, found.because) == ("too wide to tell", found.assumption)
    assert found.detectable == pytest.approx(0.048, abs=0.001)
    assert verdict(margin=found.detectable).kind == "matches"
    assert found.under(1.0).kind == "matches"
    assert found.under(1.0).under(0.02) == found
    assert verdict(value=0.78, margin=0.02).kind == "differs"
    assert math.isnan(verdict(ours=replace(OURS, dataset="demo")).detectable)


def test_the_verdict_is_given_for_several_numbers_of_images_where_the_paper_does_not_say_its_own():
    found = verdict(value=0.913)
    assert {images: other.kind for images, other in found.sensitivity.items()} == {
        500: "matches",
        1_000: "matches",
        2_048: "differs",
        10_000: "differs",
    }
    assert found.kind == "matches"
    lengths = [found.sensitivity[images].detectable for images in SIZES]
    assert lengths == sorted(lengths, reverse=True)
    assert found.sensitivity[1000].low == found.low
    assert verdict(reported=replace(WEPE, n_real=2048, n_generated=2048)).sensitivity == {}


def test_fewer_images_widen_the_interval():
    assert verdict(se=0.02, n=(500, 500)).high > verdict(se=0.01, n=(2000, 2000)).high


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"backbone": "efficientnet-lite0"}, "other backbone (efficientnet-lite0, paper dinov2-vitl14)"),
        ({"dataset": "demo"}, "other data (demo, paper imagenet)"),
        ({"protocol": {"resize": 256}}, "other protocol (--resize 256, paper none)"),
        ({"options": {**OURS.options, "ratio": 0.2}}, "other options (ratio=0.2, paper 0.1)"),
        ({"options": {**OURS.options, "blocks": "0-9 of 24"}}, "other options (blocks=0-9 of 24, paper 0-18 of 24)"),
        (
            {"options": {**OURS.options, "rule": "tensor_std"}},
            "other options (rule=tensor_std, paper tensor_mean, preset code)",
        ),
        ({"view": "random-crop 224"}, "other view (random-crop 224, paper resize 224)"),
        ({"threshold": "best"}, "other threshold (best, paper none)"),
        ({"precision": "bf16-mixed"}, "other precision (bf16-mixed, paper 32-true)"),
        ({"condition": "jpeg:75"}, "other condition (jpeg:75, paper clean)"),
        ({"match": "unbiased"}, "other protocol (--match unbiased, paper --match none)"),
        ({"weights_file": "mine.pth"}, "weights from mine.pth"),
        ({"real_split": "train"}, "other data (real images of the split train, val assumed)"),
        ({"generators": NINE[1:]}, "mean over other generators (without adm)"),
        ({"generators": (*NINE, "sora")}, "mean over other generators (with sora)"),
        ({"metric": "ap_generated"}, "other metric (ap_generated, paper auroc)"),
        ({"detector": "rigid"}, "other method (rigid, paper wepe)"),
    ],
)
def test_another_configuration_is_not_comparable_for_that_reason_alone(change, reason):
    for value in (WEPE.value, 0.5):
        found = verdict(value, ours=replace(OURS, **change))
        assert (found.kind, found.reasons) == ("not comparable", (reason,))
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    assert verdict(ours=replace(OURS, options={**OURS.options, "match": "scale"})).kind == "matches"


def test_each_preset_has_its_verdict_which_names_it():
    text = replace(OURS, view="random-crop 224", options={**OURS.options, "rule": "tensor_absmean"})
    found = verdict(ours=text)
    assert (found.kind, found.reasons) == ("matches", ())
    assert "preset=text: view random-crop 224, rule=tensor_absmean, tensors=all" in found.assumption
    # Half of each is neither; the reason is that of the nearer one.
    half = verdict(ours=replace(text, view="resize 224"))
    assert half.reasons == ("other options (rule=tensor_absmean, paper tensor_mean, preset code)",)


def test_noise_may_be_that_of_pixels_or_of_phases_and_each_has_its_verdict():
    (reported,) = [
        one for one in find_reported("wepe", "imagenet", MEAN, "auroc", "noise:0.1") if one.table == "Table 9"
    ]
    assert reported in find_reported("wepe", "imagenet", MEAN, "auroc", "phase-noise:0.1")
    for name in ("noise", "phase-noise"):
        found = verdict(reported.value, reported, replace(OURS, condition=f"{name}:0.1"))
        assert (found.kind, found.reasons) == ("matches", ())
        assert f"noise read as --conditions {name}:0.1" in found.assumption
    assert verdict(reported.value, reported, replace(OURS, condition="blur:1")).reasons


def test_accuracies_of_table_3_are_comparable_under_the_best_threshold_alone():
    (reported,) = find_reported("wepe", "genimage", "adm", "accuracy")
    ours = replace(
        OURS,
        metric="accuracy",
        dataset="genimage",
        protocol={"resize": 256, "protocol": "paper", "real_fit": "square"},
    )
    found = verdict(reported.value, reported, replace(ours, threshold="fpr:5"), n=(6000, 6000))
    assert (found.kind, found.reasons) == ("not comparable", ("other threshold (fpr:5, paper best)",))
    assert verdict(reported.value, reported, replace(ours, threshold="best"), n=(6000, 6000)).kind == "matches"


def test_ap_is_judged_as_ap_of_the_real_images_whichever_fits():
    reported = find_reported("wepe", "imagenet", MEAN, "ap_real")[0]
    found = verdict(reported.value, reported, replace(OURS, metric="ap_real"))
    assert found.kind == "matches"
    assert "AP's positive class are the real images, as in the authors' code" in found.assumption
    other = verdict(reported.value, reported, replace(OURS, metric="ap_generated"))
    assert other.kind == "not comparable"
    assert verdict(reported.value - 0.2, reported, replace(OURS, metric="ap_real")).kind == "differs"


def test_ap_of_unbalanced_classes_is_not_comparable_but_auroc_is():
    reported = find_reported("wepe", "imagenet", MEAN, "ap_real")[0]
    found = verdict(reported.value, reported, replace(OURS, metric="ap_real"), n=(4000, 1000))
    assert found.kind == "not comparable"
    assert "ratio of the classes (4,000 real and 1,000 generated" in found.reasons[0]
    assert verdict(n=(4000, 1000)).kind == "matches"


def test_one_seed_cannot_be_compared_with_a_mean_of_five():
    found = verdict(seeds=(0.88,))
    assert (found.kind, found.reasons) == ("not comparable", ("1 seed, paper 5: the spread over seeds is unknown",))


def test_one_seed_will_do_where_the_paper_says_no_number_of_seeds():
    ours = replace(
        OURS, detector="rigid", view="resize 224", options={"noise": 0.05, "space": "normalised", "draws": 1}
    )
    found = verdict(0.87, RIGID, ours, seeds=(0.87,))
    assert found.kind == "matches"
    assert "no spread over seeds" in found.assumption
    assert verdict(0.87, RIGID, ours, seeds=(0.87,), margin=0.02).kind == "too wide to tell"


@pytest.mark.parametrize("se", [0.0, math.nan])
def test_a_number_without_an_error_is_not_judged(se):
    assert verdict(se=se).reasons == ("our number has no standard error, or one of 0",)
    assert judge(Number(0.88, seeds=SEEDS, n_groups=(9, 9)), WEPE, OURS).reasons == verdict(se=se).reasons


def test_methods_whose_settings_are_unpublished_are_never_judged():
    for number in load_reported():
        if number.method in ("aeroblade", "mc-dropout", "wepe-gradient-cuff"):
            assert any(reason.startswith("unpublished: ") for reason in differences(number, OURS))


def test_the_nearest_configuration_is_chosen_without_a_look_at_the_values():
    candidates = find_reported("wepe", "imagenet", MEAN, "auroc")
    small = replace(OURS, backbone="dinov2-vits14", options={**OURS.options, "blocks": "0-8 of 12"})
    uniform = replace(OURS, options={**OURS.options, "family": "uniform"})
    for ours, value in ((OURS, 0.8799), (small, 0.7283), (uniform, 0.8906)):
        for changed in (candidates, [replace(one, value=0.5) for one in candidates]):
            found = closest(changed, ours)
            assert found is not None
            assert candidates[changed.index(found)].value == value
    assert closest([], OURS) is None


def test_blocks_that_the_paper_does_not_say_are_unpublished_rather_than_other_options():
    small = replace(OURS, backbone="dinov2-vits14", options={**OURS.options, "blocks": "0-8 of 12"})
    reported = closest(find_reported("wepe", "imagenet", MEAN, "auroc"), small)
    assert reported is not None
    assert verdict(0.7283, reported, small).reasons == ("unpublished: which blocks were perturbed",)


def test_rigids_own_number_is_for_its_own_view_and_the_rerun_for_random_crops():
    candidates = find_reported("rigid", "imagenet", MEAN, "auroc")
    options = {"noise": 0.05, "space": "normalised", "draws": 1}
    ours = replace(OURS, detector="rigid", options=options)
    for view, source in (("resize 224", "rigid"), ("random-crop 224", "wepe")):
        found = closest(candidates, replace(ours, view=view))
        assert found is not None
        assert found.source == source


def test_facts_of_a_run_say_how_its_numbers_came_about():
    detector = {
        "name": "wepe",
        "options": OURS.options,
        "view": "resize 224",
        "backbone": {"name": "dinov2-vitl14", "weights": "ab"},
        "precision": "32-true",
    }
    data = {"name": "imagenet", "protocol": OURS.protocol}
    assert Ours.of(detector, data, {"weights": None, "limit": 500}, "auroc", generators=NINE) == OURS
    bare = Ours.of({**detector, "backbone": None}, data, {"real_split": "train"}, "auroc", "jpeg:75")
    assert (bare.backbone, bare.real_split, bare.condition) == (None, "train", "jpeg:75")
