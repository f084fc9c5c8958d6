import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_contrasts import replicates
from scipy.stats import norm, t

from bench.statistics import bootstrap as statistics
from bench.statistics.bootstrap import (
    GroupBootstrap,
    Interval,
    interval,
    n_groups,
    no_interval_reason,
    tpr_reason,
    widened,
)
from bench.statistics.metrics import METRICS

GROUPS = ["b", "a", "a", "c", "d", "d", "e", "f", "c"]
LABELS = [0, 0, 0, 1, 0, 1, 1, 0, 1]
ROWS = np.arange(len(GROUPS))
REAL_ONLY, GENERATED_ONLY, BOTH = {"a", "b", "f"}, {"c", "e"}, {"d"}


def groups_drawn(weights, names):
    """How many groups of these names each draw holds; every group counts through its first image."""
    return sum(weights[:, GROUPS.index(name)].astype(int) for name in names)


def test_images_of_a_group_are_always_drawn_together():
    weights = GroupBootstrap(GROUPS, LABELS, draws=50).weights(ROWS)
    for name in set(GROUPS):
        columns = weights[:, [position for position, group in enumerate(GROUPS) if group == name]]
        assert (columns == columns[:, :1]).all()


def test_every_draw_has_as_many_groups_of_each_stratum_as_the_data():
    weights = GroupBootstrap(GROUPS, LABELS, draws=200).weights(ROWS)
    for names in (REAL_ONLY, GENERATED_ONLY, BOTH):
        assert (groups_drawn(weights, names) == len(names)).all()
    assert len(np.unique(weights, axis=0)) > 10


def test_groups_are_drawn_equally_often():
    names = [f"g{position}" for position in range(40)]
    weights = GroupBootstrap(names, [0] * 20 + [1] * 20, draws=4000).weights(range(40))
    # Counts are binomial (20, 1/20): mean 1, variance 0.95; 5 standard errors over 4,000 draws.
    assert np.abs(weights.mean(axis=0) - 1).max() < 5 * np.sqrt(0.95 / 4000)
    assert weights.var(axis=0).mean() == pytest.approx(0.95, abs=0.02)


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(len(GROUPS))))
def test_draws_do_not_depend_on_the_order_of_images(order):
    listed = GroupBootstrap(GROUPS, LABELS, draws=20).weights(ROWS)
    shuffled = GroupBootstrap([GROUPS[i] for i in order], [LABELS[i] for i in order], draws=20).weights(ROWS)
    np.testing.assert_array_equal(shuffled, listed[:, order])


def test_draws_depend_on_the_set_of_groups_and_not_on_their_number_of_images():
    more = GroupBootstrap([*GROUPS, "a", "e"], [*LABELS, 0, 1], draws=20).weights(ROWS)
    np.testing.assert_array_equal(more, GroupBootstrap(GROUPS, LABELS, draws=20).weights(ROWS))


def test_more_draws_begin_with_the_same_draws():
    few, many = (GroupBootstrap(GROUPS, LABELS, draws=draws).weights(ROWS) for draws in (5, 20))
    np.testing.assert_array_equal(few, many[:5])


def test_another_seed_gives_other_draws_and_the_same_seed_the_same():
    first, again, other = (GroupBootstrap(GROUPS, LABELS, draws=20, seed=seed).weights(ROWS) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("size", [1, 3, 7, 20, 100])
@pytest.mark.parametrize("held", [True, False])
def test_draws_do_not_depend_on_the_chunks(size, held, monkeypatch):
    expected = GroupBootstrap(GROUPS, LABELS, draws=20).weights(ROWS)
    if not held:
        monkeypatch.setattr(statistics, "LARGEST_HELD", 0)
    bootstrap = GroupBootstrap(GROUPS, LABELS, draws=20)
    np.testing.assert_array_equal(np.concatenate(list(bootstrap.chunks(ROWS, size))), expected)
    scores = np.linspace(0, 1, len(ROWS)) ** 2
    drawn = replicates(bootstrap, METRICS["auroc"], ROWS, scores)
    monkeypatch.setattr(statistics, "CHUNK_CELLS", 30)
    np.testing.assert_array_equal(replicates(bootstrap, METRICS["auroc"], ROWS, scores), drawn)
    np.testing.assert_array_equal(drawn, METRICS["auroc"].replicates(LABELS, scores, expected))


def test_parts_of_the_images_see_the_same_draws():
    bootstrap = GroupBootstrap(GROUPS, LABELS, draws=20)
    rows = [7, 2, 2, 4]
    np.testing.assert_array_equal(bootstrap.weights(rows), bootstrap.weights(ROWS)[:, rows])


@pytest.mark.parametrize(
    ("groups", "labels", "draws", "message"),
    [
        (["a"], [0, 1], 5, "1 groups and 2 labels"),
        (["a", "b"], [0, 2], 5, "got 2"),
        (["a", "b"], [0, 1], 0, "draws must be at least 1, got 0"),
    ],
)
def test_bad_input_is_named(groups, labels, draws, message):
    with pytest.raises(ValueError, match=message):
        GroupBootstrap(groups, labels, draws=draws)


def test_the_interval_is_that_of_the_percentiles():
    assert interval(np.arange(1001)) == pytest.approx(Interval(25.0, 975.0))
    assert interval(np.arange(101), level=0.9) == pytest.approx((5.0, 95.0))
    for level in (95, 1, 0):
        with pytest.raises(ValueError, match=f"level must lie between 0 and 1, got {level}"):
            interval([1.0], level=level)


def test_undefined_draws_are_left_out_up_to_one_percent():
    values = np.arange(1000.0)
    values[::100] = np.nan
    assert interval(values) == pytest.approx(tuple(np.nanquantile(values, [0.025, 0.975])))
    values[1] = np.nan
    assert np.isnan(interval(values)).all()
    assert np.isnan(interval([np.nan, np.nan])).all()
    assert np.isnan(interval([])).all()


def test_groups_are_counted_per_class():
    assert n_groups(GROUPS, LABELS) == (4, 3)
    assert n_groups([], []) == (0, 0)


def test_too_few_groups_are_a_reason_for_no_interval():
    names = [f"g{position}" for position in range(20)]
    assert no_interval_reason(names, [0] * 10 + [1] * 10) is None
    expected = "fewer than 10 independent groups among the real images (7)"
    assert no_interval_reason(names, [0] * 7 + [1] * 13) == expected
    # A thousand images of few photographs are few.
    expected = "fewer than 10 independent groups among the generated images (9)"
    assert no_interval_reason([*names[:10], *(names[10:19] * 100)], [0] * 10 + [1] * 900) == expected


def test_sharing_the_draws_makes_the_mean_over_generators_wider_than_independent_draws_would():
    rng = np.random.default_rng(0)
    reals, generators = rng.normal(size=100), [rng.normal(1, 1, 100) for _ in range(5)]
    names = [*(f"real-{i}" for i in range(100)), *(f"g{g}-{i}" for g in range(5) for i in range(100))]
    bootstrap = GroupBootstrap(names, [0] * 100 + [1] * 500, draws=500)
    drawn = []
    for g, generated in enumerate(generators):
        rows = [*range(100), *range(100 + 100 * g, 200 + 100 * g)]
        drawn.append(replicates(bootstrap, METRICS["auroc"], rows, np.concatenate([reals, generated])))
    independent = np.sqrt(np.sum(np.var(drawn, axis=1))) / 5
    assert np.mean(drawn, axis=0).std() > 1.3 * independent


def test_two_thousand_draws_of_two_thousand_images_take_less_than_half_a_second():
    rng = np.random.default_rng(0)
    labels = np.arange(2000) % 2
    bootstrap = GroupBootstrap([f"g{i}" for i in range(2000)], labels.tolist())
    bootstrap.weights([0])
    start = time.process_time()
    replicates(bootstrap, METRICS["auroc"], np.arange(2000), rng.normal(size=2000) + labels)
    assert time.process_time() - start < 0.5


def test_an_interval_over_images_grows_by_the_error_over_seeds_and_its_quantile():
    # The seeds 0.7 and 0.8 have s^2 = 0.005, their mean 0.0025: as much as the images.
    found = widened(Interval(0.65, 0.87), 0.75, 0.05, [0.7, 0.8])
    df = (0.0025 + 7 * 0.0025) ** 2 / (7 * 0.0025) ** 2  # which counts the seeds' variance 1 + 6 / 1 times
    factor = np.sqrt(2) * t.ppf(0.975, df) / norm.ppf(0.975)
    assert found == pytest.approx((max(0.75 - factor * 0.10, 0), min(0.75 + factor * 0.12, 1)))
    assert widened(Interval(0.74, 0.78), 0.75, 0.05, [0.7, 0.8], level=0.5).low > 0
    assert widened(Interval(0.9, 1.0), 0.97, 0.05, [0.94, 1.0]).high == 1.0


def test_an_interval_stays_as_it_is_where_seeds_say_nothing():
    found = Interval(0.65, 0.87)
    assert widened(found, 0.75, 0.05, [0.75]) == found
    assert widened(found, 0.75, 0.0, [0.7, 0.8]) == found
    assert widened(found, 0.75, 0.05, [0.75, 0.75]) == pytest.approx(found)


@pytest.mark.parametrize(
    ("n", "fpr", "enough"), [(99, 0.05, False), (100, 0.05, True), (499, 0.01, False), (50, 0.1, True)]
)
def test_a_low_rate_needs_five_groups_beyond_the_threshold(n, fpr, enough):
    reason = tpr_reason(n, n, fpr)
    if enough:
        assert reason is None
    else:
        assert f"{100 * fpr:g} % of {n} independent groups" in reason
