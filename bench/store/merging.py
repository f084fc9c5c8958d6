"""Puts the stores of several results folders together: runs, listings of data sets, and caches of cues."""

import os
import shutil
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from bench.errors import BenchError
from bench.store.check import check_store
from bench.store.cue_cache import read_cache, write_cache
from bench.store.damage import PARTS
from bench.store.listings import listing_at, read_listings
from bench.store.runs import read_runs
from bench.store.sweeps import swept_folders


@dataclass(frozen=True)
class MergedStores:
    """What was put together.

    Args:
        output: The results folder that holds it.
        runs: How many runs were copied from each folder.
        there: How many were there already.
    """

    output: Path
    runs: dict[Path, int]
    there: int


def merge_stores(outputs: Sequence[Path], target: Path) -> MergedStores:
    """Copies the stores of results folders into one, which may hold a store already; nothing of it is changed.

    What two folders share is one run, and one data set of equal content is one, whatever it is called
    (`bench.store.data_sets`).

    Raises:
        BenchError: A folder has no store or a damaged one, is the target, or holds scores of a version that did not say
            of which images they are, under a title that another one has as well; or a file cannot be written.
    """
    for output in outputs:
        if output.resolve() == target.resolve():
            raise BenchError(f"--output {target} is one of the folders to be merged: give another one.")
        if not check_store(output).is_sound:
            raise BenchError(f"The store in {output} is damaged: 'python -m bench store check {output}' says where.")
    _check_older([*outputs, *([target] if (target / "scores").is_dir() else [])])
    copied, there = dict.fromkeys(outputs, 0), 0
    try:
        for output in outputs:
            scored = {part.parent for part in output.glob(f"scores/*/*/{PARTS}")}
            for run in sorted(scored | set(swept_folders(output))):
                new = _copy(run, target / run.relative_to(output))
                copied[output] += new
                there += not new
            for listing in read_listings(output):
                listing_at(target, listing).save()
            for file in sorted(output.glob("cues/*/*.parquet")):
                cache = target / file.relative_to(output)
                write_cache(pl.concat([read_cache(cache), read_cache(file)]).unique(maintain_order=True), cache)
    except OSError as error:
        raise BenchError(f"Cannot write {error.filename2 or error.filename or target}: {error.strerror}.") from error
    return MergedStores(target, copied, there)


def _check_older(outputs: Sequence[Path]) -> None:
    """Refuses to pool what older versions filed under one title, which may be two data sets of that title."""
    held: Counter[str] = Counter()
    for output in outputs:
        folders = {part.parent for part in output.glob(f"scores/*/*/{PARTS}")}
        held.update({run.folder.parent.name for run in read_runs(folders) if run.listing is None})
    twice = [title for title, count in held.items() if count > 1]
    if twice:
        raise BenchError(
            f"Two of the folders hold scores of {twice[0]} that do not say of which images they are, from an older "
            "version: run compare once on each with this one, which scores nothing anew, and merge then."
        )


def _copy(run: Path, target: Path) -> bool:
    """Copies a run's folder, whole or not at all; says whether it was not there yet."""
    if target.is_dir():
        return False
    temporary = target.parent.parent.parent / f".merging.{os.getpid()}.{uuid.uuid4().hex[:12]}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(run, temporary)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True
