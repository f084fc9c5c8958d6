"""Reads conditions, whole: the language of degradations with what networks do, and attacks."""

import bench.scoring.network_steps  # noqa: F401 - adds to the language what networks do
from bench.scoring.attacks.condition import Attack, is_attack, parse_attack
from datamodules.degradations import DegradationChain, parse_condition


def read_condition(text: str) -> DegradationChain | Attack:
    """Reads a condition as on the command line, a chain of degradations or an attack.

    Raises:
        DataOptionError: It is neither.
    """
    return parse_attack(text) if is_attack(text) else parse_condition(text)
