"""Which images face each other."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class ContrastRule:
    """One generator and the sources of the real images that face it.

    Args:
        members: Paths of the only images that take part; all where it is None.
        apart: Whether the generator's images are edited ones, which are in no mean over generators.
    """

    generator: str
    reals: tuple[str, ...]
    members: frozenset[str] | None = None
    apart: bool = False

    def applies(self, labels: ArrayLike, sources: Sequence[str], paths: Sequence[str]) -> NDArray[np.bool_]:
        """Says which of ``n`` images take part; labels are 0 for real, 1 for generated."""
        label, source = np.asarray(labels), np.asarray(sources, dtype=object)
        takes_part = np.where(label == 1, source == self.generator, np.isin(source, self.reals)).astype(np.bool_)
        if self.members is not None:
            takes_part &= np.fromiter((path in self.members for path in paths), dtype=np.bool_, count=len(paths))
        return takes_part

    def expression(self) -> pl.Expr:
        """Says the same of the rows of a table with ``path``, ``label`` and ``generator``."""
        generated, source = pl.col("label") == 1, pl.col("generator")
        takes_part = pl.when(generated).then(source == self.generator).otherwise(source.is_in(list(self.reals)))
        return takes_part if self.members is None else takes_part & pl.col("path").is_in(list(self.members))


def averaged(rules: Iterable[ContrastRule]) -> list[ContrastRule]:
    """Takes the rules that a mean over generators is about, and ranks: not those apart, unless there is but one."""
    everything = list(rules)
    return everything if len(everything) == 1 else [rule for rule in everything if not rule.apart]


def rules_of(contrasts: Mapping[str, Sequence[str]], apart: Collection[str] = ()) -> tuple[ContrastRule, ...]:
    """Makes rules of who faces whom; ``apart`` are the generators of edited images."""
    return tuple(ContrastRule(name, tuple(reals), apart=name in apart) for name, reals in contrasts.items())
