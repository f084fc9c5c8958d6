"""How often a data set of the planned size finds the planned difference: the figures of docs/statistics.md.

    python benchmarks/planning.py --pilots 100 --trials 100

A pilot of correlated binormal scores is drawn; from it alone the suite plans the number of images; data sets of that
size are drawn afresh, and in each the suite's paired tests, adjusted by Holm, either find the pair or not. Detectors
beyond the two are alike and as good as the first: their pairs count in Holm's procedure. Beside the mean over pilots
stands what a pilot that knew the variance would give (a plan from one of 20,000 images of the larger class).
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from tables import percent, row

from bench.statistics.influence import Contrast, InfluenceValues, auroc_influence
from bench.statistics.intervals import holm, paired_test
from bench.statistics.planning import needed, pilot_of

Floats = NDArray[np.float64]
LARGE = 20_000
CORRELATION = 0.6
"""Of two detectors' scores of an image, within its class."""


@dataclass(frozen=True)
class Setting:
    """A pilot, and the difference to be found.

    Args:
        detectors: Number of detectors; the last is worse than the others by the difference.
        real: Images of the pilot.
        generated: Images of the pilot.
        area: AUROC of all but the last.
        difference: That the plan is for, and that the truth is.
    """

    detectors: int = 2
    real: int = 50
    generated: int = 50
    area: float = 0.85
    difference: float = 0.05

    @property
    def tests(self) -> int:
        """Number of pairs."""
        return self.detectors * (self.detectors - 1) // 2


SETTINGS = (
    Setting(),
    Setting(difference=0.02),
    Setting(area=0.7),
    Setting(area=0.95, difference=0.03),
    Setting(real=200, generated=200),
    Setting(real=30, generated=300),
    Setting(detectors=4),
    Setting(detectors=4, real=200, generated=200),
)


def draw(stream: np.random.Generator, setting: Setting, real: int, generated: int) -> list[InfluenceValues]:
    """Draws a data set of so many images, and returns the influence values of each detector."""
    labels = np.repeat([0, 1], [real, generated])
    shared = stream.normal(size=len(labels)) * np.sqrt(CORRELATION)
    groups = np.arange(len(labels))
    influences = []
    for detector in range(setting.detectors):
        area = setting.area - (setting.difference if detector == setting.detectors - 1 else 0)
        own = stream.normal(size=len(labels)) * np.sqrt(1 - CORRELATION)
        scores = shared + own + labels * norm.ppf(area) * np.sqrt(2)
        influences.append(auroc_influence([Contrast(labels, scores, groups)]))
    return influences


def found(influences: list[InfluenceValues]) -> bool:
    """Says whether Holm's procedure over all pairs separates the first detector from the last."""
    pairs = list(combinations(range(len(influences)), 2))
    adjusted = holm([paired_test(influences[first], influences[second]).p for first, second in pairs])
    return bool(adjusted[pairs.index((0, len(influences) - 1))] < 0.05)


def power(setting: Setting, real: int, generated: int, trials: int, seed: tuple[int, ...]) -> float:
    """Returns the share of data sets of so many images in which the pair is found."""
    streams = (np.random.default_rng((*seed, trial)) for trial in range(trials))
    return float(np.mean([found(draw(stream, setting, real, generated)) for stream in streams]))


def planned(setting: Setting, real: int, generated: int, seed: tuple[int, ...]) -> tuple[int, int]:
    """Plans from a pilot of so many images."""
    influences = draw(np.random.default_rng(seed), setting, real, generated)
    need = needed(pilot_of(influences[0], influences[-1]), setting.difference, setting.tests)
    assert need.real is not None
    assert need.generated is not None
    return need.real, need.generated


def powers(setting: Setting, pilots: int, trials: int) -> tuple[float, Floats, Floats]:
    """Returns the power of a plan from a large pilot, and of each small one, and its number of real images."""
    scale = LARGE // max(setting.real, setting.generated)
    exact = planned(setting, setting.real * scale, setting.generated * scale, (0,))
    well_known = power(setting, *exact, pilots * trials, (1,))
    plans = [planned(setting, setting.real, setting.generated, (2, pilot)) for pilot in range(pilots)]
    of_pilots = [power(setting, *plan, trials, (3, pilot)) for pilot, plan in enumerate(plans)]
    return well_known, np.array(of_pilots), np.array([plan[0] for plan in plans])


def power_tables(pilots: int, trials: int) -> Iterator[str]:
    """Yields a line for each setting."""
    yield row("detectors", "pilot", "AUROC", "difference", "real images planned", "power", "power, variance known")
    for setting in SETTINGS:
        well_known, of_pilots, real = powers(setting, pilots, trials)
        low, middle, high = np.quantile(real, [0.05, 0.5, 0.95])
        yield row(
            setting.detectors,
            f"{setting.real} / {setting.generated}",
            setting.area,
            setting.difference,
            f"{middle:.0f} ({low:.0f} to {high:.0f})",
            percent(float(of_pilots.mean())),
            percent(well_known),
        )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pilots", type=int, default=100)
    parser.add_argument("--trials", type=int, default=100, help="data sets for each pilot")
    arguments = parser.parse_args()
    for line in power_tables(arguments.pilots, arguments.trials):
        print(line, flush=True)


if __name__ == "__main__":
    main()
