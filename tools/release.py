"""Builds a release, looks into it, and tries it where nothing but the wheel is installed: ``make release-check``.

It is built from a copy of the files that git does not ignore, as they are now: what else lies in the folder, such as an
old ``build/``, gets into nothing. Both files are left in ``dist/`` if all went well.

The new environment shares no package with this one, where what ``pyproject.toml`` forgets would be there by chance.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
PACKAGES = ("bench", "datamodules", "detectors")
OF_THE_REPOSITORY = (".ci/", ".github/", ".gitignore", ".pre-commit-config.yaml")
"""Beginnings of paths that are of no use in a source distribution."""
MADE_BY_SETUPTOOLS = ("PKG-INFO", "setup.cfg", "fauxbench.egg-info/")
DETECTORS = ("wepe", "rigid")


class ReleaseError(Exception):
    """What is wrong with the release."""


def repository_files() -> list[str]:
    """Lists the files that git does not ignore, those that are not committed yet, too.

    Raises:
        ReleaseError: This is no clone.
    """
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        raise ReleaseError(f"The release is built from a clone's files: {listed.stderr.strip()}")
    return sorted({path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()})


def build(paths: Sequence[str], folder: Path) -> tuple[Path, Path]:
    """Builds the source distribution, and from it the wheel, of a copy of the repository's files.

    Returns:
        Where the two are.
    """
    for path in paths:
        (folder / "source" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / "source" / path)
    _run(sys.executable, "-m", "build", "--outdir", folder / "dist", folder / "source")
    (sdist,), (wheel,) = (folder / "dist").glob("*.tar.gz"), (folder / "dist").glob("*.whl")
    return sdist, wheel


def check_metadata(*files: Path) -> None:
    """Has twine look at what a package index would refuse or show wrongly.

    Raises:
        ReleaseError: It finds something.
    """
    _run(sys.executable, "-m", "twine", "check", "--strict", *files)


def check_sdist(sdist: Path, paths: Collection[str]) -> None:
    """Compares a source distribution with the repository.

    Raises:
        ReleaseError: It lacks a file, or has one too many.
    """
    with tarfile.open(sdist) as archive:
        names = {str(PurePosixPath(*PurePosixPath(file.name).parts[1:])) for file in archive if file.isfile()}
    names = {name for name in names if not name.startswith(MADE_BY_SETUPTOOLS)}
    _same(sdist, names, {path for path in paths if not path.startswith(OF_THE_REPOSITORY)})


def check_wheel(wheel: Path, paths: Collection[str]) -> None:
    """Compares a wheel with the packages in the repository: code, data, stubs, and the marks of typed packages.

    Raises:
        ReleaseError: It lacks a file, or has one too many.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not re.match(r"fauxbench-[^/]+\.dist-info/", name)}
    _same(wheel, names, {path for path in paths if path.partition("/")[0] in PACKAGES})


def _same(file: Path, names: Collection[str], expected: Collection[str]) -> None:
    for wrong, words in ((set(expected) - set(names), "lacks"), (set(names) - set(expected), "should not have")):
        if wrong:
            raise ReleaseError(f"{file.name} {words} {len(wrong)} files: {', '.join(sorted(wrong)[:5])}.")


def try_wheel(wheel: Path, folder: Path) -> None:
    """Installs the wheel in a new environment, and runs the main job and the notebook there from another folder.

    Raises:
        ReleaseError: Something failed, or the main job wrote no table of its detectors.
    """
    place = folder / "elsewhere"
    place.mkdir()
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = programs / "python"
    _run(python, "-m", "pip", "install", "--quiet", wheel, place=place)
    _run(programs / "fauxbench", "compare", "--detectors", *DETECTORS, "--limit", "20", place=place)
    table = (place / "results" / "compare.md").read_text(encoding="utf-8")
    if not all(f"| {name} |" in table for name in DETECTORS):
        raise ReleaseError(f"The main job's table lacks a detector:\n{table}")
    # Only now: none of what a notebook needs stands in for a dependency of the wheel.
    _run(python, "-m", "pip", "install", "--quiet", "ipykernel", "nbclient", "pandas", place=place)
    shutil.copy(ROOT / "examples" / "compare.ipynb", place)
    _run(programs / "jupyter-execute", "compare.ipynb", place=place)


def _run(*words: object, place: Path | None = None) -> None:
    """Runs a program that does not see this environment, and says how long it took."""
    started, hidden = time.monotonic(), ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    ended = subprocess.run(
        list(map(str, words)), cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    line = " ".join(Path(str(word)).name if Path(str(word)).is_absolute() else str(word) for word in words)
    if ended.returncode:
        raise ReleaseError(f"{ended.stdout}\nfailed: {line}")
    print(f"{time.monotonic() - started:6.0f} s  {line}", flush=True)


def main() -> None:
    """Checks a release."""
    paths = repository_files()
    with tempfile.TemporaryDirectory(prefix="fauxbench-release-") as name:
        folder = Path(name)
        files = build(paths, folder)
        check_metadata(*files)
        check_sdist(files[0], paths)
        check_wheel(files[1], paths)
        try_wheel(files[1], folder)
        (ROOT / "dist").mkdir(exist_ok=True)
        for file in files:
            print("Written:", shutil.copy(file, ROOT / "dist"))


if __name__ == "__main__":
    try:
        main()
    except ReleaseError as error:
        sys.exit(str(error))
