"""What differs between a reported number's configuration and ours: pure comparison, blind to the values.

A limit on the images of each source is no reason against a comparison: they are chosen by a hash of their paths, and
fewer of them widen the interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.references.reported import MEAN, ReportedNumber
from bench.store.schema import CLEAN

FULL_PRECISION = "32-true"
IRRELEVANT = {("wepe", "match")}
"""Options that change nothing in the papers' configuration."""


@dataclass(frozen=True)
class Ours:
    """How our number came about.

    Args:
        options: The detector's options and their settled values, as ``bench.scoring.facts.detector_facts`` has them.
        view: The picture that it was shown, as text.
        backbone: None where the detector has none.
        weights_file: The file that the backbone's weights came from; None for the published ones.
        precision: Numeric precision of the backbone, in Lightning's words.
        real_split: None for the dataset's default.
        match: How both classes were given the same container.
        generators: What a mean is over.
        threshold: The rule of the threshold of an accuracy.
    """

    metric: str
    dataset: str
    detector: str
    options: Mapping[str, Any]
    view: str
    backbone: str | None
    weights_file: str | None = None
    precision: str = FULL_PRECISION
    condition: str = CLEAN
    protocol: Mapping[str, Any] = field(default_factory=dict)
    real_split: str | None = None
    match: str = "none"
    generators: tuple[str, ...] = ()
    threshold: str | None = None

    @classmethod
    def of(
        cls,
        detector: Mapping[str, Any],
        data: Mapping[str, Any],
        options: Mapping[str, Any],
        metric: str,
        condition: str = CLEAN,
        generators: Sequence[str] = (),
    ) -> "Ours":
        """Takes it from what a run keeps: its options, and detector and data as ``bench.scoring.facts`` has them."""
        backbone = detector["backbone"]
        return cls(
            metric=metric,
            dataset=data["name"],
            detector=detector["name"],
            options=detector["options"],
            view=detector["view"],
            backbone=backbone and backbone["name"],
            weights_file=options.get("weights"),
            precision=detector["precision"],
            condition=condition,
            protocol=data["protocol"],
            real_split=options.get("real_split"),
            match=options.get("match", "none"),
            generators=tuple(generators),
        )


def closest(candidates: Sequence[ReportedNumber], facts: Ours) -> ReportedNumber | None:
    """Chooses the reported number whose configuration is nearest to ours, whatever its value.

    The fewest differences win, then the fewest unpublished settings, then the order given. None where there is nothing
    to choose from.
    """
    return min(
        candidates,
        key=lambda number: (len(_differing(as_read(number, facts), facts)), len(number.unsaid)),
        default=None,
    )


def as_read(reported: ReportedNumber, facts: Ours) -> ReportedNumber:
    """Reads a reported number in the preset that is nearest to our configuration, whatever its value."""
    readings = [reported.under(preset) for preset in reported.presets] or [reported]
    return min(readings, key=lambda number: len(_differing(number, facts)))


def differences(reported: ReportedNumber, facts: Ours) -> tuple[str, ...]:
    """Says in words what differs between a reported configuration and ours, and what the paper does not say of it."""
    reported = as_read(reported, facts)
    return (*_differing(reported, facts), *(f"unpublished: {setting}" for setting in reported.unsaid))


def written(value: object) -> str:
    """Writes an option's value as on the command line."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _differing(reported: ReportedNumber, facts: Ours) -> list[str]:
    reasons = [
        _other("method", facts.detector, reported.method),
        _other("metric", facts.metric, reported.metric),
        _other("data", facts.dataset, reported.dataset),
        _other("backbone", facts.backbone, reported.backbone),
        f"weights from {facts.weights_file}" if facts.weights_file else None,
        None if facts.condition in reported.conditions else _other("condition", facts.condition, reported.condition),
        _other("threshold", facts.threshold, reported.threshold),
        _other("protocol", f"--match {facts.match}", "--match none"),
        _other("precision", facts.precision, FULL_PRECISION),
        _other("view", facts.view, reported.view) if reported.view else None,
    ]
    if facts.dataset == reported.dataset:
        reasons += [
            f"other protocol (--{name.replace('_', '-')} {written(facts.protocol.get(name))}, paper {written(wanted)})"
            for name, wanted in reported.data_protocol.items()
            if facts.protocol.get(name) != wanted
        ]
        if facts.real_split not in (None, reported.real_split):
            reasons.append(f"other data (real images of the split {facts.real_split}, {reported.real_split} assumed)")
    if facts.detector == reported.method:
        reasons += _of_options(reported, facts)
    if facts.dataset == reported.dataset and reported.generator == MEAN:
        reasons.append(_of_mean(reported.generators, facts.generators))
    return [reason for reason in reasons if reason]


def _other(kind: str, ours: object, papers: object) -> str | None:
    return None if ours == papers else f"other {kind} ({ours or 'none'}, paper {papers or 'none'})"


def _of_options(reported: ReportedNumber, facts: Ours) -> list[str]:
    """Compares options; which blocks are perturbed says nothing on another backbone."""
    known = {**reported.readings, **reported.options}
    if facts.backbone != reported.backbone:
        known.pop("blocks", None)
    return [
        f"other options ({name}={written(facts.options.get(name))}, paper {written(wanted)}"
        + (f", {_read_by(reported)})" if name in reported.readings else ")")
        for name, wanted in known.items()
        if facts.options.get(name) != wanted and (facts.detector, name) not in IRRELEVANT
    ]


def _read_by(reported: ReportedNumber) -> str:
    return f"preset {reported.preset}" if reported.preset else "as read here"


def _of_mean(reported: Sequence[str], ours: Sequence[str]) -> str | None:
    without = [name for name in reported if name not in ours]
    further = [name for name in ours if name not in reported]
    words = [f"{word} {', '.join(names)}" for word, names in (("without", without), ("with", further)) if names]
    return f"mean over other generators ({'; '.join(words)})" if words else None
