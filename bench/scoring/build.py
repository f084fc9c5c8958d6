"""Builds what a run needs from its options: the dataset, and every detector for every seed and condition."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.scoring.attacks.condition import Attack
from bench.scoring.attacks.sources import check_gradient, fingerprinted
from bench.scoring.attacks.stage import AttackedPictures
from bench.scoring.conditions import PlannedCondition
from bench.scoring.entry import Entry
from bench.scoring.machine.phases import phase
from bench.scoring.option_text import option_types, read_options
from bench.scoring.options import RunOptions
from bench.scoring.specs import DetectorSpec
from bench.scoring.views import show_cut
from bench.store.schema import CLEAN, Scoring
from datamodules import DataOptionError, DetectionData
from datamodules.registry import find_data
from detectors import Backbone, Detector, View, create_detector, find_detector

VIEWS = {"method": None, "common": View(224, "random-crop")}
"""The view of each ``--view``; None leaves every detector its own."""
SHARED = ("generators", "limit", "balance", "batch_size", "num_workers")
"""Options of every dataset that have a flag of their own."""
ANY = ("resize", "max_pixels", "pairs", "pair_by_name", "partial")
"""Such options that a plugin may have a default of its own for, or may not know."""
OWN = (
    *("real_split", "protocol", "real_fit", "content", "real", "generated", "split", "columns", "image_root"),
    *("generated_label", "real_label", "label_from_path"),
)
"""Options of some datasets that have a flag of their own."""


def run_facts(datamodule: DetectionData, options: RunOptions) -> dict[str, str]:
    """Returns what a fingerprint covers beside the detector: the precision, and what is done to an image before."""
    return {"precision": options.precision, "protocol": json.dumps(datamodule.protocol, sort_keys=True)}


def single_detectors(specs: Sequence[DetectorSpec]) -> list[DetectorSpec]:
    """Returns the detectors to be run: those asked for, and the members of ensembles, each once."""
    singles: list[DetectorSpec] = []
    for spec in specs:
        singles += [single for single in spec.singles if not any(single.is_same(other) for other in singles)]
    return singles


def create_datamodule(options: RunOptions) -> DetectionData:
    """Builds the dataset that the options name, with the options behind its name.

    Raises:
        DataOptionError: The dataset has no such option, or needs a folder.
        UnknownNameError: There is no such option behind its name.
        BenchError: An option's value is not of its type, or is given twice.
    """
    name = options.dataset.partition(":")[0]
    cls = find_data(name)
    if options.data_root is None and name != "demo" and not (cls.takes_text or options.real or options.generated):
        raise DataOptionError(f"--dataset {options.dataset} needs --data-root DIR.")
    if options.data_root is not None and cls.takes_text:
        raise DataOptionError(
            f"--data-root does not apply to --dataset {options.dataset}, which names its data itself."
        )
    kinds = option_types(cls, without=(*SHARED, *ANY, "crop_seed"))
    whole = options.dataset.partition(":")[2] if cls.takes_text else None
    values: dict[str, Any] = read_options(options.dataset, kinds) if whole is None else {"source": whole}
    for option in OWN:
        value, flag = getattr(options, option), f"--{option.replace('_', '-')}"
        if value is None:
            continue
        if option not in kinds:
            raise DataOptionError(f"{flag} does not apply to --dataset {name}.")
        if option in values:
            raise DataOptionError(f"{flag} {value} and --dataset {options.dataset} both give {option}.")
        values[option] = value
    values |= {option: getattr(options, option) for option in SHARED}
    for option in ANY:
        if getattr(options, option) != getattr(RunOptions, option):
            values[option] = getattr(options, option)
    datamodule = cls(options.data_root, **values)  # type: ignore[arg-type] # the demo's root may be None
    datamodule.display_name = options.name
    if options.name and datamodule.title != options.name:
        raise DataOptionError(f"--name does not apply to --dataset {name}, which has a title of its own.")
    datamodule.crops = tuple(range(options.seeds)) if options.crop_seeds else None
    return datamodule


@phase("Listing the images")
def set_up(options: RunOptions) -> DetectionData:
    """Builds the dataset of what compares two classes, and lists its images.

    Raises:
        BenchError: It has images of one class only, and that was not asked for.
    """
    datamodule = create_datamodule(options)
    datamodule.setup()
    missing = None if options.allow_one_class else datamodule.missing_class()
    if missing:
        raise BenchError(f"{missing}. --allow-one-class takes a set that is meant to have one class.")
    return datamodule


Detectors = Mapping[tuple[str, int], Detector]
"""By label and seed."""


def create_detectors(
    specs: Sequence[DetectorSpec],
    backbone: Backbone,
    conditions: Sequence[PlannedCondition],
    options: RunOptions,
    seeds: Sequence[int],
) -> Detectors:
    """Builds every detector and every source of an attack for every seed, all on one backbone.

    Raises:
        BenchError: One cannot take the view that it asks for.
    """
    asked = {spec.label: spec for spec in specs}
    asked |= {planned.source.label: planned.source for planned in conditions if planned.source}
    detectors = {}
    for label, spec in asked.items():
        view = None if spec.view else VIEWS[options.view]
        for seed in seeds:
            detectors[label, seed] = create_detector(spec.name, backbone, seed=seed, view=view, **spec.options)
            show_cut(detectors[label, seed], spec)
    return detectors


def with_named_sources(
    conditions: Sequence[PlannedCondition], detectors: Detectors, facts: Mapping[str, str]
) -> list[PlannedCondition]:
    """Writes the beginning of the source's fingerprint into the conditions that are attacks.

    Raises:
        BenchError: A source has no gradient, or another fingerprint than was asked for.
    """
    attacked = dict[str, Detector]()
    named = []
    for planned in conditions:
        if isinstance(planned.condition, Attack):
            labels = [planned.source.label] if planned.source else list(dict.fromkeys(label for label, _ in detectors))
            attacked |= {label: detectors[label, 0] for label in labels}
            source = detectors[planned.source.label, 0] if planned.source else None
            planned = replace(planned, condition=fingerprinted(planned.condition, source, facts))
        named.append(planned)
    for label, detector in attacked.items():
        check_gradient(label, detector)
    return named


def create_entries(
    specs: Sequence[DetectorSpec],
    detectors: Detectors,
    datamodule: DetectionData,
    conditions: Sequence[PlannedCondition],
    options: RunOptions,
    seeds: Sequence[int],
) -> list[Entry]:
    """Has every detector score every condition with every seed.

    Raises:
        BenchError: Two specifications come to the same detector.
    """
    entries: list[Entry] = []
    facts = run_facts(datamodule, options)
    written: dict[str, str] = {}
    attacked: dict[tuple[str, str, int], AttackedPictures] = {}
    for spec in specs:
        for seed in seeds:
            detector, crop = detectors[spec.label, seed], seed if options.crop_seeds else 0
            crop_seed = datamodule.crop_seed + crop
            fingerprint = detector.fingerprint(**facts)
            if written.setdefault(fingerprint, spec.label) != spec.label:
                raise BenchError(f"{spec.label!r} is the same detector as {written[fingerprint]!r}.")
            for position, planned in enumerate(conditions):
                scoring, attack = Scoring(spec.label, fingerprint, seed, planned.condition.name), None
                if isinstance(planned.condition, Attack):
                    source = planned.condition.source or spec.label
                    made = AttackedPictures(planned.condition, detectors[source, seed], crop_seed)
                    attack = attacked.setdefault((planned.condition.name, source, seed), made)
                entries.append(Entry(scoring, detector, position, planned.contrasts, spec, crop, crop_seed, attack))
    return entries


def wanted(entries: Sequence[Entry], conditions: Sequence[PlannedCondition], n_items: int) -> NDArray[np.bool_]:
    """Says which scores the run is about, ``(n_items, n_entries)``: a matching leaves images out."""
    everything = np.ones(n_items, dtype=np.bool_)
    chosen = [everything if planned.chosen is None else planned.chosen for planned in conditions]
    return np.stack([chosen[entry.condition_index] for entry in entries], axis=1)


def check_conditions(specs: Sequence[DetectorSpec], conditions: Sequence[PlannedCondition]) -> None:
    """Looks for detectors to which a degraded image would be shown with what was made of the image as it is.

    Raises:
        BenchError: There is one.
    """
    degraded = [planned.condition.name for planned in conditions if planned.condition.name != CLEAN]
    for spec in single_detectors(specs):
        if degraded and find_detector(spec.name).reads_beside:
            raise BenchError(
                f"{spec.label!r} reads what was made of each file as it is, not of {degraded[0]}: degrade the files "
                f"themselves, make it of them, and compare them as a data set of their own."
            )


def check_content(specs: Sequence[DetectorSpec], datamodule: DetectionData) -> None:
    """Compares what detectors look at with what the files hold.

    Raises:
        BenchError: A method that takes maps made of images is given images, or the other way round.
    """
    for spec in single_detectors(specs):
        consumed = getattr(find_detector(spec.name), "consumes", "image")
        if consumed != datamodule.content:
            raise BenchError(
                f"{spec.label!r} takes files of content {consumed}, but those of {datamodule.title} are declared as "
                f"{datamodule.content} (--content): a score of the wrong kind would mean nothing."
            )
