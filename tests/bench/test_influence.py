import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, t

from bench.influence import (
    Contrast,
    auroc_influence,
    auroc_interval,
    clopper_pearson,
    holm,
    mean_over_seeds,
    paired_test,
    smallest_difference,
    standard_error,
)
from bench.metrics import METRICS, auroc
from bench.statistics import GroupBootstrap


def contrast(real, generated, of="g"):
    """Images that are their own groups: reals are r0, r1, ..., generated images g0, g1, ..."""
    labels = np.repeat([0, 1], [len(real), len(generated)])
    groups = [*(f"r{i}" for i in range(len(real))), *(f"{of}{i}" for i in range(len(generated)))]
    return Contrast(labels, np.concatenate([real, generated]), groups)


def slow_influences(contrasts):
    """The influence of each group by comparing every pair of images."""
    values = {group: 0.0 for one in contrasts for group in one.groups}
    for one in contrasts:
        labels, scores = np.asarray(one.labels), np.asarray(one.scores)
        real, generated = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
        wins = np.array([[(scores[j] > scores[i]) + 0.5 * (scores[j] == scores[i]) for j in generated] for i in real])
        for row, i in enumerate(real):
            values[one.groups[i]] += (wins[row].mean() - wins.mean()) / (len(contrasts) * len(real))
        for column, j in enumerate(generated):
            values[one.groups[j]] += (wins[:, column].mean() - wins.mean()) / (len(contrasts) * len(generated))
    return [values[group] for group in sorted(values)]


def slow_delong(real, first, second):
    """DeLong's covariance matrix of two AUROCs of the same images, as in the paper: S10 / m + S01 / n."""
    m, n = len(real[0]), len(first)
    v10, v01 = np.zeros((2, m)), np.zeros((2, n))
    for k, generated in enumerate((first, second)):
        for i in range(m):
            for j in range(n):
                win = (generated[j] > real[k][i]) + 0.5 * (generated[j] == real[k][i])
                v10[k, i] += win / n
                v01[k, j] += win / m
    return np.cov(v10) / m, np.cov(v01) / n


@st.composite
def contrasts(draw):
    """One to three generators with few distinct scores; groups may hold both classes and be shared or not."""
    result = []
    for _ in range(draw(st.integers(1, 3))):
        size = draw(st.integers(2, 12))
        labels = [0, 1, *draw(st.lists(st.integers(0, 1), min_size=size - 2, max_size=size - 2))]
        scores = draw(st.lists(st.integers(-3, 3).map(float) | st.floats(-1e300, 1e300), min_size=size, max_size=size))
        groups = draw(st.lists(st.sampled_from("abcdefgh"), min_size=size, max_size=size))
        result.append(Contrast(labels, scores, groups))
    return result


@settings(deadline=None)
@given(given_contrasts=contrasts())
def test_influences_equal_their_slow_twin(given_contrasts):
    influence = auroc_influence(given_contrasts)
    assert influence.value == pytest.approx(np.mean([auroc(one.labels, one.scores) for one in given_contrasts]))
    np.testing.assert_allclose(influence.values, slow_influences(given_contrasts), rtol=0, atol=1e-14)
    assert influence.values.sum() == pytest.approx(0, abs=1e-14)
    assert list(influence.groups) == sorted({group for one in given_contrasts for group in one.groups})


@pytest.mark.parametrize(("m", "n"), [(30, 30), (10, 80)])
def test_standard_errors_are_those_of_delong_up_to_the_factors_for_the_number_of_images(m, n):
    rng = np.random.default_rng(0)
    real, first = rng.normal(size=m).round(1), rng.normal(1, 1, n).round(1)
    noisy_real, second = real + rng.normal(size=m).round(1), first + rng.normal(size=n).round(1)
    a, b = auroc_influence([contrast(real, first)]), auroc_influence([contrast(noisy_real, second)])
    of_real, of_generated = slow_delong((real, noisy_real), first, second)
    c = m + n
    covariance = c / (c - 1) * (of_real * (m - 1) / m + of_generated * (n - 1) / n)
    assert standard_error(a).se ** 2 == pytest.approx(covariance[0, 0], rel=1e-12)
    assert standard_error(b).se ** 2 == pytest.approx(covariance[1, 1], rel=1e-12)
    of_difference = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert paired_test(a, b).se ** 2 == pytest.approx(of_difference, rel=1e-12)


def test_hand_computed_standard_error():
    # Real 1 and 3, generated 2 and 4: three of four pairs in order.
    influence = auroc_influence([contrast([1.0, 3.0], [2.0, 4.0])])
    assert influence.value == 0.75
    assert influence.groups == ("g0", "g1", "r0", "r1")
    np.testing.assert_allclose(influence.values, [-0.125, 0.125, 0.125, -0.125])
    assert standard_error(influence).se == pytest.approx(np.sqrt(4 / 3 * 4 * 0.125**2))
    assert standard_error(influence).df == 3


def bootstrap_sd(parts, second=None):
    """Standard deviation over draws of the mean AUROC, or of the difference to a second detector."""
    label_of = {group: label for one in parts for group, label in zip(one.groups, one.labels, strict=True)}
    names = list(label_of)
    bootstrap = GroupBootstrap(names, [int(label_of[name]) for name in names], draws=2000)
    means = []
    for detector in (parts, second or []):
        drawn = [
            bootstrap.replicates(METRICS["auroc"], [names.index(group) for group in one.groups], one.scores)
            for one in detector
        ]
        means.append(np.mean(drawn, axis=0) if drawn else 0.0)
    return np.std(means[0] - means[1])


def generators(rng, m=150, n=150, of=3, shared=True):
    """Reals and generated images of several generators, whose separation grows from one to the next."""
    reals = rng.normal(size=m)
    result = []
    for g in range(of):
        one = contrast(reals if shared else rng.normal(size=m), rng.normal(0.8 + 0.4 * g, 1, n), of=f"g{g}-")
        groups = [group if shared else group.replace("r", f"r{g}-") for group in one.groups]
        result.append(Contrast(one.labels, one.scores, groups))
    return result


@pytest.mark.parametrize("shared", [True, False])
def test_standard_errors_of_a_mean_over_generators_equal_those_of_the_bootstrap(shared):
    parts = generators(np.random.default_rng(0), shared=shared)
    se = standard_error(auroc_influence(parts)).se
    assert se == pytest.approx(bootstrap_sd(parts), rel=0.05)  # 2,000 draws know a standard deviation to 1.6 %


def test_standard_errors_of_a_difference_equal_those_of_the_bootstrap():
    rng = np.random.default_rng(1)
    first = generators(rng)
    noise = dict.fromkeys(group for one in first for group in one.groups)
    noise = {group: rng.normal(0, 0.7) for group in noise}
    second = [Contrast(c.labels, c.scores + [noise[g] for g in c.groups], c.groups) for c in first]
    se = paired_test(auroc_influence(first), auroc_influence(second)).se
    assert se == pytest.approx(bootstrap_sd(first, second), rel=0.05)


def test_shared_reals_make_the_mean_less_certain_than_reals_of_their_own():
    shared, own = (
        standard_error(auroc_influence(generators(np.random.default_rng(0), shared=shared))).se
        for shared in (True, False)
    )
    assert shared > 1.3 * own


def test_copies_of_an_image_in_its_group_add_no_certainty():
    one = generators(np.random.default_rng(0), of=1)[0]
    groups = list(one.groups)
    copied = Contrast(np.tile(one.labels, 3), np.tile(one.scores, 3), groups * 3)
    alone = Contrast(copied.labels, copied.scores, [f"{group} {i}" for i, group in enumerate(copied.groups)])
    se = standard_error(auroc_influence([one])).se
    assert standard_error(auroc_influence([copied])).se == pytest.approx(se, rel=1e-12)
    assert standard_error(auroc_influence([alone])).se == pytest.approx(se / np.sqrt(3), rel=0.01)


def test_a_group_may_hold_both_classes():
    # A photograph and its reconstruction move together, which makes the AUROC more certain.
    rng = np.random.default_rng(0)
    content = rng.normal(size=200)
    labels = np.repeat([0, 1], 200)
    scores = np.concatenate([content, content + 0.5]) + rng.normal(0, 0.3, 400)
    paired = Contrast(labels, scores, [f"photograph {i}" for i in range(200)] * 2)
    apart = Contrast(labels, scores, [f"image {i}" for i in range(400)])
    assert standard_error(auroc_influence([paired])).se < 0.5 * standard_error(auroc_influence([apart])).se


def test_identical_scores_do_not_differ():
    influence = auroc_influence(generators(np.random.default_rng(0)))
    test = paired_test(influence, influence)
    assert (test.difference, test.se, test.p, test.low, test.high) == (0, 0, 1, 0, 0)


def test_the_same_ranks_in_another_order_do_not_differ():
    parts = generators(np.random.default_rng(0))
    order = np.random.default_rng(1).permutation(300)
    shuffled = [Contrast(c.labels[order], np.exp(c.scores[order]), [c.groups[i] for i in order]) for c in parts]
    test = paired_test(auroc_influence(parts), auroc_influence(shuffled[::-1]))
    assert (test.difference, test.se, test.p) == (0, 0, 1)


def test_a_single_group_has_no_error_but_still_equals_itself():
    influence = auroc_influence([Contrast([0, 1, 1], [0.0, 1.0, -1.0], ["a", "a", "a"])])
    assert np.isnan(standard_error(influence).se)
    assert np.isnan(auroc_interval(influence)).all()
    assert paired_test(influence, influence).p == 1


def test_a_difference_without_error_gets_one_from_the_intervals():
    perfect, constant = (
        auroc_influence([contrast([0.0] * 48, [1.0] * 48)]),
        auroc_influence([contrast([0.0] * 48, [0.0] * 48)]),
    )
    test = paired_test(perfect, constant)
    assert test.difference == 0.5
    assert 0 < test.p < 1e-6
    assert 0.4 < test.low < 0.5 < test.high < 0.6


def test_the_paired_test_is_antisymmetric_and_agrees_with_its_interval():
    rng = np.random.default_rng(0)
    for _ in range(20):
        parts = [contrast(rng.normal(size=40), rng.normal(1, 1, 40)) for _ in range(2)]
        a, b = (auroc_influence([part]) for part in parts)
        test, reverse = paired_test(a, b), paired_test(b, a)
        assert reverse.difference == -test.difference
        assert reverse.p == test.p
        assert (test.low, test.high) == (-reverse.high, -reverse.low)
        assert (test.p < 0.05) == (test.low > 0 or test.high < 0)


def test_detectors_on_other_images_cannot_be_compared():
    a, b = auroc_influence([contrast([0.0], [1.0])]), auroc_influence([contrast([0.0, 2.0], [1.0])])
    with pytest.raises(ValueError, match="same groups"):
        paired_test(a, b)
    with pytest.raises(ValueError, match="same groups"):
        mean_over_seeds([a, b])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([], "at least one contrast"),
        ([Contrast([1, 1], [0.0, 1.0], ["a", "b"])], "no real images"),
        ([Contrast([0, 1], [0.0, np.nan], ["a", "b"])], "finite"),
        ([Contrast([0, 1], [0.0, 1.0], ["a"])], "1 groups and 2 labels"),
    ],
)
def test_bad_contrasts_are_named(bad, message):
    with pytest.raises(ValueError, match=message):
        auroc_influence(bad)


def test_the_error_over_seeds_is_added_with_satterthwaites_degrees_of_freedom():
    rng = np.random.default_rng(0)
    parts = [contrast(rng.normal(size=50), rng.normal(1, 1, 50)) for _ in range(3)]
    seeds = [auroc_influence([part]) for part in parts]
    mean = mean_over_seeds(seeds)
    assert mean.value == pytest.approx(np.mean([one.value for one in seeds]))
    images = 100 / 99 * np.sum(np.mean([one.values for one in seeds], axis=0) ** 2)
    spread = np.var([one.value for one in seeds], ddof=1) / 3
    se, df = standard_error(mean)
    assert se**2 == pytest.approx(images + spread, rel=1e-12)
    assert df == pytest.approx((images + spread) ** 2 / (images**2 / 99 + spread**2 / 2), rel=1e-12)
    one = seeds[0]
    test = paired_test(mean, one)
    difference = 100 / 99 * np.sum((mean.values - one.values) ** 2) + spread
    assert test.se**2 == pytest.approx(difference, rel=1e-12)


def test_two_seeds_that_differ_much_leave_one_degree_of_freedom():
    values = [auroc_influence([contrast(np.zeros(500), np.full(500, score))]) for score in (1.0, 0.0)]
    se, df = standard_error(mean_over_seeds(values))
    assert (se, df) == (pytest.approx(0.25), pytest.approx(1))


@settings(deadline=None)
@given(given_contrasts=contrasts())
def test_an_interval_holds_its_value_and_mirrors_with_the_scores(given_contrasts):
    influence = auroc_influence(given_contrasts)
    low, high = auroc_interval(influence)
    if len(influence.groups) > 1:
        assert 0 <= low <= influence.value <= high <= 1
        assert low < high
        mirrored = [Contrast(one.labels, -np.asarray(one.scores), one.groups) for one in given_contrasts]
        assert auroc_interval(auroc_influence(mirrored)) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize("per_class", [10, 48, 1000, 100_000])
def test_an_interval_never_shrinks_to_a_point_at_1(per_class):
    influence = auroc_influence([contrast(np.zeros(per_class), np.ones(per_class))])
    low, high = auroc_interval(influence)
    assert high == 1
    # (1 - theta)^2 = q^2 H(theta), and H is about (1 - theta) / (2 n) next to 1.
    quantile = t.ppf(0.975, 2 * per_class - 1)
    assert low == pytest.approx(1 - quantile**2 / (2 * per_class), rel=0.1 / np.sqrt(per_class))
    assert low < 1


def test_an_interval_away_from_1_is_delongs():
    rng = np.random.default_rng(0)
    influence = auroc_influence([contrast(rng.normal(size=5000), rng.normal(0.5, 1, 5000))])
    se = standard_error(influence).se
    wald = (influence.value - 1.96 * se, influence.value + 1.96 * se)
    assert auroc_interval(influence) == pytest.approx(wald, abs=2e-4)


def test_a_higher_level_gives_a_longer_interval():
    influence = auroc_influence(generators(np.random.default_rng(0)))
    narrow, wide = auroc_interval(influence, 0.9), auroc_interval(influence, 0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_holm_multiplies_the_smallest_most_and_keeps_the_order():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.6, 0.5]), [1.0, 1.0])
    np.testing.assert_allclose(holm([0.02, np.nan, 0.01]), [0.02, np.nan, 0.02])
    assert holm([]).shape == (0,)


@pytest.mark.parametrize(("count", "n"), [(0, 20), (1, 20), (50, 1000), (20, 20)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_clopper_pearson_equals_scipy(count, n, level):
    expected = binomtest(count, n).proportion_ci(level, method="exact")
    assert clopper_pearson(count, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("count", "n"), [(5, 4), (-1, 4), (0, 0)])
def test_clopper_pearson_refuses_what_is_no_share(count, n):
    with pytest.raises(ValueError, match=f"got {count} of {n}"):
        clopper_pearson(count, n)


def test_the_smallest_difference_is_found_with_80_percent_power():
    power = norm.sf(norm.ppf(0.975) - smallest_difference(0.01) / 0.01)
    assert power == pytest.approx(0.8, abs=0.001)


# Simulations: a share of 2,000 has a standard error of half a percent.
TRIALS = 2000


def coverage(truth, per_class, of):
    """Share of data sets whose interval is (below, around, above) the true AUROC of normal scores."""
    rng, separation = np.random.default_rng(0), norm.ppf(truth) * np.sqrt(2)
    ends = []
    for _ in range(TRIALS):
        reals = rng.normal(size=per_class)
        parts = [contrast(reals, rng.normal(separation, 1, per_class), of=f"g{g}-") for g in range(of)]
        ends.append(auroc_interval(auroc_influence(parts)))
    below, above = np.mean([high < truth for _, high in ends]), np.mean([low > truth for low, _ in ends])
    return below, 1 - below - above, above


@pytest.mark.slow
@pytest.mark.parametrize("of", [1, 4], ids=["single", "mean of four with shared reals"])
@pytest.mark.parametrize(("truth", "per_class"), [(0.6, 48), (0.9, 48), (0.6, 500), (0.9, 500), (0.99, 500)])
def test_intervals_hold_the_true_auroc_in_95_percent_of_data_sets(truth, per_class, of):
    assert 0.93 <= coverage(truth, per_class, of)[1] <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("of", [1, 4], ids=["single", "mean of four with shared reals"])
def test_intervals_of_few_images_near_1_err_on_the_long_side_only(of):
    # An interval that starts at 0.96 when all is in order cannot lie above 0.99: one of the two tails is empty.
    below, around, above = coverage(0.99, 48, of)
    assert above == 0
    assert 0.015 <= below <= 0.035
    assert around >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seeds", "per_class"),
    [
        (3, 48),
        pytest.param(3, 500, marks=pytest.mark.xfail(reason="92.6 %: Satterthwaite with three seeds", strict=False)),
        (5, 500),
        (10, 48),
    ],
)
def test_intervals_over_seeds_hold_the_mean_over_all_seeds(seeds, per_class):
    # A seed shifts the separation of all images and adds a noise of its own to each.
    rng, separation, shift, noise, hits = np.random.default_rng(0), 2.0, 0.2, 0.5, 0
    truth = norm.cdf(separation / np.sqrt(2 * (1 + noise**2) + shift**2))
    for _ in range(TRIALS):
        real, generated = rng.normal(size=per_class), rng.normal(separation, 1, per_class)
        influences = [
            auroc_influence(
                [
                    contrast(
                        real + rng.normal(0, noise, per_class),
                        generated + rng.normal(0, shift) + rng.normal(0, noise, per_class),
                    )
                ]
            )
            for _ in range(seeds)
        ]
        low, high = auroc_interval(mean_over_seeds(influences))
        hits += low <= truth <= high
    assert 0.93 <= hits / TRIALS <= 0.97


@pytest.mark.slow
def test_intervals_of_groups_hold_the_true_auroc_in_95_percent_of_data_sets():
    # Four crops of each of 60 photographs of a class.
    rng, separation, hits = np.random.default_rng(0), 1.5, 0
    labels, groups = np.repeat([0, 1], 240), [f"photograph {i // 4}" for i in range(480)]
    truth = norm.cdf(separation / np.sqrt(2 * 1.5))
    for _ in range(TRIALS):
        scores = separation * labels + np.repeat(rng.normal(size=120), 4) + rng.normal(0, np.sqrt(0.5), 480)
        low, high = auroc_interval(auroc_influence([Contrast(labels, scores, groups)]))
        hits += low <= truth <= high
    assert 0.93 <= hits / TRIALS <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("truth", [0.6, 0.9])
@pytest.mark.parametrize("per_class", [48, 500])
def test_five_percent_of_equal_detectors_differ_at_five_percent(truth, per_class):
    rng, separation, hits = np.random.default_rng(0), norm.ppf(truth) * np.sqrt(2 * 1.5), 0
    for _ in range(TRIALS):
        content = separation * np.repeat([0, 1], per_class) + rng.normal(size=2 * per_class)
        scores = [content + rng.normal(0, np.sqrt(0.5), 2 * per_class) for _ in range(2)]
        a, b = (auroc_influence([contrast(one[:per_class], one[per_class:])]) for one in scores)
        hits += paired_test(a, b).p < 0.05
    assert 0.03 <= hits / TRIALS <= 0.07
