"""The detectors that attacks are made against: chosen, checked, and named by what they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch

from bench.errors import BenchError
from bench.scoring.attacks.condition import EACH, FINGERPRINT, Attack
from bench.scoring.attacks.stage import gradient_of
from bench.scoring.probed_blocks import asks_for_probe
from bench.scoring.specs import DetectorSpec, parse_detector
from detectors import Detector

TRIAL_SIDE = 256
"""Side of the picture of noise on which a method shows whether it has a gradient."""


def with_sources(attack: Attack, specs: Sequence[DetectorSpec]) -> Iterator[tuple[Attack, DetectorSpec | None]]:
    """Finds an attack's source among the detectors of the run, or beside them; ``each`` makes an attack for each.

    Args:
        attack: As it was written.
        specs: The run's detectors, blocks chosen.

    Yields:
        The attack with the source's label, and the source; nothing where each detector is attacked by itself.

    Raises:
        BenchError: The source is an ensemble, or its blocks are not chosen; or an ensemble would be scored on pictures
            that differ from member to member.
    """
    singles = [single for spec in specs for single in spec.singles]
    if attack.source == EACH:
        labels = dict.fromkeys(single.label for single in singles)
        yield from ((replace(attack, source=label), _named(label, singles)) for label in labels)
    elif attack.source:
        source = _named(attack.source, singles)
        yield replace(attack, source=source.label), source
    else:
        for spec in specs:
            if spec.members:
                raise BenchError(
                    f"{attack.settings} without a source shows each member of {spec.label!r} other pictures: name a "
                    f"source, as in source={spec.singles[0].label}."
                )
        yield attack, None


def _named(text: str, singles: Sequence[DetectorSpec]) -> DetectorSpec:
    for single in singles:
        if single.label == text:
            return single
    source = parse_detector(text)
    if source.members:
        raise BenchError(f"The source of an attack is one detector, not an ensemble: {text!r}.")
    if asks_for_probe(source):
        raise BenchError(f"The blocks of the source {text!r} are chosen only for --detectors: name it there, too.")
    return next((single for single in singles if single.is_same(source)), source)


def fingerprinted(attack: Attack, source: Detector | None, facts: Mapping[str, str]) -> Attack:
    """Writes the beginning of the source's fingerprint into an attack; nothing where each is attacked by itself.

    Raises:
        BenchError: A fingerprint was asked for, and it is another.
    """
    if source is None:
        return attack
    digits = source.fingerprint(**facts)[:FINGERPRINT]
    if attack.fingerprint not in ("", digits):
        raise BenchError(
            f"The source {attack.source}#{attack.fingerprint} is not that of this run, {attack.source}#{digits}: leave "
            f"out #{attack.fingerprint}, or take its backbone, weights and options."
        )
    return replace(attack, fingerprint=digits)


def check_gradient(label: str, detector: Detector) -> None:
    """Tries whether a method has a gradient, with one pass of a picture of noise.

    Raises:
        BenchError: It has none.
    """
    noise = torch.rand(3, TRIAL_SIDE, TRIAL_SIDE, generator=torch.Generator().manual_seed(0))
    try:
        gradient = gradient_of(detector, noise, key=0)
        why = None if gradient.isfinite().all() and gradient.any() else "it is zero or not finite everywhere"
    except (RuntimeError, TypeError) as error:  # torch has no error of its own for what cannot be differentiated
        why = str(error).partition("\n")[0].rstrip(".")
    if why:
        raise BenchError(
            f"{label!r} cannot be attacked, its score has no gradient with respect to the picture ({why}): name "
            f"another detector as the source, as in attack:pgd:2/255,source=rigid."
        )
