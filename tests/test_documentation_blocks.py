"""Runs the blocks of the documentation, as a newcomer who copies them does; the demo is cut to a few images.

All pages share one folder, with whatever they name, and its results: what an earlier block scored is not scored again.
"""

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import chdir, closing
from io import BytesIO
from pathlib import Path

import pytest
import torch
from conftest import make_photograph
from documents import PAGES, PROGRAM, ROOT, Block, blocks, calls, lines
from fake_benchmarks import make_genimage, make_imagenet
from forked_runs import ForkedRun
from made_submissions import results_repository
from released_files import WRITERS

README = ROOT / "README.md"
LIMIT = ["--limit", "12"]
DEMO = ("compare", "robustness", "sweep")
"""Commands that take the demo where no data set is named."""
NOT_RUN = {
    "--accelerator gpu": "a GPU",
    "sbatch ": "a cluster; the job file is read by a test of its own",
    "pip install": "a package registry, and an environment of its own",
    "python benchmarks/": "minutes to hours; tests/benchmarks runs small ones",
    "bash benchmarks/": "a GPU",
    "--reference paper": "scores of the paper's data",
    "verify --rerun": "minutes: .ci/run runs it",
    "reproduce all --dataset demo": "minutes: .ci/run runs it",
}
"""What is only looked at, and what it takes to run it."""
PLANNED = {"--compile": "minutes of compilation"}
"""What is run as far as its plan, with --dry-run."""
WRONG = {"data check --dataset imagenet": "a miniature has fewer images than the release"}
"""What finds something wrong here, exit code 1."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with what the pages name: photos, a manifest, the examples, releases, files of weights, scores."""
    folder = tmp_path_factory.mktemp("newcomer")
    layout, manifest = (block.text for block in blocks(README.read_text(encoding="utf-8")) if block.language == "text")
    root, *sources = [line.strip() for line in layout.splitlines()]
    _photographs(folder / root, [source.removesuffix("/...") for source in sources], 12)
    (folder / "images.csv").write_text(manifest, encoding="utf-8")
    for number, row in enumerate(manifest.splitlines()[1:]):
        make_photograph(1000 + number).save(folder / row.partition(",")[0])
    _photographs(folder / "DIR", ["real/camera", "generated/sd15"], 44, "png")
    _photographs(folder / "DIR", ["generated/sdxl"], 12, "png", seed=3000)
    _database(folder / "pictures.sqlite")
    results_repository(folder / "results-repository")
    _photographs(folder / "more", ["trip"], 2, "png", seed=4000)
    (folder / "examples").symlink_to(ROOT / "examples")
    make_genimage(folder / "DATA")
    make_imagenet(folder / "DATA" / "imagenet")
    shutil.move(WRITERS["npr"](folder), folder / "NPR.pth")
    torch.save({"state_dict": {"weight": torch.zeros(3)}}, folder / "theirs.ckpt")
    for name, words in (
        ("python", shlex.quote(sys.executable)),
        ("fauxbench", f"{shlex.quote(sys.executable)} -m bench"),
    ):
        shim = folder / "bin" / name
        shim.parent.mkdir(exist_ok=True)
        shim.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        shim.chmod(0o755)
    for name in (".local/share/bash-completion/completions", ".zsh/completions"):
        (folder / name).mkdir(parents=True)
    _run(["compare", "--detectors", "wepe", "rigid", *LIMIT], folder)
    return folder


@pytest.fixture(scope="module")
def done():
    """The lines that another page has had run."""
    return set()


def _photographs(root: Path, sources: list[str], count: int, form: str = "jpg", seed: int = 0) -> None:
    for number, source in enumerate(sources):
        (root / source).mkdir(parents=True)
        for image in range(count):
            make_photograph(seed + 100 * number + image, (96, 80)).save(root / source / f"{image:02d}.{form}")


def _database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE pictures (name, model, prompt, data)")
        for number in range(24):
            data = BytesIO()
            make_photograph(2000 + number).save(data, "PNG")
            row = (f"{number}.png", "sdxl" if number % 2 else "", str(number), data.getvalue())
            database.execute("INSERT INTO pictures VALUES (?, ?, ?, ?)", row)


def _environment(place: Path) -> dict[str, str]:
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, "HOME": str(place), "OMP_NUM_THREADS": "1"}


def _run(words: list[str], place: Path, code: int = 0) -> None:
    """Runs the suite, or ``-c`` and Python, in a process of its own."""
    with chdir(place), ForkedRun(words, _environment(place)) as process:
        _, complained = process.communicate(timeout=250)
        assert process.returncode == code, f"{words}: {complained}"


def _reason(line: str, table: dict[str, str]) -> str | None:
    return next((reason for part, reason in table.items() if part in line), None)


def _run_line(line: str, place: Path) -> None:
    """Runs one command of a block of bash."""
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        plan = subprocess.run(["make", "-n", words[1]], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for call in calls(line.partition("#")[2].partition("runs: ")[2]):
            assert f"-m bench {' '.join(call)}" in plan
    elif _reason(line, NOT_RUN):
        return
    elif words[:3] == PROGRAM and not {"|", ">"} & set(words):
        call = words[3:]
        demo = call[0] in DEMO and "--dataset" not in call
        more = [*(LIMIT if demo else []), *(["--dry-run"] if _reason(line, PLANNED) else [])]
        _run([*call, *more], place, 1 if _reason(line, WRONG) else 0)
    else:
        options = {"cwd": place, "env": _environment(place), "capture_output": True, "text": True}
        ended = subprocess.run(["bash", "-o", "pipefail", "-c", line], check=False, timeout=120, **options)
        assert ended.returncode == 0, f"{line}: {ended.stderr}"


def _run_block(block: Block, place: Path, done: set[str]) -> None:
    if block.language == "bash":
        for line in lines(block):
            if line not in done:
                _run_line(line, place)
                done.add(line)
    elif block.language == "python":
        _run(["-c", block.text.replace("limit=20", "limit=12")], place)


@pytest.mark.heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_a_page_runs(page, place, done):
    shutil.rmtree(place / "submissions", ignore_errors=True)  # another page's, whose task lies elsewhere
    for block in blocks(page.read_text(encoding="utf-8")):
        _run_block(block, place, done)
    if page == README:
        assert (place / "report.html").is_file()
        written = (place / "results" / "CITATIONS.bib").read_text(encoding="utf-8")
        entries = re.findall(r"^@\w+\{(\w+),", written, re.MULTILINE)
        assert {"fauxbench", "nie2025epistemic", "he2024rigid"} <= set(entries)


def test_every_block_is_of_a_known_language():
    """``sh`` is for what needs another machine: few."""
    found = [block for page in PAGES for block in blocks(page.read_text(encoding="utf-8"))]
    assert {block.language for block in found} <= {"bash", "python", "text", "sh"}
    assert sum(block.language == "sh" for block in found) <= 4
    for block in found:
        if block.language == "python":
            compile(block.text, "block", "exec")


def test_what_is_not_run_is_in_the_documentation():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [part for part in (*NOT_RUN, *PLANNED, *WRONG) if part not in text] == []
