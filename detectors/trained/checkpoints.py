"""Reads released checkpoints of trained detectors, and recognises those that are known."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from detectors.errors import OptionError, WeightsError, WeightsNotFoundError
from detectors.trained.fitted_file import fitted_facts
from detectors.weights import read_weights

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True)
class ReleasedFile:
    """A checkpoint that somebody published.

    Args:
        name: Of the file; with folders before it where only they tell it from others.
        source: Where it comes from: repository and commit, or words.
        trained_on: Canonical names of the generators whose images it was trained on.
        size: In bytes, where known.
        sha256: Of the file, where known.
        licence: Of the weights, as its authors state it; empty where that was not looked up.
    """

    name: str
    source: str
    trained_on: tuple[str, ...]
    size: int | None = None
    sha256: str | None = None
    licence: str = ""

    def __str__(self) -> str:
        size = f"{self.size:,} bytes, " if self.size else ""
        checksum = f"sha256 {self.sha256}, " if self.sha256 else ""
        return f"{self.name} ({size}{checksum}from {self.source})"


@dataclass(frozen=True)
class Checkpoint:
    """A file that was read.

    Args:
        file: Its place.
        state: The network's tensors by name, without wrappers.
        sha256: Of the file.
        trained_on: Generators it was trained on, as its release or its own record says; empty where neither does.
        released: The release that it is, where it is a known one.
    """

    file: Path
    state: Mapping[str, Tensor]
    sha256: str
    trained_on: tuple[str, ...]
    released: ReleasedFile | None


def read_checkpoint(
    file: str | Path | None, detector: str, released: Sequence[ReleasedFile], ways: str = ""
) -> Checkpoint:
    """Reads a checkpoint, never running code from it.

    Args:
        file: A PyTorch or ``.safetensors`` file: a state dict, or one under a usual key of a training script.
        detector: Name of the detector, for the messages.
        released: The known checkpoints of the detector.
        ways: Sentences on how to come by what the detector needs, for the message that the file is missing.

    Raises:
        WeightsNotFoundError: No file is given, or there is none of that name.
        WeightsError: It cannot be read, holds no state dict, or bears the name and size of a release that it is not.
    """
    files = " or ".join(map(str, released)) or "a file of your own training, as no released one is known"
    ways = f"{detector} needs its trained weights: {files}. {ways}".rstrip()
    if file is None:
        raise WeightsNotFoundError(ways)
    file = Path(file)
    if not file.is_file():
        raise WeightsNotFoundError(f"There is no checkpoint {file}. {ways}")
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    known = _recognise(file, sha256, released)
    state, facts = read_weights(file), fitted_facts(file) or {}
    if facts.get("detector", detector) != detector:
        raise WeightsError(f"{file} was fitted for the detector {facts['detector']}, not for {detector}.")
    told = known.trained_on if known else tuple(facts.get("trained_on", ()))
    return Checkpoint(file, state, sha256, told, known)


def generator_names(text: str) -> tuple[str, ...]:
    """Reads names of generators joined by plus signs or commas.

    Raises:
        OptionError: A name has other characters than lower-case letters, digits, dots, dashes and underscores.

    Examples:
        >>> generator_names("sd14+adm")
        ('sd14', 'adm')
    """
    names = [name.strip() for name in re.split(r"[+,]", text)]
    wrong = next((name for name in names if not _NAME.fullmatch(name)), None)
    if wrong is not None:
        raise OptionError(
            f"trained_on takes generators' names in lower case joined by +, as in sd14+adm; got {wrong!r}."
        )
    return tuple(dict.fromkeys(names))


def _recognise(file: Path, sha256: str, released: Sequence[ReleasedFile]) -> ReleasedFile | None:
    """Finds the release by its checksum or, where none is known, by its name and, where known, its size."""
    size = file.stat().st_size
    same = next((one for one in released if one.sha256 == sha256), None)
    if same is not None:
        return same
    for one in released:
        if file.absolute().match(one.name) and one.size in (None, size):
            if one.sha256 is None:
                return one
            if one.size is not None:
                raise WeightsError(
                    f"{file} has the name and size of the released {one.name}, but its sha256 is {sha256} in place of "
                    f"{one.sha256}: fetch it again from {one.source}, or rename it if it is another training."
                )
    return None
