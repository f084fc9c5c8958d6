"""A task: a frozen list of images, by their sha256, with their labels and who faces whom; no image and no path.

It is one JSON file, whose images are columns sorted by sha256. Its digest, the sha256 of all else that it says, is what
a submission names.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from bench.errors import BenchError
from bench.store.contrasts import ContrastRule
from bench.store.damage import first_line
from bench.store.files import write_atomically
from bench.store.json_objects import fault_in, keys_beside, read_object
from bench.store.sharing.plain_files import read_plain
from bench.store.sharing.task_images import IMAGES, fault_of_images
from datamodules.grouping import merged, same_content
from datamodules.identity import contradicted, identity_of
from datamodules.items import GENERATED, LONGEST_TITLE, REAL

FORMAT = 1
MOST_BYTES = 1 << 30
GROUP_DIGITS = 16
_DEEPEST = 8
_LAYOUT: dict[str, Any] = {
    "format": int,
    "name": str,
    "version": int,
    "title": str,
    "identity": str,
    "digest": str,
    "protocol": dict,
    "conditions": [str],
    "contrasts": {...: {...: {"reals": [str], "apart": bool, "members?": [str]}}},
    "license": str,
    "images": dict.fromkeys(IMAGES, list),
}


class TaskError(BenchError):
    """A file is no task; ``reason`` says why of which ``file``."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file} is not a task that can be used: {reason}.")
        self.file, self.reason = file, reason


@dataclass(frozen=True)
class Task:
    """A task.

    Args:
        title: What the data set is called where it was frozen.
        digest: Its identity: the sha256 of all else.
        identity: That of its images, as :mod:`datamodules.identity` computes it.
        protocol: What is done to images before a view is cut, as in ``run.json``.
        contrasts: Who faces whom under each condition; ``members`` are sha256.
        images: With the columns of :data:`IMAGES`, sorted by sha256; a group is a name that means nothing else.
    """

    name: str
    version: int
    title: str
    digest: str
    identity: str
    protocol: Mapping[str, Any]
    contrasts: Mapping[str, tuple[ContrastRule, ...]]
    license: str
    images: pl.DataFrame

    @property
    def conditions(self) -> tuple[str, ...]:
        """What is done to the images, a score each."""
        return tuple(self.contrasts)

    @property
    def named(self) -> dict[str, Any]:
        """What a submission says of its task."""
        return {"name": self.name, "version": self.version, "digest": self.digest}

    def wanted(self, condition: str) -> pl.Series:
        """Returns the sha256 of the images that a condition is about, sorted: a matching leaves images out."""
        return self._wanted[condition]

    @cached_property
    def _wanted(self) -> dict[str, pl.Series]:
        found = {}
        for condition, rules in self.contrasts.items():
            limited = [rule.members for rule in rules if rule.members is not None]
            every, sha256 = len(limited) < len(rules) or not rules, self.images["sha256"]
            found[condition] = sha256 if every else sha256.filter(sha256.is_in(list(frozenset().union(*limited))))
        return found


@dataclass(frozen=True)
class Frozen:
    """A task, and what was left out of it.

    Args:
        contradicted: Images that are called real and generated: sha256, and a path of either.
        copies: Images that are there already, byte for byte.
        unreadable: Images that cannot be read, and why.
    """

    task: Task
    contradicted: Sequence[tuple[str, str, str]] = ()
    copies: int = 0
    unreadable: Sequence[tuple[str, str]] = field(default=())


def freeze(
    images: pl.DataFrame,
    contrasts: Mapping[str, Sequence[ContrastRule]],
    *,
    name: str,
    title: str,
    protocol: Mapping[str, Any],
    version: int = 1,
    license: str = "",
) -> Frozen:
    """Makes a task of images that were read.

    Images of one sha256 stand once, as the first by path, and are of one group; those that are called real and
    generated are left out.

    Args:
        images: With ``path`` and the columns of :data:`IMAGES`.
        contrasts: By condition; ``members`` are paths.
        name: What the task is called.
        title: What the data set is called.
        protocol: As in ``run.json``.
        version: Raised whenever the task of a name changes.
        license: What a reader must know of the images' licence.
    """
    wrong = contradicted(images)
    kept = images.filter(~pl.col("sha256").is_in(wrong["sha256"].to_list())).sort("path")
    kept = kept.with_columns(merged(kept["group"], same_content(kept["sha256"])))
    once = kept.unique("sha256", keep="first", maintain_order=True).sort("sha256")
    once = once.with_columns(group=pl.col("sha256").first().over("group").str.head(GROUP_DIGITS))
    table = once.select(*IMAGES).cast(pl.Schema(IMAGES))
    sha256 = dict(kept.select("path", "sha256").iter_rows())
    rules = {condition: _by_content(of_condition, table, sha256) for condition, of_condition in contrasts.items()}
    plain = json.loads(json.dumps(protocol, sort_keys=True))
    task = Task(name, version, title, "", str(identity_of(table)), plain, rules, license, table)
    return Frozen(replace(task, digest=digest_of(_facts(task))), wrong.rows(), len(kept) - len(once))


def _by_content(
    rules: Sequence[ContrastRule], images: pl.DataFrame, sha256: Mapping[str, str]
) -> tuple[ContrastRule, ...]:
    """Names members by their sha256, and leaves out sources of which no image is left."""
    reals, generators = (set(images.filter(pl.col("label") == label)["generator"]) for label in (REAL, GENERATED))
    found = []
    for rule in rules:
        members = rule.members and frozenset(sha256[path] for path in rule.members if path in sha256)
        if rule.generator in generators and members != frozenset():
            facing = tuple(sorted(reals.intersection(rule.reals)))
            found.append(ContrastRule(rule.generator, facing, members, rule.apart))
    return tuple(sorted(found, key=lambda rule: rule.generator))


def digest_of(facts: Mapping[str, Any]) -> str:
    """Computes a task's digest: the sha256 of the canonical JSON of all of its facts but ``digest``."""
    told = {key: value for key, value in facts.items() if key != "digest"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def write_task(task: Task, file: Path) -> Path:
    """Writes a task, a key a line and a column of images a line.

    Raises:
        BenchError: It cannot be written.
    """
    facts = _facts(task) | {"digest": task.digest}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in facts.items() if key != "images"]
    columns = [f"  {json.dumps(key)}: {json.dumps(column)}" for key, column in facts["images"].items()]
    text = ",\n ".join([*lines, '"images": {\n ' + ",\n ".join(columns) + "}"])
    return write_atomically(file, f"{{{text}}}\n".encode())


def _facts(task: Task) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": task.name,
        "version": task.version,
        "title": task.title,
        "identity": task.identity,
        "protocol": dict(task.protocol),
        "conditions": list(task.conditions),
        "contrasts": {
            condition: {
                rule.generator: {
                    "reals": list(rule.reals),
                    "apart": rule.apart,
                    "members": None if rule.members is None else sorted(rule.members),
                }
                for rule in rules
            }
            for condition, rules in task.contrasts.items()
        },
        "license": task.license,
        "images": task.images.to_dict(as_series=False),
    }


def read_task(file: Path) -> Task:
    """Reads a task, and computes anew whatever can be: its digest, and the identity of its images.

    Raises:
        TaskError: The file is something else, or was changed.
    """
    try:
        facts = read_object(read_plain(file, MOST_BYTES, links=True), _DEEPEST, strict=True)
        fault = _fault_of(facts)
        if fault:
            raise ValueError(fault)
        return _task_of(facts)
    except (ValueError, TypeError, OverflowError, pl.exceptions.PolarsError) as error:
        raise TaskError(file, first_line(error)) from error


def _fault_of(facts: dict[str, Any]) -> str | None:
    if facts.get("format") != FORMAT:
        return f"its format is {json.dumps(facts.get('format'))[:40]}, where {FORMAT} is known"
    if fault := fault_in(facts, _LAYOUT):
        return fault
    if beside := keys_beside(facts, _LAYOUT) or keys_beside(facts["images"], IMAGES):
        return f"it has a key {beside[0][:40]!r} that a task does not have"
    if (now := digest_of(facts)) != facts["digest"]:
        return f"its digest is {now[:12]}..., and it says {facts['digest'][:12]}...: it was changed after it was frozen"
    if sorted(facts["contrasts"]) != sorted(facts["conditions"]) or not facts["conditions"]:
        return "its conditions are not those of its contrasts"
    if strange := [key for key in ("name", "title") if not is_name(facts[key])]:
        return f"its {strange[0]} cannot name a task"
    return "its version is below 1" if facts["version"] < 1 else None


def is_name(text: str) -> bool:
    """Says whether a text can name a task or a data set, whose files lie under it."""
    return text.isprintable() and text.strip(" .") != "" and len(text.encode()) <= LONGEST_TITLE


def _task_of(facts: Mapping[str, Any]) -> Task:
    columns = facts["images"]
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError("its columns of images are of different lengths")
    images = pl.DataFrame([pl.Series(name, columns[name], kind, strict=True) for name, kind in IMAGES.items()])
    if fault := fault_of_images(images):
        raise ValueError(fault)
    rules = {
        condition: tuple(
            ContrastRule(name, tuple(rule["reals"]), _members(rule.get("members")), rule["apart"])
            for name, rule in facts["contrasts"][condition].items()
        )
        for condition in facts["conditions"]
    }
    known = {label: set(images.filter(pl.col("label") == label)["generator"]) for label in (REAL, GENERATED)}
    every = set(images["sha256"])
    for rule in (rule for of_condition in rules.values() for rule in of_condition):
        strange = (
            {rule.generator} - known[GENERATED] or set(rule.reals) - known[REAL] or (rule.members or every) - every
        )
        if strange:
            raise ValueError(f"its contrasts name {min(strange)[:40]!r}, of which it has no image")
    identity = str(identity_of(images))
    if identity != facts["identity"]:
        raise ValueError("its identity is not that of its images")
    told: dict[str, Any] = {key: facts[key] for key in ("name", "version", "title", "digest", "protocol", "license")}
    return Task(**told, identity=identity, contrasts=rules, images=images)


def _members(sha256: Sequence[str] | None) -> frozenset[str] | None:
    return None if sha256 is None else frozenset(sha256)
