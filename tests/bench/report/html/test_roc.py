import numpy as np
import pytest
from report_sections import made_panel
from sklearn.metrics import roc_auc_score, roc_curve

from bench.report.html.roc import MOST_DRAWN_AT_ALL, RATES, mean_roc_curve, tpr_at_rates

RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1], 30)
SCORES = RNG.normal(size=60) + LABELS


def test_a_curve_is_the_line_through_its_operating_points():
    # Thresholds 4, 3 (a tie of one each), 2, 1: (0, 1/2), (1/2, 1), (1, 1).
    found = tpr_at_rates([0, 1, 0, 1], [3.0, 3.0, 1.0, 4.0], [0.0, 0.25, 0.5, 1.0])
    assert found.tolist() == [[0.5, 0.75, 1.0, 1.0]]


def test_a_tie_of_all_images_is_the_diagonal():
    assert tpr_at_rates([0, 1], [2.0, 2.0], RATES)[0] == pytest.approx(RATES)


def test_it_goes_through_the_points_of_scikit_learn():
    rounded = np.round(SCORES, 1)
    fpr, tpr, _ = roc_curve(LABELS, rounded, drop_intermediate=False)
    highest = [tpr[fpr == rate].max() for rate in fpr]
    assert tpr_at_rates(LABELS, rounded, fpr)[0] == pytest.approx(highest)


def test_the_area_under_it_is_the_auroc():
    rates = np.linspace(0, 1, 100_001)
    area = np.trapezoid(tpr_at_rates(LABELS, SCORES, rates)[0], rates)
    assert area == pytest.approx(roc_auc_score(LABELS, SCORES), abs=1e-4)


def test_weights_are_repeated_images():
    weights = RNG.integers(0, 3, (4, 60))
    found = tpr_at_rates(LABELS, SCORES, RATES, weights)
    for row, times in zip(found, weights, strict=True):
        assert row == pytest.approx(tpr_at_rates(np.repeat(LABELS, times), np.repeat(SCORES, times), RATES)[0])


def test_a_draw_without_a_class_has_no_curve():
    assert np.isnan(tpr_at_rates([0, 1], [0.0, 1.0], [0.5], [[0, 2]])).all()


def test_curves_are_averaged_over_generators_and_seeds():
    labels, sources = [0] * 12 + [1] * 24, ["camera"] * 12 + ["a"] * 12 + ["b"] * 12
    # On one seed generator a is above every real image and b below; on the other both are above.
    real, above, below = [0.0] * 12, [1.0] * 12, [-1.0] * 12
    panel = made_panel({"x": [real + above + below, real + above + above]}, labels, sources)
    curve = mean_roc_curve(panel, "x", "clean")
    assert curve.tpr[:-1] == pytest.approx(0.75)
    assert curve.tpr[-1] == 1.0


def test_the_band_holds_the_curve():
    curve = mean_roc_curve(made_panel({"x": SCORES}, LABELS), "x", "clean")
    assert (curve.band[0] <= curve.tpr).all()
    assert (curve.tpr <= curve.band[1]).all()
    assert (curve.band[0][:-1] < curve.band[1][:-1]).any()


def test_images_of_one_source_widen_the_band():
    # Every score five times: as images of their own, or as those of one group.
    scores, labels = np.repeat(SCORES, 5), np.repeat(LABELS, 5)
    apart = mean_roc_curve(made_panel({"x": scores}, labels), "x", "clean")
    grouped = made_panel({"x": scores}, labels, groups=np.repeat(np.arange(60), 5).astype(str))
    together = mean_roc_curve(grouped, "x", "clean")
    ratio = np.ptp(together.band, axis=0).mean() / np.ptp(apart.band, axis=0).mean()
    assert ratio == pytest.approx(np.sqrt(5), rel=0.2)


def test_the_band_has_the_width_of_a_binomial_share_where_the_threshold_is_known():
    # Real images far below, all alike: the threshold at a rate of 0 does not move, and the TPR is a share of 400.
    scores = np.concatenate([np.full(400, 0.0), np.where(np.arange(400) < 100, 1.0, -1.0)])
    curve = mean_roc_curve(made_panel({"x": scores}, np.repeat([0, 1], 400)), "x", "clean")
    assert curve.tpr[0] == 0.25
    assert curve.band[:, 0] == pytest.approx(0.25 + 1.96 * np.sqrt(0.25 * 0.75 / 400) * np.array([-1, 1]), abs=0.008)


def test_too_few_groups_have_a_curve_but_no_band():
    curve = mean_roc_curve(made_panel({"x": [0.0, 1.0, 2.0, 3.0]}, [0, 0, 1, 1]), "x", "clean")
    assert curve.band is None
    assert curve.reason == "fewer than 10 independent groups among the real images (2)"


def test_too_many_images_have_a_curve_but_no_band():
    n = MOST_DRAWN_AT_ALL // 2 + 1
    curve = mean_roc_curve(made_panel({"x": RNG.normal(size=2 * n)}, np.repeat([0, 1], n)), "x", "clean")
    assert curve.band is None
    assert "too many for the bootstrap" in curve.reason


def test_a_missing_class_is_said():
    panel = made_panel({"x": [np.nan, np.nan, 1.0]}, [0, 0, 1])
    assert mean_roc_curve(panel, "x", "clean") == "undefined for gan: no real images"
