import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_contrasts import ap_influence, contrast, generators, influence_of, replicates

from bench.statistics.bootstrap import GroupBootstrap
from bench.statistics.influence import (
    Contrast,
    aligned,
    auroc_influence,
    combined,
    mean_over_seeds,
)
from bench.statistics.intervals import paired_test, standard_error
from bench.statistics.metrics import METRICS, auroc, average_precision


def slow_influences(contrasts):
    """The influence of each group by comparing every pair of images, each class with its factor."""
    values = {group: 0.0 for one in contrasts for group in one.groups}
    for one in contrasts:
        labels, scores = np.asarray(one.labels), np.asarray(one.scores)
        real, generated = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
        wins = np.array([[(scores[j] > scores[i]) + 0.5 * (scores[j] == scores[i]) for j in generated] for i in real])
        of_real, of_generated = factor(one, real) / len(real), factor(one, generated) / len(generated)
        for row, i in enumerate(real):
            values[one.groups[i]] += of_real * (wins[row].mean() - wins.mean()) / len(contrasts)
        for column, j in enumerate(generated):
            values[one.groups[j]] += of_generated * (wins[:, column].mean() - wins.mean()) / len(contrasts)
    return [values[group] for group in sorted(values)]


def factor(one, images):
    """``sqrt(M / (M - 1))`` of the ``M`` groups of some images; 1 for a single group."""
    m = len({one.groups[i] for i in images})
    return np.sqrt(m / (m - 1)) if m > 1 else 1.0


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


@pytest.mark.heavy
@settings(deadline=None)
@given(given_contrasts=contrasts())
def test_influences_equal_their_slow_twin(given_contrasts):
    influence = auroc_influence(given_contrasts)
    assert influence.value == pytest.approx(np.mean([auroc(one.labels, one.scores) for one in given_contrasts]))
    np.testing.assert_allclose(influence.values, slow_influences(given_contrasts), rtol=0, atol=1e-14)
    assert list(influence.groups) == sorted({group for one in given_contrasts for group in one.groups})


@pytest.mark.parametrize(("m", "n"), [(30, 30), (10, 80), (80, 10)])
def test_standard_errors_are_those_of_delong(m, n):
    rng = np.random.default_rng(0)
    real, first = rng.normal(size=m).round(1), rng.normal(1, 1, n).round(1)
    noisy_real, second = real + rng.normal(size=m).round(1), first + rng.normal(size=n).round(1)
    a, b = auroc_influence([contrast(real, first)]), auroc_influence([contrast(noisy_real, second)])
    of_real, of_generated = slow_delong((real, noisy_real), first, second)
    covariance = of_real + of_generated
    assert standard_error(a).se ** 2 == pytest.approx(covariance[0, 0], rel=1e-12)
    assert standard_error(b).se ** 2 == pytest.approx(covariance[1, 1], rel=1e-12)
    of_difference = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert paired_test(a, b).se ** 2 == pytest.approx(of_difference, rel=1e-12)


def test_hand_computed_standard_error():
    # Real 1 and 3, generated 2 and 4: three of four pairs in order.
    influence = auroc_influence([contrast([1.0, 3.0], [2.0, 4.0])])
    assert influence.value == 0.75
    assert influence.groups.tolist() == ["g0", "g1", "r0", "r1"]
    assert (influence.n_real, influence.n_generated) == (2, 2)
    np.testing.assert_allclose(influence.values, np.sqrt(2) * np.array([-0.125, 0.125, 0.125, -0.125]))
    assert standard_error(influence).se == pytest.approx(np.sqrt(2 * 4 * 0.125**2))
    assert standard_error(influence).df == pytest.approx(2)


def few_real_images():
    """10 real and 2,000 generated images of an AUROC near 0.8, each its own group."""
    rng = np.random.default_rng(0)
    return contrast(rng.normal(size=10), rng.normal(1.2, 1, 2000))


def test_the_smaller_class_has_the_degrees_of_freedom():
    error = standard_error(auroc_influence([few_real_images()]))
    assert 9 < error.df < 9.5  # pooled over both classes they would be 2,009


def test_where_every_group_holds_both_classes_degrees_of_freedom_are_those_of_the_groups():
    rng = np.random.default_rng(0)
    labels, groups = np.repeat([0, 1], 30), np.tile(np.arange(30), 2)
    influence = auroc_influence([Contrast(labels, rng.normal(size=60) + labels, groups)])
    assert standard_error(influence).df == pytest.approx(29)


def test_a_generator_of_few_images_has_its_own_degrees_of_freedom_in_a_mean():
    # 2,000 reals face 10 images of one generator and 2,000 of another; nearly all of the error is the former's.
    rng = np.random.default_rng(0)
    reals = rng.normal(size=2000)
    mean = auroc_influence([contrast(reals, rng.normal(1, 1, 10), "a"), contrast(reals, rng.normal(1, 1, 2000), "b")])
    assert 9 <= standard_error(mean).df < 11


def test_a_stratum_is_the_same_classes_of_the_same_generators():
    first, second = contrast([0.0, 1.0], [2.0, 3.0, 1.5], "a"), contrast([0.0, 1.0], [0.5, 2.0], "b")
    mean = auroc_influence([first, second])
    stratum = dict(zip(mean.groups.tolist(), mean.strata.tolist(), strict=True))
    assert len(set(mean.strata.tolist())) == 3
    assert stratum["r0"] == stratum["r1"]
    assert stratum["a0"] == stratum["a1"] == stratum["a2"]
    assert stratum["b0"] == stratum["b1"]
    assert dict(zip(mean.groups.tolist(), mean.classes.tolist(), strict=True)) == {
        **dict.fromkeys(["r0", "r1"], 1),
        **dict.fromkeys(["a0", "a1", "a2", "b0", "b1"], 2),
    }


def bootstrap_sd(parts, second=None, metric="auroc"):
    """Standard deviation over draws of the mean of a metric, or of the difference to a second detector."""
    label_of = {group: label for one in parts for group, label in zip(one.groups, one.labels, strict=True)}
    names = list(label_of)
    bootstrap = GroupBootstrap(names, [int(label_of[name]) for name in names], draws=2000)
    means = []
    for detector in (parts, second or []):
        drawn = [
            replicates(bootstrap, METRICS[metric], [names.index(group) for group in one.groups], one.scores)
            for one in detector
        ]
        means.append(np.mean(drawn, axis=0) if drawn else 0.0)
    return np.std(means[0] - means[1])


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


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([], "at least one contrast"),
        ([Contrast([1, 1], [0.0, 1.0], ["a", "b"])], "no real images"),
        ([Contrast([0, 1], [0.0, np.nan], ["a", "b"])], "finite"),
        ([Contrast([0, 1], [0.0, 1.0], ["a"])], "1 groups and 2 labels"),
        ([Contrast([0, 1, 2], [0.0, 1.0, 2.0], ["a", "b", "c"])], "0 .real. or 1 .generated., got 2"),
    ],
)
def test_bad_contrasts_are_named(bad, message):
    with pytest.raises(ValueError, match=message):
        auroc_influence(bad)


@st.composite
def codes_with_gaps(draw):
    size = draw(st.integers(2, 10))
    groups = draw(st.lists(st.sampled_from([0, 3, 7, 10**12, -4]), min_size=size, max_size=size))
    return [0, 1, *draw(st.lists(st.integers(0, 1), min_size=size - 2, max_size=size - 2))], groups


@settings(deadline=None)
@given(data=codes_with_gaps())
def test_codes_of_groups_give_what_their_names_give(data):
    labels, groups = data
    scores = np.cos(np.arange(len(labels)) ** 2)
    by_code = auroc_influence([Contrast(labels, scores, np.array(groups))])
    by_name = auroc_influence([Contrast(labels, scores, [f"{group + 10:020}" for group in groups])])
    assert by_code.groups.tolist() == sorted(set(groups))
    np.testing.assert_array_equal(by_code.values, by_name.values)
    assert (by_code.n_real, by_code.n_generated) == (by_name.n_real, by_name.n_generated)


def test_a_million_images_take_seconds():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 1_000_000)
    scores = (rng.normal(size=len(labels)) + labels).round(4)
    start = time.process_time()
    influence = auroc_influence([Contrast(labels, scores, np.arange(len(labels)) // 2)])
    of_ap = ap_influence([Contrast(labels, scores, np.arange(len(labels)) // 2)], "real")
    assert time.process_time() - start < 5
    assert influence.value == pytest.approx(auroc(labels, scores), abs=1e-12)
    assert of_ap.value == pytest.approx(average_precision(labels, scores, "real"), abs=1e-12)


@pytest.mark.parametrize("scale", [1e300, 1.0, 1e-300, 5e-324])
def test_influences_do_not_depend_on_the_magnitude_of_scores(scale):
    labels, scores = [0, 0, 0, 1, 1, 1], np.array([0.0, 1.0, 2.0, 1.0, 2.0, 3.0])
    influence, plain = (auroc_influence([Contrast(labels, s, range(6))]) for s in (scores * scale, scores))
    assert influence.value == 7 / 9
    np.testing.assert_array_equal(influence.values, plain.values)


# Average precision


def slow_ap_influences(one, positive, balanced):
    """The derivative by the weight of each image, from two weightings each; centred within classes."""
    labels, step = np.asarray(one.labels), 1e-5
    slopes = np.zeros(len(labels))
    for i in range(len(labels)):
        up, down = np.ones((2, len(labels)))
        up[i], down[i] = 1 + step, 1 - step
        values = [average_precision(labels, one.scores, positive, weights, balanced) for weights in (up, down)]
        slopes[i] = (values[0] - values[1]) / (2 * step)
    for label in (0, 1):
        slopes[labels == label] -= slopes[labels == label].mean()
        slopes[labels == label] *= factor(one, np.flatnonzero(labels == label))
    names = sorted(set(one.groups))
    return [slopes[np.array(one.groups) == name].sum() for name in names]


@pytest.mark.heavy
@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("positive", ["generated", "real"])
@settings(deadline=None)
@given(given_contrasts=contrasts())
def test_influences_on_the_average_precision_are_its_derivatives(positive, balanced, given_contrasts):
    for one in given_contrasts:
        influence = ap_influence([one], positive, balanced)
        value = average_precision(one.labels, one.scores, positive, balanced=balanced)
        assert influence.value == pytest.approx(value, abs=1e-12)
        np.testing.assert_allclose(influence.values, slow_ap_influences(one, positive, balanced), rtol=0, atol=1e-8)


def test_hand_computed_influences_on_the_average_precision():
    # From the top: generated, real, generated; AP = (1 + 2 / 3) / 2 = 5 / 6. A generated image: (P - AP) / 2, so 1 / 12
    # and -1 / 12; to both the lowest block adds F / (T + F)^2 / 2 = 1 / 18, which centring takes away again, as it does
    # the influence of the only real image.
    influence = ap_influence([Contrast([1, 0, 1], [3.0, 2.0, 1.0], ["a", "b", "c"])], "generated")
    assert influence.value == pytest.approx(5 / 6)
    np.testing.assert_allclose(influence.values, np.sqrt(2) * np.array([1 / 12, 0, -1 / 12]), atol=1e-15)


@pytest.mark.heavy
@pytest.mark.parametrize("metric", ["ap_generated", "ap_real", "ap_generated_balanced"])
@pytest.mark.parametrize("shared", [True, False])
def test_standard_errors_of_an_average_precision_equal_those_of_the_bootstrap(metric, shared):
    parts = generators(np.random.default_rng(0), m=400, n=400, shared=shared)
    for chosen in (parts[:1], parts):
        positive, _, balanced = metric.removeprefix("ap_").partition("_")
        influence = ap_influence(chosen, positive, bool(balanced))
        assert standard_error(influence).se == pytest.approx(bootstrap_sd(chosen, metric=metric), rel=0.1)


def test_a_weighted_sum_is_taken_on_the_union_of_the_groups():
    first, second = (
        influence_of(0.8, ["a", "b"], [0.1, -0.1], (0.7, 0.9)),
        influence_of(0.6, ["b", "c"], [0.2, -0.2], (0.5, 0.7)),
    )
    mean, difference = combined([first, second]), combined([first, second], [1, -1])
    assert mean.groups.tolist() == ["a", "b", "c"]
    assert (mean.n_real, mean.n_generated) == (10, 10)
    np.testing.assert_allclose(mean.values, [0.05, 0.05, -0.1])
    assert mean.seeds == pytest.approx((0.6, 0.8))
    assert mean.value == pytest.approx(0.7)
    np.testing.assert_allclose(difference.values, [0.1, -0.3, 0.2])
    assert difference.seeds == pytest.approx((0.2, 0.2))
    assert difference.value == pytest.approx(0.2)


def test_means_over_generators_and_seeds_may_be_taken_in_either_order():
    rng = np.random.default_rng(0)
    parts = [generators(rng, of=2, m=20, n=20) for _ in range(3)]
    seeds_last = mean_over_seeds([auroc_influence(of) for of in parts])
    seeds_first = combined([mean_over_seeds([auroc_influence([of[g]]) for of in parts]) for g in range(2)])
    np.testing.assert_allclose(seeds_first.values, seeds_last.values, rtol=0, atol=1e-15)
    assert seeds_first.seeds == pytest.approx(seeds_last.seeds, abs=1e-15)


def test_alignment_gives_groups_that_one_did_not_see_no_influence():
    first, second = aligned(influence_of(0.5, [1, 5], [0.1, 0.2]), influence_of(0.5, [2, 5], [0.3, 0.4]))
    assert first.groups.tolist() == second.groups.tolist() == [1, 2, 5]
    np.testing.assert_array_equal(first.values, [0.1, 0, 0.2])
    np.testing.assert_array_equal(second.values, [0, 0.3, 0.4])


def test_seeds_that_do_not_fit_are_refused():
    one, two = influence_of(0.5, ["a"], [0.0]), influence_of(0.5, ["a"], [0.0], (0.4, 0.6))
    with pytest.raises(ValueError, match=r"equally many seeds, got \[1, 2\]"):
        combined([one, two])
    with pytest.raises(ValueError, match="same groups"):
        mean_over_seeds([one, influence_of(0.5, ["b"], [0.0])])
