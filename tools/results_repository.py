"""Makes ``examples/results-repository`` from a real run on the demo: ``make example-repository``.

Its README and CI file are written by hand; task, submissions and leaderboard are made by the commands that the README
names. The submitters are made up.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from bench.cli.app import main as run_command
from datamodules import DemoDataModule

FOLDER = Path(__file__).parents[1] / "examples" / "results-repository"
SUBMITTED = {"example-lab": "rigid", "another-lab": "wepe"}
"""The detector of each submitter."""
TASK = Path("tasks", "demo.json")
MADE = ("tasks", "submissions", "LEADERBOARD.md", "leaderboard*")


def address(submitter: str) -> str:
    """Returns where a submitter can be found, or could be."""
    return f"https://github.com/example/{submitter}"


def make(folder: Path, store: Path) -> None:
    """Writes task, submissions and leaderboard into a folder; what the store has is not scored again."""
    _run("compare", "--detectors", *SUBMITTED.values(), "--dataset", "demo", "--output", store)
    (folder / TASK).parent.mkdir(parents=True)
    _run("task", "freeze", "--dataset", "demo", "--license", DemoDataModule.licence, "--output", folder / TASK)
    for submitter, detector in SUBMITTED.items():
        words = ["--store", store, "--task", folder / TASK, "--detector", detector]
        output = folder / "submissions" / submitter / detector
        _run("submit", *words, "--repository", address(submitter), "--output", output)
        _run("submit", "check", output)
    _run("leaderboard", "--submissions", folder, "--output", folder, "--html", folder / "leaderboard.html")


def _run(*words: object) -> None:
    code = run_command([*map(str, words), "--quiet"])
    if code:
        sys.exit(code)


def main() -> None:
    """Makes the example anew."""
    with tempfile.TemporaryDirectory() as place:
        made = Path(place, "made")
        make(made, Path(place, "store"))
        for old in (old for name in MADE for old in FOLDER.glob(name)):
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        shutil.copytree(made, FOLDER, dirs_exist_ok=True)
    print("Written:", FOLDER)


if __name__ == "__main__":
    main()
