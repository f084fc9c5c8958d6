"""Attacks by whom they were made against, and whom their pictures were shown to."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.results.summary import Row, Summary
from bench.scoring.attacks.condition import is_attack, parse_attack
from bench.store.schema import CLEAN

ITSELF = ""
"""Stands for the source where each detector is attacked by itself."""


@dataclass(frozen=True)
class AttackMatrix:
    """The detectors' main rows under attacks that differ by their sources alone.

    Args:
        settings: The attack as it is written, without a source.
        clean: The rows of the clean images, by detector.
        detectors: Whom the pictures were shown to.
        sources: Whom they were made against, with the beginnings of their fingerprints.
        rows: By source and detector; one that a run did not ask for is not there.
    """

    settings: str
    clean: Mapping[str, Row]
    detectors: tuple[str, ...]
    sources: tuple[str, ...]
    rows: Mapping[tuple[str, str], Row]


def attack_matrices(summary: Summary) -> list[AttackMatrix]:
    """Makes a matrix for each attack, in the order of the conditions; none without attacks."""
    found: dict[str, dict[tuple[str, str], Row]] = {}
    for row in summary.means:
        if is_attack(row.condition):
            attack = parse_attack(row.condition)
            source = f"{attack.source}#{attack.fingerprint}" if attack.source else ITSELF
            found.setdefault(attack.settings, {})[source, row.detector] = row
    clean = {row.detector: row for row in summary.means if row.condition == CLEAN}
    matrices = []
    for settings, rows in found.items():
        sources = dict.fromkeys(source for source, _ in rows)
        detectors = dict.fromkeys(detector for _, detector in rows)
        matrices.append(AttackMatrix(settings, clean, tuple(detectors), tuple(sources), rows))
    return matrices
