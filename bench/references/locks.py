"""Locks: files of numbers that a run is expected to give again, down to the score of every image.

A lock names a run (detectors and options) and holds what it gave. One that holds a run alone, ``{"format": 1,
"detectors": [...], "options": {...}}``, is filled by ``python -m bench verify --reference FILE --update``. All images
of the run are locked, none is sampled. ``further`` runs are locked in the same file: a list of such objects, all of
which are rerun, compared and renewed together.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.scoring.options import RunOptions
from bench.store.files import write_atomically
from bench.store.schema import Scoring

FORMAT = 1
DIGITS = 7
"""Significant digits of a locked number."""
DECIDING = (
    *("dataset", "generators", "resize", "real_split", "protocol", "real_fit", "limit", "balance"),
    *("conditions", "match", "backbone", "view", "seeds", "precision"),
)
"""The options that scores depend on; where data lie and on which machine they are scored is left to the user."""


@dataclass(frozen=True)
class Column:
    """One column of locked scores."""

    detector: str
    condition: str
    seed: int

    @classmethod
    def of(cls, scoring: Scoring) -> "Column":
        """Names the column of a scoring."""
        return cls(scoring.detector, scoring.condition, scoring.seed)


@dataclass(frozen=True)
class LockedImage:
    """An image: its path and the sha256 of its file's bytes.

    Args:
        source: Its generator, or its source of real images.
        scores: One for each column; None where it has none there (unreadable, or left out of the condition).
    """

    source: str
    sha256: str
    scores: tuple[float | None, ...]


@dataclass(frozen=True)
class LockedNumber:
    """A metric's value, the mean over seeds; None where it is undefined."""

    detector: str
    condition: str
    generator: str
    metric: str
    value: float | None


@dataclass(frozen=True)
class Lock:
    """What a run gave.

    Args:
        detectors: As on the command line.
        options: Those of ``DECIDING``.
        reason: Why the numbers were last written; empty where there are none yet.
        title: The data set's title in the store.
        protocol: What was done to its images, as ``bench.store.dataset`` writes it.
        configurations: What a detector's scores depend on beside its options, by detector.
        statistics: What the statistics make of the locked scores, see ``bench.references.statistics``.
        images: By path.
        further: Other runs that are locked with it.
    """

    detectors: tuple[str, ...]
    options: Mapping[str, Any]
    reason: str = ""
    title: str = ""
    protocol: str = ""
    configurations: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    numbers: tuple[LockedNumber, ...] = ()
    statistics: tuple[LockedNumber, ...] = ()
    images: Mapping[str, LockedImage] = field(default_factory=dict)
    further: tuple["Lock", ...] = ()

    @property
    def filled(self) -> bool:
        """Whether it holds numbers, and so do the further ones."""
        return bool(self.columns) and all(lock.filled for lock in self.further)

    @property
    def command(self) -> str:
        """The command that makes the run."""
        words = ["python -m bench compare --detectors", *self.detectors]
        defaults = RunOptions()
        for name, value in self.options.items():
            if value == getattr(defaults, name) or (not value and not getattr(defaults, name)):
                continue
            words.append(f"--{name.replace('_', '-')}")
            if isinstance(value, list | tuple):
                words += value
            elif value is not True:
                words.append("none" if value is None else str(value))
        return " ".join(words)


def rounded(value: float) -> float | None:
    """Rounds to the digits of a lock; None for what is not a finite number.

    Examples:
        >>> rounded(0.123456789)
        0.1234568
    """
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def read_lock(file: Path) -> Lock:
    """Reads a lock.

    Raises:
        BenchError: There is none, it is broken or of another format.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BenchError(
            f"There is no lock {file}: name a file with --reference, or write one that holds a run alone and fill it "
            "with --update (see 'python -m bench verify --help')."
        ) from error
    except (OSError, ValueError) as error:
        raise BenchError(f"Cannot read the lock {file}: {error}.") from error
    written = content.get("format") if isinstance(content, dict) else None
    if written != FORMAT:
        raise BenchError(f"{file} is not a lock of format {FORMAT}: its format is {written!r}.")
    try:
        return _lock(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BenchError(f"The lock {file} is broken: {type(error).__name__}, {error}.") from error


def _lock(content: Mapping[str, Any]) -> Lock:
    options = dict(content["options"])
    unknown = set(options) - set(DECIDING)
    if unknown:
        raise ValueError(f"an option of a lock is one of {', '.join(DECIDING)}, not {', '.join(sorted(unknown))}")
    columns = tuple(Column(*column) for column in content.get("columns", ()))
    images = {
        path: LockedImage(source, sha256, tuple(None if score is None else float(score) for score in scores))
        for source, files in content.get("images", {}).items()
        for path, (sha256, *scores) in files.items()
    }
    for path, image in images.items():
        if len(image.scores) != len(columns):
            raise ValueError(f"{path} has {len(image.scores)} scores for {len(columns)} columns")
    return Lock(
        detectors=tuple(map(str, content["detectors"])),
        options=options,
        reason=str(content.get("reason", "")),
        title=str(content.get("title", "")),
        protocol=str(content.get("protocol", "")),
        configurations=dict(content.get("configurations", {})),
        columns=columns,
        numbers=tuple(LockedNumber(*number) for number in content.get("numbers", ())),
        statistics=tuple(LockedNumber(*number) for number in content.get("statistics", ())),
        images=images,
        further=tuple(_lock(further) for further in content.get("further", ())),
    )


def write_lock(lock: Lock, file: Path) -> Path:
    """Writes a lock, one image a line, so that a change is read line by line.

    Raises:
        BenchError: It cannot be written.
    """
    return write_atomically(file, f"{_text(lock)}\n".encode("utf-8", "surrogateescape"))


def _text(lock: Lock) -> str:
    facts = {
        "format": FORMAT,
        "command": lock.command,
        "detectors": lock.detectors,
        "options": dict(lock.options),
        "reason": lock.reason,
        "title": lock.title,
        "protocol": lock.protocol,
        "configurations": dict(lock.configurations),
        "columns": [astuple(column) for column in lock.columns],
    }
    sources: dict[str, list[str]] = {}
    for path, image in sorted(lock.images.items()):
        line = f"{_compact(path)}: {_compact([image.sha256, *image.scores])}"
        sources.setdefault(image.source, []).append(line)
    parts = [f"{_compact(name)}: {_compact(value)}" for name, value in facts.items()]
    for name, numbers in (("numbers", lock.numbers), ("statistics", lock.statistics)):
        parts.append(f'"{name}": [\n' + ",\n".join(_compact(astuple(number)) for number in numbers) + "\n]")
    images = [f"{_compact(source)}: {{\n" + ",\n".join(lines) + "\n}" for source, lines in sorted(sources.items())]
    parts.append('"images": {\n' + ",\n".join(images) + "\n}")
    parts.append('"further": [\n' + ",\n".join(map(_text, lock.further)) + "\n]")
    return "{\n" + ",\n".join(parts) + "\n}"


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
