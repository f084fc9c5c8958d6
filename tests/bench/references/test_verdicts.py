import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t

from bench.references.comparability import Ours, closest, differences
from bench.references.reported import MEAN, find_reported, load_reported
from bench.references.verdicts import judge
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
        "ratio": 0.1, "rule": "tensor_absmean", "family": "gaussian", "match": "std", "tensors": "all",
        "blocks": "0-18 of 24", "n": 1, "statistic": "similarity",
    },
    view="random-crop 224",
    backbone="dinov2-vitl14",
    protocol={"resize": 256, "crop_seed": 0},
    generators=NINE,
)  # fmt: skip


def verdict(value: float = 0.88, reported=WEPE, ours=OURS, se=0.01, df=100.0, n=(2048, 2048), seeds=SEEDS):
    return judge(Number(value, error=StandardError(se, df), seeds=seeds, n_groups=n), reported, ours)


def test_a_number_near_the_papers_matches_and_says_what_it_assumes():
    found = verdict()
    assert (found.kind, found.reasons) == ("matches", ())
    assert found.low < WEPE.value < found.high
    assert "2,048 images of each class in the paper, which does not say how many" in found.assumption
    assert "rule=tensor_absmean, as read here" in found.assumption
    assert "real images of the split val, which the paper does not say" in found.assumption


def test_a_mutated_number_differs():
    found = verdict(reported=replace(WEPE, value=0.7899))
    assert (found.kind, found.reasons) == ("differs", ())
    assert verdict(value=0.78).kind == "differs"
    assert verdict(value=0.98).kind == "differs"


def test_the_interval_is_the_formula_computed_by_hand():
    # s^2 = 6.25e-5 over five seeds; SE^2 = 1e-4 = images + s^2 / 5; 1,024 images here, 2,048 assumed there.
    of_seeds = 6.25e-5
    images = 1e-4 - of_seeds / 5
    variance = images * (1 + 1024 / 2048) + of_seeds / 5 + of_seeds / 5
    # The degrees of freedom count the seeds' variance 1 + 6 / 4 times.
    counted = 2.5 * of_seeds / 5
    df_images = images**2 / ((images + counted) ** 2 / 40 - counted**2 / 4)
    df = (1.5 * images + 2 * counted) ** 2 / ((1.5 * images) ** 2 / df_images + (2 * counted) ** 2 / 4)
    arm = t.ppf(0.975, df) * math.sqrt(variance)
    found = verdict(n=(1024, 1024), df=40.0)
    assert (found.low, found.high) == pytest.approx((0.88 - arm, 0.88 + arm), rel=1e-12)


def test_nineteen_of_twenty_papers_match_where_nothing_differs():
    """Both sides have their own images and seeds; the images' error here is known, the seeds' is estimated."""
    rng = np.random.default_rng(0)
    trials, sd_images, sd_seeds, inside = 4000, 0.01, 0.005, 0
    for _ in range(trials):
        seeds = 0.8 + rng.normal(0, sd_images) + rng.normal(0, sd_seeds, 5)
        papers = 0.8 + rng.normal(0, sd_images) + rng.normal(0, sd_seeds, 5).mean()
        se, df = over_images_and_seeds(sd_images**2, 4000, [seeds.tolist()])
        found = verdict(
            float(seeds.mean()), replace(WEPE, value=float(papers)), se=se, df=df, seeds=tuple(seeds.tolist())
        )
        inside += found.kind == "matches"
    # Four standard errors of a share of 0.95 in 4,000 trials are 0.014.
    assert abs(inside / trials - 0.95) < 0.014


def test_fewer_images_widen_the_interval():
    assert verdict(se=0.02, n=(500, 500)).high > verdict(se=0.01, n=(2000, 2000)).high


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"backbone": "efficientnet-lite0"}, "other backbone (efficientnet-lite0, paper dinov2-vitl14)"),
        ({"dataset": "demo"}, "other data (demo, paper imagenet)"),
        ({"protocol": {"resize": None}}, "other protocol (--resize none, paper 256)"),
        ({"options": {**OURS.options, "ratio": 0.2}}, "other options (ratio=0.2, paper 0.1)"),
        ({"options": {**OURS.options, "blocks": "0-9 of 24"}}, "other options (blocks=0-9 of 24, paper 0-18 of 24)"),
        (
            {"options": {**OURS.options, "rule": "tensor_std"}},
            "other options (rule=tensor_std, paper tensor_absmean, as read here)",
        ),
        ({"view": "resize 224"}, "other view (resize 224, paper random-crop 224)"),
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


def test_accuracies_of_table_3_are_not_comparable_since_the_rule_is_unpublished():
    (reported,) = find_reported("wepe", "genimage", "adm", "accuracy")
    ours = replace(
        OURS,
        metric="accuracy",
        dataset="genimage",
        protocol={"resize": 256, "protocol": "paper", "real_fit": "square"},
    )
    found = verdict(reported.value, reported, ours, n=(6000, 6000))
    assert (found.kind, found.reasons) == ("not comparable", ("unpublished: the threshold's rule",))


def test_ap_is_judged_as_ap_of_the_real_images_whichever_fits():
    reported = find_reported("wepe", "imagenet", MEAN, "ap_real")[0]
    found = verdict(reported.value, reported, replace(OURS, metric="ap_real"))
    assert found.kind == "matches"
    assert "AP's positive class is not said" in found.assumption
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
        "view": "random-crop 224",
        "backbone": {"name": "dinov2-vitl14", "weights": "ab"},
        "precision": "32-true",
    }
    data = {"name": "imagenet", "protocol": OURS.protocol}
    assert Ours.of(detector, data, {"weights": None, "limit": 500}, "auroc", generators=NINE) == OURS
    bare = Ours.of({**detector, "backbone": None}, data, {"real_split": "train"}, "auroc", "jpeg:75")
    assert (bare.backbone, bare.real_split, bare.condition) == (None, "train", "jpeg:75")
