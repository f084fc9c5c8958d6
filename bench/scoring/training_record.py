"""What a file that ``fit`` wrote says of its training, so that a comparison can leave the trained images out."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from bench.errors import BenchError
from bench.statistics.names import name_hash
from bench.store.files import write_atomically
from bench.store.scores import hash_of_image
from datamodules import DetectionData
from datamodules.keys import image_key
from detectors.trained.fitted_file import FACTS, fitted_facts

VERSION = 1
"""Number of the layout of these facts."""


@dataclass(frozen=True)
class TrainingRecord:
    """What is known of a training.

    Args:
        facts: Plain values, with at least ``detector``, ``dataset``, ``generators``, ``trained_on``, ``treatment``,
            ``view``, ``protocol``, ``images`` and, for a probe, ``backbone``.
        groups: Hashes of the trained groups' names, from :func:`group_hashes`.
        keys: Keys of the trained images, from :func:`datamodules.batch.image_key`.
    """

    facts: Mapping[str, Any]
    groups: NDArray[np.uint64]
    keys: NDArray[np.int64]

    def metadata(self) -> dict[str, str]:
        """Writes it as the metadata of a safetensors file: one entry, so that the file's bytes are reproducible."""
        lists = {"groups": _text_of(self.groups), "keys": _text_of(self.keys)}
        return {FACTS: json.dumps({"version": VERSION, **self.facts, **lists}, sort_keys=True)}


def save_fitted(tensors: Mapping[str, Tensor], record: TrainingRecord, file: Path) -> Path:
    """Writes weights with the record of their training.

    Raises:
        BenchError: The file cannot be written.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return write_atomically(file, save(plain, record.metadata()))


def read_record(file: Path) -> TrainingRecord | None:
    """Reads the record of a weights file; None for a file that ``fit`` did not write, or that is not there.

    Raises:
        BenchError: A later version wrote it, or it is damaged.
    """
    facts = fitted_facts(file)
    if facts is None:
        return None
    if facts.get("version") != VERSION:
        raise BenchError(f"{file} was written by another version of fit (layout {facts.get('version')}).")
    try:
        groups, keys = _array_of(facts.pop("groups"), np.uint64), _array_of(facts.pop("keys"), np.int64)
    except (KeyError, TypeError, ValueError) as error:
        raise BenchError(f"{file} does not say which images it was trained on: fit it again.") from error
    return TrainingRecord(facts, groups, keys)


def group_hashes(groups: Iterable[str]) -> NDArray[np.uint64]:
    """Returns a hash of 64 bits for each group's name, in their order."""
    return np.fromiter((name_hash(group) for group in groups), dtype=np.uint64)


def key_of(datamodule: DetectionData, path: str) -> int | None:
    """Reads an image's key; None where its file cannot be read."""
    sha256 = hash_of_image(datamodule, path)
    return image_key(sha256) if sha256 else None


def _text_of(numbers: NDArray[Any]) -> str:
    return base64.b64encode(numbers.astype(numbers.dtype.newbyteorder("<")).tobytes()).decode()


def _array_of(text: str, kind: type[np.generic]) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=np.dtype(kind).newbyteorder("<")).astype(kind)
