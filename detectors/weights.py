"""Finding, checking and reading weights files."""

import hashlib
import logging
import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from detectors.errors import WeightsError, WeightsNotFoundError
from detectors.plain_objects import load_plain, refused_class

Network = TypeVar("Network", bound=nn.Module)
WRAPPERS = ("model", "state_dict", "netC", "model_state_dict", "net", "network")
"""Keys under which a training script keeps the network, beside the optimiser and its steps."""
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
"""What ``nn.DataParallel``, ``torch.compile`` and a module that holds the network put before every name."""
logger = logging.getLogger(__name__)


def check_sha256(file: Path, expected: str) -> None:
    """Compares a file with its published checksum.

    Raises:
        WeightsNotFoundError: There is no such file.
        WeightsError: It is another file.
    """
    if not file.is_file():
        raise WeightsNotFoundError(f"There is no weights file {file}.")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != expected:
        raise WeightsError(f"{file} has sha256 {found}, expected {expected}: reinstall the package it came with.")


def read_weights(file: str | Path) -> dict[str, Tensor]:
    """Reads tensors by name from a ``.safetensors`` or a PyTorch file, never running code from it.

    Raises:
        WeightsNotFoundError: There is no such file.
        WeightsError: It cannot be read, would run code, or holds no state dict; see :func:`unwrapped`.
    """
    file = Path(file)
    if not file.is_file():
        raise WeightsNotFoundError(f"There is no weights file {file}.")
    try:
        content = load_file(file) if file.suffix == ".safetensors" else load_plain(file)
    except Exception as error:  # a damaged file makes the readers raise almost anything
        raise WeightsError(f"{file} is not a readable weights file: {_reason(error)}") from error
    return unwrapped(content, file)


def unwrapped(content: object, file: str | Path) -> dict[str, Tensor]:
    """Takes the network out of what a training script saved.

    Args:
        content: A state dict, or a dictionary that has one under one of :data:`WRAPPERS`.
        file: Where it comes from, for the message.

    Returns:
        Tensors by name, without the :data:`PREFIXES` that all names have.

    Raises:
        WeightsError: There is no state dict in it.

    Examples:
        >>> unwrapped({"model": {"module.fc.bias": torch.zeros(1)}, "total_steps": 7}, "NPR.pth")
        {'fc.bias': tensor([0.])}
        >>> unwrapped({"state_dict": {"model._orig_mod.fc.bias": torch.zeros(1)}, "epoch": 7}, "last.ckpt")
        {'fc.bias': tensor([0.])}
    """
    if isinstance(content, Mapping):
        content = next((content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)), content)
    if not isinstance(content, Mapping) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()
    ):
        raise WeightsError(f"{file} holds no tensors by name; expected a state dict.")
    if not content:
        raise WeightsError(f"{file} holds no tensors.")
    state = dict(content)
    while prefix := next((prefix for prefix in PREFIXES if all(key.startswith(prefix) for key in state)), None):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def state_sha256(state: Mapping[str, Tensor]) -> str:
    """Returns the hexadecimal sha256 of the names, shapes, types and values of tensors, in any order."""
    digest = hashlib.sha256()
    for key, value in sorted(state.items()):
        digest.update(f"{key} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):  # torch's own message advises to run the file's code
        if (name := refused_class(error)) is None:
            return "it is no PyTorch file of tensors alone (code in a file is never run)."
        return (
            f"it holds {name}, and code in a file is never run. If you trust the file, save its tensors alone: "
            f"detectors/README.md says how."
        )
    message = str(error).splitlines()[0] if str(error) else "damaged"
    return message if isinstance(error, (RuntimeError, SafetensorError)) else f"{type(error).__name__}: {message}"


def built_unfilled(build: Callable[[], Network]) -> Network:
    """Builds a network whose every tensor a file replaces, and draws no initial values: for ViT-L they take seconds.

    Args:
        build: Makes a network all of whose buffers are in its state dict, and no two of whose parameters are one.
    """
    with torch.device("meta"):
        network = build()
    kept = network.state_dict().keys()
    if any(name not in kept for name, _ in network.named_buffers()):
        return build()  # a file would leave these as they are
    return network.to_empty(device="cpu")


def load_strictly(model: nn.Module, state: Mapping[str, Tensor], file: str | Path) -> None:
    """Loads a state dict that must fit exactly.

    Raises:
        WeightsError: Names or shapes differ; names the first of each.
    """
    check_fit(model, state, file)
    model.load_state_dict(dict(state))


def check_fit(model: nn.Module, state: Mapping[str, Tensor], file: str | Path) -> None:
    """Compares names and shapes with those of a model, which may be on the meta device.

    Raises:
        WeightsError: They differ; names the first of each.
    """
    own = model.state_dict()
    refuse_misfits(
        file,
        type(model).__name__,
        missing=own.keys() - state.keys(),
        unexpected=state.keys() - own.keys(),
        reshaped=(k for k in own.keys() & state.keys() if own[k].shape != state[k].shape),
    )


def refuse_misfits(
    file: str | Path, model: str, *, missing: Iterable[str], unexpected: Iterable[str], reshaped: Iterable[str]
) -> None:
    """Says which names of a file do not fit a model, if any.

    Raises:
        WeightsError: There are such; names the first of each kind.
    """
    faults = {"missing": missing, "unexpected": unexpected, "of another shape": reshaped}
    named = {kind: sorted(keys) for kind, keys in faults.items()}
    words = [f"{len(keys)} {kind} (such as {keys[0]})" for kind, keys in named.items() if keys]
    if words:
        raise WeightsError(f"{file} does not fit {model}: {', '.join(words)}.")
