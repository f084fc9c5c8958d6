"""Numbers of groups: by hand, against the paired test of the larger data set itself, and by simulation."""

import numpy as np
import pytest
from benchmark_scripts import module
from made_contrasts import facing, influence_of
from scipy.stats import chi2, nct, t

from bench.statistics.influence import Contrast, auroc_influence
from bench.statistics.intervals import PairedTest, paired_test, smallest_difference
from bench.statistics.planning import (
    BOTH,
    GENERATED,
    OTHER_CLASS,
    REAL,
    SEEDS,
    SHARED,
    TOO_MANY,
    Pilot,
    needed,
    pilot_of,
    plan,
)

planning = module("planning")


def made(real, generated, m=50, n=50, seeds=((0.8,), (0.7,))):
    """A pilot of images that are their own groups, with these sums of squared influences of both classes."""
    return Pilot(
        squares=np.array([real, generated]),
        counts=np.array([m, n], dtype=float),
        freedom=np.array([m - 1.0, n - 1.0]),
        classes=np.array([REAL, GENERATED]),
        groups=(m, n),
        fewest=(float(m), float(n)),
        seeds=seeds,
    )


def two(m, n, seed=0, times=1):
    """Influence values of two detectors on the same images, each image so many times as a group of its own."""
    rng = np.random.default_rng(seed)
    labels, shared = np.repeat([0, 1], [m, n]), rng.normal(size=m + n)
    scores = [shared + rng.normal(size=m + n) + labels * shift for shift in (1.6, 1.0)]
    groups = np.arange(times * (m + n))
    return [auroc_influence([Contrast(np.tile(labels, times), np.tile(s, times), groups)]) for s in scores]


def test_the_error_of_the_pilot_itself_is_that_of_the_paired_test():
    first, second = two(30, 70)
    test = paired_test(first, second)
    assert pilot_of(first, second).error() == pytest.approx((test.se, test.df), rel=1e-12)
    assert pilot_of(first, second).groups == (30, 70)
    assert pilot_of(first, second).fewest == pytest.approx((30, 70))


def test_the_error_of_a_data_set_that_is_three_times_as_large_is_that_of_its_own_paired_test():
    """Each image thrice: the placement values are the same, and only the factor M / (M - 1) differs."""
    error = pilot_of(*two(30, 70)).error(3, 3)
    tripled = paired_test(*two(30, 70, times=3))
    assert error.se == pytest.approx(tripled.se, rel=0.02)
    assert error.df == pytest.approx(tripled.df, rel=0.02)


def test_the_error_by_hand():
    pilot = made(0.0004, 0.0012)
    assert pilot.error().se == pytest.approx(0.04)
    se, df = pilot.error(real=4, generated=2)
    assert se == pytest.approx(np.sqrt(0.0001 + 0.0006))
    assert df == pytest.approx(0.0007**2 / (0.0001**2 / 199 + 0.0006**2 / 99))
    assert pilot.error(real=np.inf).se == pytest.approx(np.sqrt(0.0012))
    assert pilot.error(variance=4).se == pytest.approx(0.08)
    seeds = made(0.0004, 0.0012, seeds=((0.8, 0.82), (0.7,)))
    assert seeds.error(np.inf, np.inf).se == pytest.approx(0.01)  # sqrt(2 * 0.01^2 / 2)


@pytest.mark.parametrize(("difference", "tests"), [(0.05, 1), (0.02, 6), (0.15, 3)])
def test_the_number_is_the_smallest_whose_own_test_finds_the_difference(difference, tests):
    pilot = made(0.0004, 0.0012, m=50, n=100)
    need = needed(pilot, difference, tests)

    def finds(real):
        se, df = pilot.error(real / 50, real / 50)
        critical = t.ppf(1 - 0.025 / tests, df)
        return nct.sf(critical, df, difference / se)

    assert finds(need.real) >= 0.8 - 1e-6
    assert finds(need.real - 1) < 0.8
    assert need.generated in (2 * need.real, 2 * need.real - 1)
    se, df = pilot.error(need.real / 50, need.real / 50)
    assert smallest_difference(PairedTest(0.0, se, df, 1.0, 0.0, 0.0), tests) <= difference


def test_with_many_groups_it_is_the_rule_of_the_normal_distribution():
    # (1.96 + 0.8416)^2 * 0.16 / 0.005^2 = 50,234 of each class, where 0.16 / n is the squared error.
    need = needed(made(0.00008, 0.00008, m=1000, n=1000), 0.005, 1)
    assert need.real == need.generated == pytest.approx((1.959964 + 0.841621) ** 2 * 0.16 / 0.005**2, rel=1e-3)


def test_one_class_alone_helps_as_far_as_the_other_lets_it():
    pilot = made(0.0009, 0.0001)
    real = needed(pilot, 0.05, 1, REAL)
    assert real.generated == 50
    assert real.real > needed(pilot, 0.05, 1).real
    assert smallest_difference(PairedTest(0.0, *pilot.error(real.real / 50, 1), 1.0, 0.0, 0.0), 1) <= 0.05
    assert needed(pilot, 0.05, 1, GENERATED).reason == OTHER_CLASS
    assert needed(pilot, 0.02, 1, REAL).reason == OTHER_CLASS


def test_seeds_are_a_floor_that_no_images_remove():
    pilot = made(0.0004, 0.0004, seeds=((0.80, 0.83, 0.77), (0.70, 0.71, 0.69)))
    floor = smallest_difference(PairedTest(0.0, *pilot.error(np.inf, np.inf), 1.0, 0.0, 0.0), 1)
    assert needed(pilot, 0.99 * floor, 1).reason == SEEDS
    assert needed(pilot, 0.99 * floor, 1, REAL).reason == SEEDS
    assert needed(pilot, 1.2 * floor, 1).real > needed(made(0.0004, 0.0004), 1.2 * floor, 1).real


def test_groups_of_both_classes_grow_together():
    rng = np.random.default_rng(0)
    names = [f"{i:02d}" for i in range(40)]
    first, second = (influence_of(0.8, names, 0.01 * rng.normal(size=40), sizes=(40.0, 40.0)) for _ in range(2))
    pilot = pilot_of(first, second)
    assert (pilot.groups, pilot.classes.tolist()) == ((40, 40), [BOTH])
    assert needed(pilot, 0.05, 1, REAL).reason == needed(pilot, 0.05, 1, GENERATED).reason == SHARED
    both = needed(pilot, 0.05, 1)
    assert both.real == both.generated > 0


def test_over_generators_their_shares_are_kept():
    rng = np.random.default_rng(1)
    reals, generated = rng.normal(size=40), [rng.normal(1, size=20), rng.normal(1, size=60)]
    influences = [
        auroc_influence(facing(reals + rng.normal(size=40), [g + rng.normal(size=len(g)) for g in generated]))
        for _ in range(2)
    ]
    pilot = pilot_of(*influences)
    assert pilot.groups == (40, 80)
    assert pilot.fewest == pytest.approx((40, 20))
    need = needed(pilot, 0.03, 1)
    assert need.generated == pytest.approx(2 * need.real, abs=1)
    assert needed(pilot, 0.9, 1).generated == 40  # 10 of the smaller generator


def test_there_are_never_fewer_than_10_groups_nor_a_number_beyond_a_million_pilots():
    pilot = made(0.0004, 0.0004)
    assert (needed(pilot, 1.0, 1).real, needed(pilot, 1.0, 1).generated) == (10, 10)
    assert needed(pilot, 1e-5, 1).reason == TOO_MANY


def test_the_range_is_that_of_the_variance_of_the_pilot():
    pilot = made(0.0008, 0.0008)
    planned = plan(pilot, 0.03, 3)
    df = pilot.error().df
    for need, tail in ((planned.low, 0.975), (planned.high, 0.025)):
        assert need == needed(pilot, 0.03, 3, variance=df / chi2.ppf(tail, df))
    assert planned.low.real < planned.both.real < planned.high.real


@pytest.mark.heavy
def test_a_plan_from_a_large_pilot_has_its_power():
    setting = planning.Setting(area=0.85, difference=0.08)
    size = planning.planned(setting, 5000, 5000, (5,))
    trials = 300
    assert planning.power(setting, *size, trials, (6,)) == pytest.approx(0.8, abs=4 * np.sqrt(0.8 * 0.2 / trials))


@pytest.mark.slow
@pytest.mark.parametrize("setting", planning.SETTINGS)
def test_planned_data_sets_find_the_difference_in_four_of_five_cases(setting):
    """Over pilots the mean is a little less than with a variance that is known: power is concave where it is high."""
    well_known, of_pilots, _ = planning.powers(setting, 30, 40)
    error = np.hypot(of_pilots.std() / np.sqrt(30), np.sqrt(0.8 * 0.2 / 1200))
    assert well_known > 0.8 - 3 * np.sqrt(0.8 * 0.2 / 1200)
    assert 0.76 - 3 * error < of_pilots.mean() < 0.88 + 3 * error
