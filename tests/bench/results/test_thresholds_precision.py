"""Precision at a prevalence: by hand, where there is a bound alone, and how often its intervals hold."""

import numpy as np
import pytest
from scipy.stats import norm
from threshold_panels import exact_interval, panel_of

from bench.errors import BenchError
from bench.results.thresholds.halves import Halves
from bench.results.thresholds.points import operating_points
from bench.results.thresholds.precision import NOTHING_ABOVE, parse_prevalence, positive_predictive_value, precision
from bench.results.thresholds.rules import parse_rule
from bench.results.thresholds.shares import Shares
from bench.statistics.bootstrap import interval


def shares_of(tpr, fpr, draws=None):
    """Rates by seed; draws are those rates without other ones."""
    points = {"tpr": np.array(tpr, dtype=float), "fpr": np.array(fpr, dtype=float)}
    drawn = draws or {name: np.full(100, values.mean()) for name, values in points.items()}
    return Shares(points, drawn, None)


@pytest.mark.parametrize(
    ("tpr", "fpr", "prevalence", "expected"),
    [
        (0.9, 0.05, 0.01, 0.009 / (0.009 + 0.0495)),  # of 10,000 images 90 found, and 495 false alarms
        (0.9, 0.05, 0.5, 0.9 / 0.95),
        (1.0, 1.0, 0.2, 0.2),  # all called generated: the prevalence
        (0.0, 0.1, 0.2, 0.0),
    ],
)
def test_the_precision_by_hand(tpr, fpr, prevalence, expected):
    assert positive_predictive_value(np.array(tpr), np.array(fpr), prevalence) == pytest.approx(expected, abs=1e-15)
    assert precision(shares_of([tpr], [fpr]), prevalence, (1000, 1000), None).value == pytest.approx(
        expected, abs=1e-15
    )


def test_its_interval_is_that_of_the_draws_of_both_rates():
    rng = np.random.default_rng(0)
    drawn = {"tpr": rng.uniform(0.5, 0.7, 500), "fpr": rng.uniform(0.03, 0.07, 500)}
    number = precision(shares_of([0.6], [0.05], drawn), 0.1, (200, 200), None)
    expected = interval(0.1 * drawn["tpr"] / (0.1 * drawn["tpr"] + 0.9 * drawn["fpr"]))
    assert number.interval == pytest.approx(expected, abs=1e-12)
    assert precision(shares_of([0.6], [0.05], drawn), 0.1, (200, 200), "few").interval is None
    seeds = precision(shares_of([0.5, 0.7], [0.04, 0.06], drawn), 0.1, (200, 200), None)
    assert seeds.seeds_sd == pytest.approx(np.std([0.05 / 0.086, 0.07 / 0.124], ddof=1))
    assert seeds.interval.low < expected.low


def test_without_a_false_alarm_there_is_a_lower_bound_alone():
    number = precision(shares_of([0.8], [0.0]), 0.01, (40, 50), None)
    least, worst = exact_interval(40, 50)[0], exact_interval(0, 40)[1]
    assert np.isnan(number.value)
    assert number.interval == pytest.approx((0.01 * least / (0.01 * least + 0.99 * worst), 1.0), abs=1e-12)
    assert number.interval.low < 0.1  # though the estimate would be 1
    assert "none of 40 groups of real images" in number.reason


def test_with_fewer_than_5_false_alarms_there_is_no_interval():
    assert precision(shares_of([0.8], [0.08]), 0.01, (50, 50), None).reason == (
        "fewer than 5 groups of real images above the threshold (4)"
    )
    assert precision(shares_of([0.0], [0.0]), 0.01, (50, 50), None).reason == NOTHING_ABOVE


@pytest.mark.parametrize("text", ["0", "1", "2", "-0.1", "nan", "x", ""])
def test_a_prevalence_that_is_none_is_refused_in_one_line(text):
    with pytest.raises(BenchError, match="above 0 and below 1") as caught:
        parse_prevalence(text)
    assert "\n" not in str(caught.value)


def test_of_a_mean_it_is_that_of_the_mean_rates():
    panel = panel_of([range(20)], [[0, 10, 18, 19]], {"a": [[18.5, 30, 1, 40]], "b": [[40, 41]]})
    points = operating_points(Halves(panel, 50), "x", "clean", parse_rule("fpr:5"), prevalences=[0.1, 0.5])
    assert [list(point.precisions) for point in points] == [[0.1, 0.5]] * 3
    values = [point.precisions[0.1].value for point in points]
    assert values == pytest.approx([0.1 * tpr / (0.1 * tpr + 0.9 * 0.25) for tpr in (0.75, 1.0, 0.875)])
    assert all("fewer than 10" in point.precisions[0.1].reason for point in points)


@pytest.mark.slow
def test_intervals_of_the_precision_hold_that_of_the_rule():
    stream, runs, inside = np.random.default_rng(11), 200, 0
    tpr = float(norm.sf(norm.isf(0.05) - 1.5))
    truth = 0.01 * tpr / (0.01 * tpr + 0.99 * 0.05)
    for _ in range(runs):
        panel = panel_of([stream.normal(size=200)], [stream.normal(size=200)], {"a": [stream.normal(1.5, size=200)]})
        (point,) = operating_points(Halves(panel, 400), "x", "clean", parse_rule("fpr:5"), prevalences=[0.01])
        number = point.precisions[0.01]
        inside += number.interval is not None and number.interval.low <= truth <= number.interval.high
    assert inside / runs > 0.93 - 3 * np.sqrt(0.93 * 0.07 / runs)
