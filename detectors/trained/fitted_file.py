"""What a weights file that was trained with this suite says of its training."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from detectors.errors import WeightsError

FACTS = "aigi-bench"
"""The entry of a safetensors file's metadata that says how its weights were trained."""


def fitted_facts(file: Path) -> dict[str, Any] | None:
    """Reads what a file says of its training.

    Returns:
        Its facts; None where it says nothing, or is no safetensors file that can be read: whoever wants its tensors
        says so.

    Raises:
        WeightsError: It says something that cannot be read: what it was trained on must not be lost in silence.
    """
    if file.suffix != ".safetensors" or not file.is_file():
        return None
    try:
        with safe_open(file, "pt") as opened:
            text = (opened.metadata() or {}).get(FACTS)
    except (OSError, SafetensorError):
        return None
    if text is None:
        return None
    try:
        facts = json.loads(text)
    except ValueError as error:
        raise WeightsError(f"{file} has a record of its training that cannot be read: fit it again.") from error
    if not isinstance(facts, dict):
        raise WeightsError(f"{file} has a record of its training that is no record: fit it again.")
    return facts
