"""Finding, checking and reading weights files."""

import hashlib
import logging
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from detectors.errors import WeightsError, WeightsNotFoundError

HUB_FILE = "model.safetensors"
logger = logging.getLogger(__name__)


def hub_file(repository: str, name: str) -> Path:
    """Fetches a weights file from the Hugging Face hub, or finds it in the hub's cache.

    Args:
        repository: Name of the hub's repository.
        name: The backbone's name, for the message.

    Raises:
        WeightsNotFoundError: It is neither cached nor reachable; says which file, and the ways to get it.
    """
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries would print a dozen lines
    try:
        return Path(hf_hub_download(repository, HUB_FILE, local_files_only=True))
    except FileNotFoundError:
        logger.warning(
            "Fetching %s/%s from the Hugging Face hub (up to half a minute if offline).", repository, HUB_FILE
        )
    try:
        return Path(hf_hub_download(repository, HUB_FILE))
    except (OSError, HfHubHTTPError) as error:
        raise WeightsNotFoundError(
            f"The weights of {name} ({repository}/{HUB_FILE}) are not cached, and the Hugging Face hub cannot be "
            f"reached. Go online once, or give the file with --weights FILE, or take the installed "
            f"--backbone efficientnet-lite0."
        ) from error


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
        WeightsError: It cannot be read, or holds something other than tensors.
    """
    file = Path(file)
    if not file.is_file():
        raise WeightsNotFoundError(f"There is no weights file {file}.")
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, SafetensorError, RuntimeError, EOFError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{file} is not a readable weights file: {reason}") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{file} holds no tensors by name; expected a state dict.")
    return dict(state)


def load_strictly(model: nn.Module, state: Mapping[str, Tensor], file: str | Path) -> None:
    """Loads a state dict that must fit exactly.

    Raises:
        WeightsError: Names or shapes differ; names the first of each.
    """
    own = model.state_dict()
    missing, unexpected = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    reshaped = [k for k in own.keys() & state.keys() if own[k].shape != state[k].shape]
    faults = {"missing": missing, "unexpected": unexpected, "of another shape": sorted(reshaped)}
    words = [f"{len(keys)} {kind} (such as {keys[0]})" for kind, keys in faults.items() if keys]
    if words:
        raise WeightsError(f"{file} does not fit {type(model).__name__}: {', '.join(words)}.")
    model.load_state_dict(dict(state))
