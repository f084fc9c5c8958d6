"""The numbers that papers report, to stand beside ours: read from ``bench/references/*.json``.

A file is one paper. Its ``records`` are all of one form, a printed number each, in the unit that is printed. What
holds for many records stands once: by method (settings that the paper says, readings of what it says ambiguously,
presets where the authors' code and the text differ, and what it does not say), by dataset (preprocessing) and by table.
Numbers of methods that this suite does not have are there too, and are shown as reported, never as measured. The files
ship with the package, so their form is held by a test, ``tests/bench/references/test_reported.py``, and not checked
where they are read.
"""

import functools
import importlib.resources
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources.abc import Traversable
from typing import Any

from datamodules.degradations import CLEAN

MEAN, NATURAL = "mean", "natural"
ORIGINS = ("own", "not said", "quoted")
IN_PERCENT = ("auroc", "ap", "accuracy", "block_similarity")
"""Metrics that are printed in per cent, and are fractions here."""
LOCKED = "demo.json"
"""The one file among the references that is no paper: our own locked numbers, see ``bench.references.locks``."""


@dataclass(frozen=True)
class Preset:
    """One of several ways that a method of a paper is known in: the authors' ``code``, or the paper's ``text``."""

    view: str | None
    readings: Mapping[str, Any]


@dataclass(frozen=True)
class ReportedNumber:
    """A number that a paper prints; None stands for what the paper does not say.

    Args:
        source: The reference file's name: the paper that prints it, which may not be the method's own.
        method: By the detector's name here where there is one, as dataset, generator and backbone have ours.
        generator: ``mean`` is over ``generators``; None also where there is none, as for ``backbone``.
        metric: As in ``bench.statistics.metrics`` where it is there; AP by its positive class, see ``assumptions``.
        value: AUROC, AP, accuracy and similarity as a fraction, others as printed.
        n_generated: Number of images of each generator.
        seeds: Number of seeds it is the mean of.
        protocol: What was done, in words.
        row: The row as printed.
        options: The detector's options that the paper says.
        readings: Options that the paper says ambiguously, as this suite reads them.
        unsaid: What it would take to compare, and the paper does not say.
        assumptions: What is assumed of it, a clause each.
        assumed_images: Images of each class, where the paper does not say how many.
        images_assumption: That assumption in words.
        view: The picture that is cut, as ``str(View)``.
        data_protocol: What a dataset's ``protocol`` must say.
        real_split: The split of the real images, as this suite reads it.
        measured_here: Whether this suite has the method, and needs no trained weights for it.
        presets: The ways that it may be read in; see :func:`bench.references.comparability.as_read`.
        preset: The one that it is read in; None before, and where there are none.
        conditions: What its condition may mean, in the language of conditions; the first is ``condition``.
        threshold: The rule of the threshold of an accuracy.
        origin: ``own`` method of the paper, ``quoted``, or ``not said`` whether quoted or run again.
    """

    source: str
    table: str
    method: str
    dataset: str | None
    generator: str | None
    metric: str
    value: float
    backbone: str | None
    n_real: int | None
    n_generated: int | None
    seeds: int | None
    protocol: str
    note: str | None
    row: str
    condition: str
    options: Mapping[str, Any]
    readings: Mapping[str, Any]
    unsaid: tuple[str, ...]
    assumptions: tuple[str, ...]
    assumed_images: int | None
    view: str | None
    data_protocol: Mapping[str, Any]
    real_split: str | None
    generators: tuple[str, ...]
    measured_here: bool
    origin: str
    images_assumption: str = ""
    presets: Mapping[str, Preset] = field(default_factory=dict)
    preset: str | None = None
    conditions: tuple[str, ...] = (CLEAN,)
    threshold: str | None = None

    def under(self, preset: str) -> "ReportedNumber":
        """Reads it in one of its presets."""
        chosen = self.presets[preset]
        return replace(self, view=chosen.view, readings={**self.readings, **chosen.readings}, preset=preset)


@functools.cache
def load_reported() -> tuple[ReportedNumber, ...]:
    """Reads every reference file that comes with the suite, in the order of their names."""
    folder = importlib.resources.files("bench.references")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".json") and file.name != LOCKED)
    return tuple(number for name in names for number in read_references(folder / name))


def find_reported(
    method: str, dataset: str, generator: str, metric: str, condition: str = CLEAN
) -> list[ReportedNumber]:
    """Finds what papers say of a method on a generator (or ``mean``), whatever the backbone and the options.

    Of the two APs only the one by the paper's positive class is found.

    Returns:
        Numbers of the method's own paper first, then in the order of the files.
    """
    wanted = (method, dataset, generator, metric)
    numbers = [
        number
        for number in load_reported()
        if (number.method, number.dataset, number.generator, number.metric) == wanted and condition in number.conditions
    ]
    return sorted(numbers, key=lambda number: ORIGINS.index(number.origin))


def read_references(file: Traversable) -> tuple[ReportedNumber, ...]:
    """Reads one reference file."""
    content = json.loads(file.read_text(encoding="utf-8"))
    return tuple(_number(record, content) for record in content["records"])


def _number(record: Mapping[str, Any], content: Mapping[str, Any]) -> ReportedNumber:
    metric, dataset, generator = record["metric"], record["dataset"], record["generator"]
    table, method, images = content["tables"][record["table"]], content["methods"][record["method"]], content["images"]
    data = {} if dataset is None else content["datasets"][dataset]
    # A record's null takes back the method's option: the paper does not say it here.
    options = {name: value for name, value in {**method["options"], **record["options"]}.items() if value is not None}
    return ReportedNumber(
        source=content["source"],
        table=record["table"],
        method=record["method"],
        dataset=dataset,
        generator=generator,
        metric=content["ap"]["metric"] if metric == "ap" else metric,
        value=round(record["value"] * (0.01 if metric in IN_PERCENT else 1.0), 6),
        backbone=record["backbone"],
        n_real=record.get("images") or images["n_real"],
        n_generated=record.get("images") or images["n_generated"],
        seeds=method["seeds"],
        protocol="; ".join(filter(None, (table["caption"], data.get("text"), method["note"]))),
        note=record["note"],
        row=record["row"],
        condition=record["condition"],
        options=options,
        readings=method["readings"],
        unsaid=(*table["unsaid"], *method["unsaid"], *record["unsaid"]),
        assumptions=(content["ap"]["note"],) if metric == "ap" else (),
        assumed_images=images["assumed"],
        view=method["view"],
        data_protocol=data.get("protocol", {}),
        real_split=data.get("real_split"),
        generators=tuple(data.get("generators", ())) if generator == MEAN else (),
        measured_here=method["measured_here"],
        origin=method["origin"],
        images_assumption=images.get("assumption", ""),
        presets={name: Preset(**preset) for name, preset in method.get("presets", {}).items()},
        conditions=_readings_of(record["condition"], content.get("condition_readings", {})),
        threshold=table.get("threshold"),
    )


def _readings_of(condition: str, readings: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Writes a condition with each degradation that the paper's word for it may mean."""
    name, colon, amount = condition.partition(":")
    return tuple(f"{meaning}{colon}{amount}" for meaning in readings.get(name, (name,)))
