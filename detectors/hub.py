"""Weights files on the Hugging Face hub and in its cache."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

from detectors.errors import WeightsNotFoundError

HUB_FILES = ("model.safetensors",)
logger = logging.getLogger(__name__)


def is_cached(repository: str, files: Sequence[str] = HUB_FILES) -> bool:
    """Tells, without asking the network, whether one of the files is in the Hugging Face hub's cache."""
    return any(isinstance(try_to_load_from_cache(repository, file), str) for file in files)


def torch_hub_file(name: str) -> Path:
    """Says where ``torch.hub`` keeps a weights file, whether it is there or not."""
    caches = os.getenv("XDG_CACHE_HOME", "~/.cache")
    return Path(os.getenv("TORCH_HOME", f"{caches}/torch")).expanduser() / "hub" / "checkpoints" / name


def hub_file(repository: str, name: str, files: Sequence[str] = HUB_FILES) -> Path:
    """Fetches a weights file from the Hugging Face hub, or finds it in the hub's cache.

    Args:
        repository: Name of the hub's repository.
        name: The backbone's name, for the message.
        files: Names that the file may have there, the preferred one first.

    Raises:
        WeightsNotFoundError: It is neither cached nor reachable; says which file, and the ways to get it.
    """
    for file in files:
        cached = try_to_load_from_cache(repository, file)
        if isinstance(cached, str):
            return Path(cached)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries would print a dozen lines
    logger.warning("Fetching %s/%s from the Hugging Face hub (up to half a minute if offline).", repository, files[0])
    failure: Exception | None = None
    for file in files:
        try:
            return Path(hf_hub_download(repository, file))
        except (OSError, HfHubHTTPError, EntryNotFoundError) as error:
            failure = error
            if isinstance(error, FileNotFoundError) or not isinstance(error, EntryNotFoundError):
                break  # no connection, or no such repository: the other names fare no better
    answered = isinstance(failure, HfHubHTTPError)
    problem = f"does not give them ({type(failure).__name__})" if answered else "cannot be reached"
    raise WeightsNotFoundError(
        f"The weights of {name} ({repository}/{files[0]}) are not cached, and the Hugging Face hub {problem}. "
        f"Go online once, or give the file with --weights FILE, or take the installed --backbone efficientnet-lite0."
    ) from failure
