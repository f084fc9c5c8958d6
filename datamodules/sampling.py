"""Chooses some of a dataset's images, the same ones on every machine."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from datamodules.errors import UnknownDataNameError
from datamodules.items import plain_name

_ORDER = "order"
_REAL = pl.col("label") == 0


def of_generators(items: pl.DataFrame, generators: Sequence[str], facing: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Keeps some generators, with their edited images, and the real images that they face.

    Raises:
        UnknownDataNameError: A generator is not there.
    """
    chosen = [name for name in facing if name in generators or plain_name(name) in generators]
    for name in generators:
        if name not in {*chosen, *map(plain_name, chosen)}:
            raise UnknownDataNameError("generator", name, facing)
    reals, source = {real for name in chosen for real in facing[name]}, pl.col("generator")
    return items.filter(pl.when(_REAL).then(source.is_in(list(reals))).otherwise(source.is_in(chosen)))


def limited(items: pl.DataFrame, limit: int) -> pl.DataFrame:
    """Keeps at most so many images of each source: those whose paths have the smallest hashes."""
    ranked = items.with_columns(_order_of(items)).sort(_ORDER, "path")
    chosen = ranked.group_by("label", "generator", maintain_order=True).head(limit)
    return chosen.select(items.columns).sort("path")


def balanced(items: pl.DataFrame, contrasts: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Keeps equal numbers of real and generated images in every contrast.

    Generators that face the same reals share them, and a detector's false alarms are counted once for all of them; so
    they all keep the same number, that of the smallest: of the reals together, or of the smallest generator. Of the
    reals of several sources the smallest hashes are kept, whatever their source. A contrast without one of the classes
    is left as it is.

    Args:
        items: All images.
        contrasts: Which sources of real images face each generator.

    Returns:
        The images that stay, sorted by path.
    """
    ranked = items.with_columns(_order_of(items)).sort(_ORDER, "path")
    sides: dict[tuple[str, ...], list[str]] = {}
    for generator, reals in contrasts.items():
        sides.setdefault(tuple(sorted(reals)), []).append(generator)
    kept = []
    for reals, generators in sides.items():
        real = ranked.filter(_REAL, pl.col("generator").is_in(reals))
        generated = ranked.filter(~_REAL, pl.col("generator").is_in(generators))
        if real.is_empty() or generated.is_empty():
            kept += [real, generated]
            continue
        smallest = min(len(real), *generated.group_by("generator").len()["len"])
        kept += [real.head(smallest), generated.group_by("generator", maintain_order=True).head(smallest)]
    chosen = pl.concat([table.select(items.columns) for table in kept]) if kept else items
    return chosen.unique("path").sort("path")


def _order_of(items: pl.DataFrame) -> pl.Series:
    """Hashes each path; the order is that of the hash's bytes."""
    hashes = (hashlib.blake2b(path.encode(), digest_size=8).digest() for path in items["path"])
    ranks = np.fromiter((int.from_bytes(digest) for digest in hashes), dtype=np.uint64, count=len(items))
    return pl.Series(_ORDER, ranks)
