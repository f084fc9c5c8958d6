"""Precision at a prevalence: which share of the images called generated are, if so many of all images are generated.

Test sets hold far more generated images than streams do, so the share among the images at hand says nothing of use.
With the prevalence ``p``, precision is ``p TPR / (p TPR + (1 - p) FPR)``, and hangs on the FPR: an FPR of 5 % at a
prevalence of 1 % leaves it below 17 %, whatever the detector. Of a mean over generators it is that of the mean rates:
of a stream to which each generator gives equally many images.

Intervals are from the bootstrap draws of the rates, with thresholds fitted anew where the rule fits one. With fewer
than 5 real groups above the threshold there is none. Where no real image lies above it, the estimate would be 1, which
only says that there were few images; then there is no value, and its interval is a lower bound: with the highest FPR
and the lowest TPR that Clopper and Pearson leave, each at 97.5 %.
"""

import math

import numpy as np

from bench.errors import BenchError
from bench.results.estimates import DRAWN_ALIKE, DRAWN_LACK_A_CLASS
from bench.results.thresholds.rules import Floats
from bench.results.thresholds.shares import Shares, clopper_pearson
from bench.statistics.bootstrap import FEWEST_BEYOND, Interval, interval, widened
from bench.statistics.number import Number, sd_over_seeds

NOTHING_ABOVE = "no image lies above the threshold"


def parse_prevalence(text: str) -> float:
    """Reads a prevalence, a share above 0 and below 1.

    Raises:
        BenchError: It is none.

    Examples:
        >>> parse_prevalence("0.01")
        0.01
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise BenchError(
            f"A prevalence is a share of generated images above 0 and below 1, for instance 0.01, got {text}."
        )
    return value


def positive_predictive_value(tpr: Floats, fpr: Floats, prevalence: float) -> Floats:
    """Computes the share of generated images among those above a threshold; nan where nothing lies above.

    Examples:
        >>> positive_predictive_value(np.array([0.9]), np.array([0.05]), 0.01).round(4)
        array([0.1538])
    """
    found = prevalence * np.asarray(tpr)
    above = found + (1 - prevalence) * np.asarray(fpr)
    share: Floats = np.divide(found, above, out=np.full(np.shape(above), np.nan), where=above > 0)
    return share


def precision(shares: Shares, prevalence: float, n_groups: tuple[int, int], reason: str | None) -> Number:
    """Makes a number of the precision of a threshold.

    Args:
        shares: The rates, and their draws.
        prevalence: In (0, 1).
        n_groups: Numbers of groups with real images, and of groups with generated images.
        reason: Why there are no intervals from draws.
    """
    tpr, fpr = (float(np.mean(shares.points[rate])) for rate in ("tpr", "fpr"))
    value = float(positive_predictive_value(np.array(tpr), np.array(fpr), prevalence))
    above = round(fpr * n_groups[0], 9)
    if math.isnan(value):
        return Number(value, reason=NOTHING_ABOVE)
    if above == 0:
        worst = clopper_pearson(0, n_groups[0]).high
        least = clopper_pearson(math.floor(tpr * n_groups[1]), n_groups[1]).low
        bound = float(positive_predictive_value(np.array(least), np.array(worst), prevalence))
        why = f"none of {n_groups[0]} groups of real images lies above the threshold, so there is a lower bound alone"
        return Number(math.nan, Interval(bound, 1.0), reason=why)
    seeds = positive_predictive_value(shares.points["tpr"], shares.points["fpr"], prevalence)
    drawn = positive_predictive_value(shares.drawn["tpr"], shares.drawn["fpr"], prevalence)
    spread, ends = sd_over_seeds(seeds), interval(drawn)
    if reason is None and above < FEWEST_BEYOND:
        reason = f"fewer than {FEWEST_BEYOND} groups of real images above the threshold ({above:g})"
    elif reason is None and (np.isnan(ends.low) or ends.low == ends.high):
        reason = DRAWN_LACK_A_CLASS if np.isnan(ends.low) else DRAWN_ALIKE
    if reason:
        return Number(value, None, spread, reason)
    return Number(value, widened(ends, value, float(np.nanstd(drawn, ddof=1)), seeds.tolist()), spread)
