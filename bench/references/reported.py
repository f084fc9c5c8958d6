"""The numbers that papers report, to stand beside ours: read from ``bench/references/*.json``.

A file is one paper. Its ``records`` are all of one form, a printed number each, in the unit that is printed. What
holds for many records stands once: by method (settings that the paper says, readings of what it says ambiguously, and
what it does not say), by dataset (preprocessing) and by table. Numbers of methods that this suite does not have are
there too, and are shown as reported, never as measured.
"""

import functools
import importlib.resources
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any

from bench.errors import BenchError
from datamodules.degradations import CLEAN, parse_condition
from datamodules.errors import DataOptionError

MEAN, NATURAL = "mean", "natural"
ORIGINS = ("own", "not said", "quoted")
PERCENT, AS_IT_IS = 0.01, 1.0
UNITS = {
    "auroc": PERCENT,
    "ap": PERCENT,
    "accuracy": PERCENT,
    "block_similarity": PERCENT,
    "block_rank": AS_IT_IS,
    "fid": AS_IT_IS,
    "seconds_per_100_images": AS_IT_IS,
}
"""What a printed value of each metric is multiplied with."""
LOCKED = "demo.json"
"""The one file among the references that is no paper: our own locked numbers, see ``bench.references.locks``."""
_RECORD = {
    "table": str,
    "row": str,
    "method": str,
    "dataset": str | None,
    "backbone": str | None,
    "generator": str | None,
    "metric": str,
    "condition": str,
    "options": dict,
    "value": int | float,
    "unsaid": list,
    "note": str | None,
}
_FILE = {
    **dict.fromkeys(("source", "paper"), str),
    **dict.fromkeys(("ap", "images", "methods", "datasets", "tables"), dict),
    "records": list,
}


@dataclass(frozen=True)
class ReportedNumber:
    """A number that a paper prints.

    Args:
        source: The reference file's name: the paper that prints it, which may not be the method's own.
        table: Where it stands there.
        method: The method, by the detector's name here where there is one.
        dataset: The dataset's name here; None where the paper does not say.
        generator: The generator's name here, ``mean`` over ``generators``, or None where there is none.
        metric: As in ``bench.statistics.metrics`` where it is there; AP by its positive class, see ``assumptions``.
        value: AUROC, AP, accuracy and similarity as a fraction, others as printed.
        backbone: The backbone's name here; None where the method has none or the paper does not say.
        n_real: Number of real images; None where the paper does not say.
        n_generated: Number of images of each generator; None where the paper does not say.
        seeds: Number of seeds it is the mean of; None where the paper does not say.
        protocol: What was done, in words.
        note: What a reader must know of this number.
        row: The row as printed.
        condition: The degradation of the images, in the language of ``datamodules.degradations``.
        options: The detector's options that the paper says.
        readings: Options that the paper says ambiguously, as this suite reads them.
        unsaid: What it would take to compare, and the paper does not say.
        assumptions: What is assumed of it, a clause each.
        assumed_images: Images of each class, where the paper does not say how many.
        view: The picture that is cut, as ``str(View)``; None where the paper does not say.
        data_protocol: What a dataset's ``protocol`` must say.
        real_split: The split of the real images, as this suite reads it.
        generators: What a mean is over.
        measured_here: Whether this suite has the method, and needs no trained weights for it.
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
    row: str = ""
    condition: str = CLEAN
    options: Mapping[str, Any] = field(default_factory=dict)
    readings: Mapping[str, Any] = field(default_factory=dict)
    unsaid: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    assumed_images: int | None = None
    view: str | None = None
    data_protocol: Mapping[str, Any] = field(default_factory=dict)
    real_split: str | None = None
    generators: tuple[str, ...] = ()
    measured_here: bool = True
    origin: str = ORIGINS[0]


@functools.cache
def load_reported() -> tuple[ReportedNumber, ...]:
    """Reads every reference file that comes with the suite, in the order of their names.

    Raises:
        BenchError: A file is broken.
    """
    folder = importlib.resources.files("bench.references")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".json") and file.name != LOCKED)
    return tuple(number for name in names for number in read_references(folder / name))


def find_reported(
    method: str,
    dataset: str,
    generator: str,
    metric: str,
    condition: str = CLEAN,
    reported: Sequence[ReportedNumber] | None = None,
) -> list[ReportedNumber]:
    """Finds what papers say of a method on a generator, whatever the backbone and the options.

    Args:
        method: The detector's name.
        dataset: The dataset's name.
        generator: The generator's name, or ``mean``.
        metric: As in ``bench.statistics.metrics``. Of the two APs only the one by the paper's positive class is found.
        condition: The degradation's canonical text.
        reported: Where to look, by default in all.

    Returns:
        Numbers of the method's own paper first, then in the order of the files.
    """
    wanted = (method, dataset, generator, metric, condition)
    found = [
        number
        for number in (load_reported() if reported is None else reported)
        if (number.method, number.dataset, number.generator, number.metric, number.condition) == wanted
    ]
    return sorted(found, key=lambda number: ORIGINS.index(number.origin))


def read_references(file: Traversable) -> tuple[ReportedNumber, ...]:
    """Reads one reference file.

    Raises:
        BenchError: It cannot be read, or something in it is missing, of the wrong kind, unknown or said twice.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchError(f"Cannot read the reference file {file}: {error}.") from error
    _check_form(content, _FILE, f"The reference file {file}")
    numbers: dict[tuple[object, ...], ReportedNumber] = {}
    for position, record in enumerate(content["records"], start=1):
        where = f"Record {position} of the reference file {file}"
        number = _number(record, content, where)
        key = (number.table, number.row, number.dataset, number.generator, number.metric)
        if key in numbers:
            raise BenchError(f"{where} says again what one before it says: {', '.join(map(str, key))}.")
        numbers[key] = number
    return tuple(numbers.values())


def _number(record: Any, content: Mapping[str, Any], where: str) -> ReportedNumber:  # noqa: ANN401 - JSON
    _check_form(record, _RECORD, where)
    table = _entry(record, "table", content["tables"], where)
    method = _entry(record, "method", content["methods"], where)
    data = {} if record["dataset"] is None else _entry(record, "dataset", content["datasets"], where)
    generator, metric, images = record["generator"], record["metric"], content["images"]
    if generator not in (MEAN, NATURAL, None, *data.get("generators", ())):
        raise BenchError(f"{where} has an unknown generator {generator!r} of {record['dataset']}.")
    is_ap = metric == "ap"
    each = record.get("images")
    try:
        return ReportedNumber(
            source=content["source"],
            table=record["table"],
            method=record["method"],
            dataset=record["dataset"],
            generator=generator,
            metric=content["ap"]["metric"] if is_ap else metric,
            value=_value(record, where),
            backbone=record["backbone"],
            n_real=each or images["n_real"],
            n_generated=each or images["n_generated"],
            seeds=method["seeds"],
            protocol="; ".join(filter(None, (table["caption"], data.get("text"), method["note"]))),
            note=record["note"],
            row=record["row"],
            condition=_condition(record["condition"], where),
            options=_said({**method["options"], **record["options"]}),
            readings=method["readings"],
            unsaid=(*table["unsaid"], *method["unsaid"], *record["unsaid"]),
            assumptions=(content["ap"]["note"],) if is_ap else (),
            assumed_images=images["assumed"],
            view=method["view"],
            data_protocol=data.get("protocol", {}),
            real_split=data.get("real_split"),
            generators=tuple(data.get("generators", ())) if generator == MEAN else (),
            measured_here=method["measured_here"],
            origin=method["origin"],
        )
    except KeyError as error:
        raise BenchError(f"{where}: what the file says of its method, table or dataset lacks {error}.") from error


def _said(options: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves out what a record takes back: its null says that the paper does not say the method's option here."""
    return {name: value for name, value in options.items() if value is not None}


def _check_form(record: Any, form: Mapping[str, Any], where: str) -> None:  # noqa: ANN401 - JSON
    if not isinstance(record, dict):
        raise BenchError(f"{where} must be an object, got {type(record).__name__}.")
    for name, kind in form.items():
        if name not in record:
            raise BenchError(f"{where} lacks {name!r}.")
        if not isinstance(record[name], kind) or isinstance(record[name], bool):
            raise BenchError(f"{where} has a {name} of the wrong kind: {record[name]!r}.")


def _entry(record: Mapping[str, Any], name: str, known: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    if record[name] not in known:
        raise BenchError(f"{where} has an unknown {name} {record[name]!r}; the file knows {', '.join(known)}.")
    found: Mapping[str, Any] = known[record[name]]
    return found


def _value(record: Mapping[str, Any], where: str) -> float:
    metric, value = record["metric"], record["value"]
    if metric not in UNITS:
        raise BenchError(f"{where} has an unknown metric {metric!r}; known are {', '.join(UNITS)}.")
    highest = 100 if UNITS[metric] == PERCENT else math.inf
    if not (math.isfinite(value) and 0 <= value <= highest):
        raise BenchError(f"{where} has a {metric} of {value}; it must lie between 0 and {highest}.")
    return round(float(value) * UNITS[metric], 6)


def _condition(text: str, where: str) -> str:
    try:
        return parse_condition(text).name
    except DataOptionError as error:
        raise BenchError(f"{where} has an unknown condition: {error}") from error
