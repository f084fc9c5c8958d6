"""Writes checkpoints of RINE and B-Free.

Random weights at a small size, in the released layout.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ARCHITECTURES: dict[str, Mapping[str, Any]] = {}
"""Small sizes of the network, by the detector's name."""
WRITERS: dict[str, Callable[[Path], Path]] = {}
