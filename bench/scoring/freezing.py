"""Freezes the images that a comparison with the same options would choose into a task: each is read and decoded."""

import tempfile
from dataclasses import replace
from pathlib import Path

import polars as pl

from bench.errors import BenchError
from bench.scoring.attacks.condition import is_attack
from bench.scoring.build import set_up
from bench.scoring.conditions import plan_conditions
from bench.scoring.machine.phases import phase
from bench.scoring.options import RunOptions, check_options
from bench.store.sharing.task import Frozen, freeze
from datamodules import DetectionData, UnreadableImageError
from datamodules.keys import sha256_of
from datamodules.raw_files import measured_files


def freeze_task(options: RunOptions, name: str | None = None, version: int = 1, license: str = "") -> Frozen:
    """Freezes a task.

    Args:
        options: Which images, who faces whom, and under which conditions; no detector.
        name: What the task is called; the data set's title by default.
        version: Raised whenever the task of a name changes.
        license: What a reader must know of the images' licence; that of a published data set by default.

    Raises:
        BenchError: The options cannot be carried out, or nothing is left.
    """
    check_options(options)
    attacks = [text for text in options.conditions if is_attack(text)]
    if attacks:
        raise BenchError(f"{attacks[0]!r} depends on the detector: the conditions of a task are degradations.")
    datamodule = set_up(options)
    with tempfile.TemporaryDirectory() as folder:  # a matching keeps cues of the images, which nobody needs later
        planned = plan_conditions(replace(options, output=Path(folder)), datamodule)
    with phase(f"Reading {len(datamodule.items):,} images"):
        images, unreadable = _read(datamodule)
    title = datamodule.title.encode("utf-8", "backslashreplace").decode()
    frozen = freeze(
        images,
        {condition.condition.name: condition.contrasts for condition in planned},
        name=name or title,
        title=title,
        protocol=datamodule.protocol,
        version=version,
        license=license or datamodule.licence,
    )
    lacking = {0, 1} - set(frozen.task.images["label"])
    if not len(frozen.task.images) or (lacking and not options.allow_one_class):
        kind = " or ".join(("real", "generated")[label] for label in sorted(lacking))
        raise BenchError(f"No {kind} image of {datamodule.title} can be in a task: none is left that can be read.")
    return replace(frozen, unreadable=unreadable)


def _read(datamodule: DetectionData) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    items = datamodule.items
    rows = list(measured_files(datamodule, items, _Read(datamodule)))
    hashes = pl.Series("sha256", [sha256 for sha256, _ in rows], pl.String)
    reasons = zip(items["path"], (reason for _, reason in rows), strict=True)
    return items.with_columns(hashes).drop_nulls("sha256"), [(path, reason) for path, reason in reasons if reason]


class _Read:
    """Hashes single images that can be decoded: one that cannot has no score, so no submission would be whole."""

    def __init__(self, datamodule: DetectionData) -> None:
        self.read_bytes, self.picture = datamodule.read_bytes, datamodule.picture

    def __call__(self, path: str, label: int, size: int | None) -> tuple[str | None, str]:
        try:
            data = self.read_bytes(path)
            self.picture(data, path)
        except UnreadableImageError as error:
            return None, str(error)
        except OSError as error:
            return None, error.strerror or str(error)
        return sha256_of(data), ""
