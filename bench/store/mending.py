"""Finds what is damaged or left over in the scores of a data set, and puts it out of the way."""

import os
from collections.abc import Iterator
from pathlib import Path

from bench.errors import BenchError
from bench.store.damage import PARTS, Damage, DamagedFileError, fault_of, set_aside
from bench.store.files import leftovers, remove
from bench.store.listings import damaged_listings
from bench.store.runs import FACTS_FILE, MEMBERS_FILE, read_run


def damaged_files(folder: Path) -> Iterator[Damage]:
    """Examines every file of the runs in a data set's folder, each row of the parts that carry no checksum."""
    for run in sorted(folder.glob("*")):
        if not run.is_dir():
            continue
        for part in sorted(run.glob(PARTS)):
            try:
                fault = fault_of(part, rows=True)
            except FileNotFoundError:
                continue  # it has just been merged with others
            if fault:
                yield Damage(part, fault)
        try:
            read_run(run)
        except DamagedFileError as error:
            yield error.damage


def put_aside(damage: Damage) -> bool:
    """Renames a damaged file, and says whether this process did.

    What a run told is true only with both its files: they go together.
    """
    told = (FACTS_FILE, MEMBERS_FILE)
    names = told if damage.file.name in told else (damage.file.name,)
    files = [damage.file.with_name(name) for name in names]
    renamed = [set_aside(file) for file in files if os.path.lexists(file)]
    return any(renamed)


def mend(folder: Path) -> list[tuple[Path, str]]:
    """Puts the damaged files of a data set's folder aside, and damaged listings; removes what killed processes left.

    Returns:
        The damaged files by their names before, with the reason.

    Raises:
        BenchError: A file cannot be renamed or removed.
    """
    remove(leftovers_in(folder))
    damaged = [*damaged_files(folder), *damaged_listings(folder.parent.parent)]
    return [(damage.file, damage.reason) for damage in damaged if put_aside(damage)]


def leftovers_in(folder: Path) -> list[Path]:
    """Finds the temporary files that killed processes left in the runs of a data set's folder."""
    try:
        return leftovers([folder, *(run for run in folder.glob("*") if run.is_dir())])
    except OSError as error:
        raise BenchError(f"Cannot read {error.filename}: {error.strerror}.") from error
