"""The manifest of the demo data set: what every image must be, to the byte."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

MANIFEST = Path(__file__).parent / "manifest.json"


@dataclass(frozen=True)
class ManifestEntry:
    """One image of the demo data set.

    Args:
        path: Its path inside the built folder, with forward slashes.
        label: 0 = real, 1 = generated.
        generator: Name of the generator, None for a photograph.
        group: Name of the photograph: all images of a group show the same scene and are not independent.
        sha256: Digest of the decoded RGB bytes, row by row.
    """

    path: str
    label: int
    generator: str | None
    group: str
    sha256: str


def load_manifest() -> list[ManifestEntry]:
    """Return the entries of the manifest that ships with the package, in the order in which the images are built."""
    return [ManifestEntry(**entry) for entry in json.loads(MANIFEST.read_text(encoding="utf-8"))]


def write_manifest(entries: list[ManifestEntry]) -> None:
    """Replace the manifest of the package, one line for each entry so that changes are readable.

    Args:
        entries: The new entries.
    """
    lines = ",\n".join(json.dumps(asdict(entry)) for entry in entries)
    MANIFEST.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def manifest_digest() -> str:
    """Return the sha256 of the manifest: it names the built folder, so that a new manifest never meets old images."""
    return hashlib.sha256(MANIFEST.read_bytes()).hexdigest()
