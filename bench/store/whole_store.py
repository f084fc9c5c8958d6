"""Reads whole score stores: one results folder, or several put together."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from bench.errors import BenchError
from bench.store.damage import PARTS
from bench.store.data_sets import completed, data_sets
from bench.store.dataset import SHORT, Assembly, StoredDataset
from bench.store.findings import SharedTitle
from bench.store.listings import Listing, read_listings
from bench.store.reader import all_batches, read_parts
from bench.store.runs import Run, read_runs
from bench.store.stored_rows import StoredRows


def read_store(*outputs: Path) -> list[StoredDataset]:
    """Reads every data set under ``<output>/scores`` of results folders, in the order of their titles.

    Raises:
        BenchError: There are no scores in one of them, or a file of the store cannot be read.
    """
    datasets: list[StoredDataset] = []
    listings: list[Listing] = []
    every: list[Run] = []
    for output in outputs:
        folders = sorted(folder for folder in (output / "scores").glob("*") if folder.is_dir())
        if not any(next(folder.glob(f"*/{PARTS}"), None) for folder in folders):
            raise BenchError(f"There are no scores under {output / 'scores'}: run 'python -m bench compare' first.")
        runs = {folder: read_runs(run for run in folder.iterdir() if run.is_dir()) for folder in folders}
        told = [completed(one, runs.get(one.scores, ())) for one in read_listings(output)]
        for folder, of_folder in runs.items():
            datasets += _by_title(output, folder, of_folder, [one for one in told if one.scores == folder])
        listings += told
        every += [run for of_folder in runs.values() for run in of_folder]
    every.sort(key=lambda run: run.name)
    tables: dict[tuple[Path, ...], StoredRows] = {}
    for data_set in data_sets(listings, every):
        if data_set.runs:
            places = tuple(data_set.folders)
            if places not in tables:
                tables[places] = read_parts(places, _rows_of)
            datasets += Assembly.of_data_set(data_set, tables[places], every).protocols()
    return _told_apart(sorted(datasets, key=lambda dataset: (dataset.title, dataset.protocol)))


def _by_title(output: Path, folder: Path, runs: Sequence[Run], listings: Sequence[Listing]) -> Iterator[StoredDataset]:
    """Reads what is of no listing, as older versions or a copied folder of scores left it: a data set is its title."""
    keys = {listing.key for listing in listings}
    recent = {run.name for run in runs if run.listing in keys}

    def rows_of(parts: Sequence[Path]) -> StoredRows:
        return _rows_of([part for part in parts if part.parent.name not in recent])

    table = read_parts(folder, rows_of)
    paths = table.images.table["path"]
    if listings and paths.is_in(pl.concat([one.images["path"] for one in listings]).unique().to_list()).all():
        return
    older = [run for run in runs if run.name not in recent]
    for title in sorted(set(table.images.table["dataset"])):
        yield from Assembly.of_title(output, title, table, older).protocols()


def _told_apart(datasets: Sequence[StoredDataset]) -> list[StoredDataset]:
    """Gives data sets of one title and other content titles of their own."""
    contents: dict[str, set[str]] = defaultdict(set)
    for dataset in datasets:
        contents[dataset.title].add(dataset.content)
    shared = [title for title, found in contents.items() if len(found) > 1]
    return [
        replace(
            dataset,
            title=f"{dataset.title} #{dataset.content[:SHORT]}",
            findings=[SharedTitle(dataset.title, len(contents[dataset.title])), *dataset.findings],
        )
        if dataset.title in shared
        else dataset
        for dataset in datasets
    ]


def _rows_of(parts: Sequence[Path]) -> StoredRows:
    table = StoredRows()
    for run, batch in all_batches(parts):
        table.add(batch, run)
    return table
