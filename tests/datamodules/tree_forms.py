"""The same images in the forms that people have them in: a folder, archives of it, other layouts."""

import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path


def zipped(folder: Path, file: Path, top: str = "", compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip file of what is in a folder, its names behind ``top``."""
    with zipfile.ZipFile(file, "w", compression) as archive:
        for one in sorted(folder.rglob("*")):
            archive.write(one, top + one.relative_to(folder).as_posix())
    return file


def tarred(folder: Path, file: Path, top: str = "", mode: str = "w") -> Path:
    """A tar file of what is in a folder, likewise."""
    with tarfile.open(file, mode) as archive:
        for one in sorted(folder.rglob("*")):
            archive.add(one, top + one.relative_to(folder).as_posix(), recursive=False)
    return file


def rearranged(folder: Path, target: Path, where: Callable[[str], str]) -> Path:
    """A copy of a folder in which every image lies elsewhere."""
    for one in sorted(folder.rglob("*.png")):
        place = target / where(one.relative_to(folder).as_posix())
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(one, place)
    return target
