import numpy as np
import pytest
from scipy.stats import chi2, norm, t

from bench.statistics.standard_errors import StandardError, images_alone, mixed, over_images_and_seeds, seeds_variance


def test_images_alone_keep_their_degrees_of_freedom():
    assert over_images_and_seeds(4e-4, 95, []) == pytest.approx((0.02, 95))
    assert over_images_and_seeds(4e-4, 95, [[0.7]]) == pytest.approx((0.02, 95))
    assert over_images_and_seeds(4e-4, 95, [[0.7, 0.7, 0.7]]) == pytest.approx((0.02, 95))


def test_seeds_add_their_variance_and_take_degrees_of_freedom_by_hand():
    # Seeds 0.7, 0.8, 0.9: s^2 = 0.01, of the mean 0.01 / 3; the degrees of freedom count it 1 + 6 / 2 = 4 times.
    se, df = over_images_and_seeds(0.01, 50, [[0.7, 0.8, 0.9]])
    assert se**2 == pytest.approx(0.01 + 0.01 / 3)
    assert df == pytest.approx((0.01 + 0.04 / 3) ** 2 / (0.01**2 / 50 + (0.04 / 3) ** 2 / 2))


def test_an_error_of_seeds_alone_has_theirs():
    assert over_images_and_seeds(0.0, 99, [[0.7, 0.8, 0.9]]).df == pytest.approx(2)


def test_degrees_of_freedom_lie_between_those_of_seeds_and_those_of_images():
    for spread in np.logspace(-4, 4, 30):
        assert 3 <= mixed(1.0, 99, [(spread, 3)]).df <= 102 + 1e-9


def test_taking_the_seeds_out_again_gives_the_images():
    seeds = [0.70, 0.71, 0.73]
    for df in (20.0, 1000.0, float("inf")):
        assert images_alone(over_images_and_seeds(2e-4, df, [seeds]), seeds) == pytest.approx((2e-4, df), rel=1e-6)
    assert images_alone(StandardError(0.02, 95), [0.7]) == pytest.approx((4e-4, 95))
    assert seeds_variance([0.7]) == 0


def shares_covered(n_seeds, level, of=1000):
    """How often intervals of normal errors hold: (least, most) over the seeds' shares of the variance.

    Exact but for a grid: given the measured variance of the seeds, the error is normal.
    """
    df_seeds = n_seeds - 1
    measured = chi2.ppf((np.arange(of) + 0.5) / of, df_seeds) / df_seeds
    covered = []
    for share in np.linspace(0, 0.995, 40):
        errors = np.array([mixed(1 - share, 1e6, [(share * one, df_seeds)]) for one in measured])
        covered.append(np.mean(2 * norm.cdf(t.ppf((1 + level) / 2, errors[:, 1]) * errors[:, 0]) - 1))
    return min(covered), max(covered)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("n_seeds", "least", "most"), [(2, 0.934, 0.969), (3, 0.950, 0.966), (5, 0.950, 0.959), (10, 0.950, 0.953)]
)
def test_few_seeds_cover_as_said(n_seeds, least, most):
    assert shares_covered(n_seeds, 0.95) == pytest.approx((least, most), abs=0.001)


@pytest.mark.parametrize(("n_seeds", "least"), [(2, 0.962), (3, 0.984), (5, 0.989)])
def test_at_99_percent_two_or_three_seeds_cover_less_than_said(n_seeds, least):
    assert shares_covered(n_seeds, 0.99)[0] == pytest.approx(least, abs=0.002)
