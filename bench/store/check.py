"""Examines every file of a results folder's store, and mends it: damaged files are set aside, leftovers removed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bench.errors import BenchError
from bench.store.claims import read_claims
from bench.store.cue_cache import fault_of_cache
from bench.store.damage import PARTS, Damage, set_aside
from bench.store.files import leftovers, remove
from bench.store.listings import damaged_listings
from bench.store.mending import damaged_files, leftovers_in, put_aside

Kind = Literal["damaged", "cache", "leftover", "claim"]


@dataclass(frozen=True)
class StoreFault:
    """A file that is damaged, or that nobody uses any more.

    Args:
        kind: ``damaged``, a file of a run; ``cache``, a cache of cues that cannot be used; ``leftover``, of a write
            that was killed; ``claim``, of a run that was killed.
        reason: Why it is damaged.
        mended: Whether it was set aside or removed.
    """

    file: Path
    kind: Kind
    reason: str = ""
    mended: bool = False


@dataclass(frozen=True)
class StoreCheck:
    """What was found in a results folder; ``parts`` and ``caches`` count what was examined."""

    output: Path
    parts: int
    caches: int
    faults: tuple[StoreFault, ...]
    aside: tuple[Path, ...]
    """Damaged files that were set aside before."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged; leftovers do no harm."""
        return not any(fault.kind in ("damaged", "cache") for fault in self.faults)


def check_store(output: Path, mend: bool = False) -> StoreCheck:
    """Examines the store in a results folder and, with ``mend``, mends it.

    Raises:
        BenchError: There is no store, or a file cannot be read, renamed or removed.
    """
    scores, cues = output / "scores", output / "cues"
    if not scores.is_dir() and not cues.is_dir():
        raise BenchError(f"There is no store in {output}: give a results folder, in which there is a folder scores.")
    aside = tuple(sorted(output.glob("*/*/*.damaged*")) + sorted(scores.glob("*/*/*.damaged*")))
    faults = list(_faults(output))
    return StoreCheck(
        output,
        parts=sum(1 for _ in scores.glob(f"*/*/{PARTS}")),
        caches=sum(1 for _ in cues.glob("*/*.parquet")),
        faults=tuple(_mended(fault) for fault in faults) if mend else tuple(faults),
        aside=aside,
    )


def _faults(output: Path) -> Iterator[StoreFault]:
    folders = [folder for folder in sorted((output / "scores").glob("*")) if folder.is_dir()]
    for folder in folders:
        yield from (StoreFault(damage.file, "damaged", damage.reason) for damage in damaged_files(folder))
    yield from (StoreFault(damage.file, "damaged", damage.reason) for damage in damaged_listings(output))
    for file in sorted((output / "cues").glob("*/*.parquet")):
        fault = fault_of_cache(file)
        if fault:
            yield StoreFault(file, "cache", fault)
    caches = [folder for kept in ("cues", "sets") for folder in (output / kept).glob("*") if folder.is_dir()]
    for file in [*leftovers([output, *caches]), *(file for folder in folders for file in leftovers_in(folder))]:
        yield StoreFault(file, "leftover")
    for folder in folders:
        yield from (StoreFault(file, "claim") for file in read_claims(folder)[1])


def _mended(fault: StoreFault) -> StoreFault:
    if fault.kind == "damaged":
        put_aside(Damage(fault.file, fault.reason))
    elif fault.kind == "cache":
        set_aside(fault.file)
    else:
        remove([fault.file])
    return replace(fault, mended=True)
