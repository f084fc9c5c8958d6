"""Where a number comes from: what ran, with what, when."""

import importlib.metadata
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PACKAGES = ("aigi-bench", "torch", "torchvision", "lightning", "torchmetrics", "timm", "Pillow", "numpy", "polars")


def provenance(options: dict[str, Any], device: str) -> dict[str, Any]:
    """Describes a run.

    Args:
        options: The run's options as the command line or a configuration file gave them.
        device: What computed, in words.

    Returns:
        Facts for ``run.json``.
    """
    return {
        "command": " ".join(["bench", *sys.argv[1:]]),
        "options": options,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "versions": {"python": platform.python_version(), **_versions(), "libjpeg": _libjpeg()},
        "device": device,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _versions() -> dict[str, str]:
    return {package: importlib.metadata.version(package) for package in PACKAGES}


def _libjpeg() -> str:
    """Decoders have changed pixels between versions, so the decoder's version belongs to a score."""
    from PIL import features

    return features.version("libjpeg_turbo") or features.version("jpg") or "unknown"


def _commit() -> str | None:
    """Returns the commit of the suite's own checkout, with ``+`` where files differ; None outside of one."""
    folder = Path(__file__).parent
    try:
        git = ("git", "-C", str(folder))
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changes = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changes.stdout.strip() else "")
