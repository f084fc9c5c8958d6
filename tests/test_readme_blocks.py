"""Runs every block of the README, as a newcomer who copies it does; the demo is cut to a few images."""

import os
import re
import shlex
import subprocess
import sys

import pytest
from conftest import make_photograph
from documents import ROOT, blocks, calls, lines
from fake_benchmarks import make_genimage

from bench.cli.app import main

README = (ROOT / "README.md").read_text(encoding="utf-8")
LIMIT = ["--limit", "12"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with what the README's commands name: photos, a manifest, the examples, a benchmark's release."""
    folder = tmp_path_factory.mktemp("newcomer")
    layout, manifest = (block.text for block in blocks(README) if block.language == "text")
    root, *sources = [line.strip() for line in layout.splitlines()]
    for number, source in enumerate(sources):
        target = folder / root / source.removesuffix("/...")
        target.mkdir(parents=True)
        for image in range(12):
            make_photograph(100 * number + image, (96, 80)).save(target / f"{image:02d}.jpg")
    (folder / "images.csv").write_text(manifest, encoding="utf-8")
    for number, row in enumerate(manifest.splitlines()[1:]):
        make_photograph(1000 + number).save(folder / row.partition(",")[0])
    (folder / "examples").symlink_to(ROOT / "examples")
    make_genimage(folder / "DATA")
    return folder


def run_line(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Runs one command of the README; what needs another machine is only looked at."""
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        plan = subprocess.run(["make", "-n", words[1]], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for call in calls(line.partition("#")[2].partition("runs: ")[2]):
            assert f"-m bench {' '.join(call)}" in plan
    elif "sbatch" in words:
        job = ROOT / words[-1]
        assert subprocess.run(["bash", "-n", str(job)], check=False).returncode == 0
        assert f"${{{words[0].partition('=')[0]}:?" in job.read_text(encoding="utf-8")
    else:
        (call,) = calls(line)
        demo = call[0] == "compare" and "--dataset" not in call
        assert main([*call, *(LIMIT if demo else [])]) == 0, capsys.readouterr().err


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_every_block_of_the_readme_runs(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    for block in blocks(README):
        if block.language == "bash":
            for line in lines(block):
                run_line(line, capsys)
        elif block.language == "python":
            script = block.text.replace("limit=20", "limit=12")
            words = [sys.executable, "-c", script]
            here = {**os.environ, "PYTHONPATH": str(ROOT)}
            ended = subprocess.run(words, cwd=place, env=here, capture_output=True, text=True, check=False)
            assert ended.returncode == 0, ended.stderr
            assert "auroc" in ended.stdout
        else:
            assert block.language == "text", f"nothing runs a block of {block.language!r}"
    assert (place / "report.html").is_file()
    written = (place / "results" / "CITATIONS.bib").read_text(encoding="utf-8")
    entries = re.findall(r"^@\w+\{(\w+),", written, re.MULTILINE)
    assert {"fauxbench", "nie2025epistemic", "he2024rigid"} <= set(entries)
