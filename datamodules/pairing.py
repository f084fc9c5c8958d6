"""Which sources of real images face which generator, where users say so."""

import csv
import io
from collections.abc import Collection, Mapping
from pathlib import Path

from datamodules.errors import DataOptionError, UnknownDataNameError
from datamodules.items import plain_name

COLUMNS = ("generator", "real source")
Pairs = Mapping[str, Collection[str]]


def read_pairs(file: Path) -> dict[str, set[str]]:
    """Reads a CSV file with the columns ``generator`` and ``real source`` (or ``real_source``), a pair a row.

    Raises:
        DataOptionError: It is something else; the message names the line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise DataOptionError(f"--pairs {file}: cannot be read: {reason}.") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    pairs: dict[str, set[str]] = {}
    try:
        header = [name.strip().replace("_", " ").lower() for name in next(reader, [])]
        if sorted(header) != list(COLUMNS):
            raise DataOptionError(f"--pairs {file} needs the columns generator and real source, has {header[:5]}.")
        for row in filter(None, reader):
            if len(row) != len(COLUMNS) or not all(row):
                raise DataOptionError(f"--pairs {file}, line {reader.line_num}: needs a generator and a real source.")
            named = dict(zip(header, row, strict=True))
            pairs.setdefault(named["generator"], set()).add(named["real source"])
    except csv.Error as error:
        raise DataOptionError(f"--pairs {file}, line {reader.line_num}: {error}.") from error
    if not pairs:
        raise DataOptionError(f"--pairs {file} has no pair.")
    return pairs


def paired(
    contrasts: Mapping[str, tuple[str, ...]], reals: Collection[str], declared: Pairs, given: Pairs, by_name: bool
) -> dict[str, tuple[str, ...]]:
    """Says who faces whom: what was given, else the source of the same name if asked for, else what the data say.

    Args:
        contrasts: What holds for a generator of which nothing else is said.
        reals: The sources of real images that are there.
        declared: What the data say.
        given: What the user says.
        by_name: Whether a generator faces the real images of its own name, where there are some.

    Raises:
        UnknownDataNameError: A real source was given that is not there.
        DataOptionError: No generator has a source of its name.
    """
    faced = {}
    for generator, by_default in contrasts.items():
        name = plain_name(generator)
        if name in given:
            unknown = sorted(set(given[name]) - set(reals))
            if unknown:
                raise UnknownDataNameError("real source", unknown[0], reals)
            faced[generator] = tuple(sorted(given[name]))
        elif by_name and name in reals:
            faced[generator] = (name,)
        else:
            there = tuple(sorted(set(declared.get(name, ())) & set(reals)))
            faced[generator] = there or by_default
    if by_name and faced and reals and not any(plain_name(name) in reals for name in faced):
        raise DataOptionError(
            f"--pair-by-name: no generator has real images of its name; generators are {', '.join(sorted(faced)[:5])}, "
            f"real sources {', '.join(sorted(reals)[:5])}. --pairs FILE pairs freely."
        )
    return faced
