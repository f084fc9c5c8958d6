"""The folder of built images: made once for each user, checked against the manifest, complete or absent."""

from __future__ import annotations

import os
import platform
import re
import shutil
import time
import uuid
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from PIL import Image

from datamodules.demo_images.images import Recipe, list_recipes, make_image, pixel_digest
from datamodules.demo_images.manifest import ManifestEntry, load_manifest, manifest_digest
from datamodules.demo_images.photographs import RGB
from datamodules.errors import DemoImageMismatchError

LONGEST_BUILD = 86_400.0
"""Seconds after which a build whose process cannot be asked about has certainly ended."""
COMPLETE = "complete"
"""Empty file that is in a built folder once all images are."""

Progress = Callable[[int, int], None]
"""Called with the number of images done and the number of all."""


def build_demo_images(cache: Path | None = None, *, progress: Progress | None = None) -> Path:
    """Build the images if they are not built yet, and return their folder.

    The folder holds ``real/<photograph>/<photograph>-<k>.png`` and ``generated/<generator>/<photograph>-<k>.png``.
    It is built beside its place and renamed, so that a killed build leaves nothing that looks complete and two
    processes may build at once. A complete folder is trusted and returned without a look at the images.

    Args:
        cache: Folder in which the images' folder is made; by default that of ``default_cache``.
        progress: Called after each image.

    Returns:
        The folder, ``<cache>/demo-<digest of the manifest>``.

    Raises:
        DemoImageMismatchError: If an image differs from the manifest.
        PhotographMissingError: If a wheel that carries the photographs is not installed.
    """
    root = (cache or default_cache()) / f"demo-{manifest_digest()[:12]}"
    if (root / COMPLETE).exists():
        return root
    remove_leftovers(root.parent)
    building = root.with_name(f".{root.name}-{_host()}-{os.getpid()}-{uuid.uuid4().hex}")
    building.mkdir(parents=True)
    try:
        write_images(building, load_manifest(), progress=progress)
        install(building, root)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return root


def remove_leftovers(cache: Path) -> None:
    """Remove what builds have left that were killed: the process whose number is in the name runs no more.

    A build on another machine, or in an older release, which has no number in the name, is left alone for a day.

    Args:
        cache: Folder in which images' folders are made.
    """
    for folder in cache.glob(".demo-*"):
        owner = re.fullmatch(r"\.demo-[0-9a-f]+-(.+)-([0-9]+)-[0-9a-f]{32}", folder.name)
        try:
            left = not _runs(int(owner[2])) if owner and owner[1] == _host() else _is_old(folder)
        except OSError:
            continue  # another build has just removed it
        if left:
            shutil.rmtree(folder, ignore_errors=True)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9.]", "", platform.node()) or "host"


def _runs(process: int) -> bool:
    """Say whether there is such a process on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True


def _is_old(folder: Path) -> bool:
    return time.time() - folder.stat().st_mtime > LONGEST_BUILD


def default_cache() -> Path:
    """Return ``$FAUXBENCH_CACHE``, else ``$XDG_CACHE_HOME/fauxbench``, else ``~/.cache/fauxbench``.

    What was made under the suite's former name, ``$AIGI_BENCH_CACHE`` or a folder ``aigi-bench``, is used where it is
    there and the other is not.
    """
    if own := os.environ.get("FAUXBENCH_CACHE") or os.environ.get("AIGI_BENCH_CACHE"):
        return Path(own)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    former = home / "aigi-bench"
    return former if former.is_dir() and not (home / "fauxbench").is_dir() else home / "fauxbench"


def write_images(folder: Path, entries: list[ManifestEntry], *, progress: Progress | None = None) -> None:
    """Make the images of the entries, check each against its entry, and write them.

    Args:
        folder: Where to write them.
        entries: The images to make.
        progress: Called after each image.

    Raises:
        DemoImageMismatchError: If an image differs from its entry.
    """
    recipes = {recipe.path: recipe for recipe in list_recipes()}
    for done, entry in enumerate(entries, start=1):
        image = make_checked_image(recipes.get(entry.path), entry)
        path = folder / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
        if progress is not None:
            progress(done, len(entries))


def make_checked_image(recipe: Recipe | None, entry: ManifestEntry) -> RGB:
    """Return the image of a recipe if it is what the manifest says.

    Args:
        recipe: How it is made; None if the installed photographs give no such image.
        entry: What the manifest says.

    Raises:
        DemoImageMismatchError: If it is not.
    """
    image = make_image(recipe) if recipe else None
    digest = pixel_digest(image) if image is not None else "nothing"
    if image is None or digest != entry.sha256:
        raise DemoImageMismatchError(
            f"The demo image {entry.path} differs from the manifest: expected sha256 {entry.sha256}, got {digest}. "
            f"Results on it would not be comparable. Please report this together with: {_versions()}. "
            f"Meanwhile use --dataset folder with images of your own."
        )
    return image


def install(building: Path, root: Path) -> None:
    """Mark a folder as complete and move it to its place.

    Args:
        building: The folder with all images.
        root: Its place, where another process may have put the same images meanwhile.
    """
    (building / COMPLETE).touch()
    try:
        building.rename(root)
    except OSError:
        if (root / COMPLETE).exists():
            return
        # Something incomplete is in the way. Its files are replaced one by one, the marker last: nobody who reads or
        # repairs the same folder now is disturbed, since equal names hold equal bytes.
        for path in sorted(building.rglob("*.png")):
            target = root / path.relative_to(building)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        (root / COMPLETE).touch()


def _versions() -> str:
    names = ("torch", "Pillow", "numpy", "scikit-image", "scikit-learn")
    return ", ".join([*(f"{name} {metadata.version(name)}" for name in names), platform.platform()])
