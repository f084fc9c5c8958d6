"""The generators of a board as a sample of their kind, and which of them moves a detector's mean most."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.results.leaderboard import Board, BoardRow
from bench.results.summary import MEAN
from bench.statistics.generators import OverGenerators, generators_refusal, over_generators, without_each
from bench.statistics.number import Number


@dataclass(frozen=True)
class GeneratorSample:
    """A detector on the generators of its mean.

    Args:
        mean: For exactly these generators.
        sample: What they say of others of their kind, or None.
        reason: Why they do not.
        without: The mean without each generator.
    """

    detector: str
    mean: Number
    sample: OverGenerators | None
    reason: str | None
    without: Mapping[str, float]

    @property
    def moving(self) -> str:
        """The generator without which the mean moves most."""
        return max(self.without, key=lambda name: (abs(self.without[name] - self.mean.value), name))


def generator_samples(board: Board) -> list[GeneratorSample]:
    """Looks at each ranked detector whose mean is over at least two generators, in the board's order."""
    ranked = set(board.ranking.order)
    return [_sample(board, row) for row in board.rows if row.detector in ranked and MEAN in row.rows]


def _sample(board: Board, row: BoardRow) -> GeneratorSample:
    names = [name for name, numbers in row.rows.items() if name != MEAN and not numbers.apart]
    known = board.comparison.summary.influences[row.detector, board.condition]
    without = dict(zip(names, without_each([row.rows[name].numbers["auroc"].value for name in names]), strict=True))
    reason = generators_refusal(len(names))
    sample = None if reason else over_generators([known[name] for name in names])
    return GeneratorSample(row.detector, row.rows[MEAN].numbers["auroc"], sample, reason, without)
