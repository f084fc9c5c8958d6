"""Paths are never patterns, templates or options: whatever a folder is called, every command works in it."""

import os
import shutil

import pytest
from started_runs import PLUGIN

from bench.cli.app import main
from bench.store.whole_store import read_store
from detectors import registry

NAMES = {
    "patterns": 'photos [1] a*b?c [!x] {x,y} {z} ${HOME} ~ 100%s %20 #1 & ; it\'s "so" \\n `x` 🎨 фото é',
    "breaks": "two\nlines\ttab",
    "bytes": os.fsdecode(b"latin \xe9\xff [1]"),
    "option": "--limit=1",
}


@pytest.fixture(params=NAMES)
def folder(request, tmp_path, monkeypatch, photograph):
    """A folder of that name, with images, a plugin and a configuration, each in one of the same name."""
    name = NAMES[request.param]
    home = tmp_path / name
    for number, source in enumerate(("real/camera", "real/camera", "generated/model", "generated/model")):
        (home / "data" / name / source).mkdir(parents=True, exist_ok=True)
        photograph(number, (40, 32)).save(home / "data" / name / source / f"{number}.png")
    shutil.copy(PLUGIN, home / f"light_{request.param}.py")
    (home / "options.yaml").write_text("resize: 32\nnum_workers: 0\naccelerator: cpu\n")
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    return home


def run(capsys, *words):
    code = main([str(word) for word in words])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return printed.out


@pytest.mark.heavy
def test_every_command_works_in_a_folder_of_any_name(folder, capsys):
    data, output = folder / "data" / folder.name, folder / f"out {folder.name}"
    plugin = next(folder.glob("light_*.py"))
    given = [f"--plugin={plugin}", f"--config={folder / 'options.yaml'}"]
    shared = [*given, "--dataset=folder", f"--data-root={data}", f"--output={output}"]
    detectors = ["--detectors", "light-mean"]

    assert "Scored now: 4" in run(capsys, "compare", *shared, *detectors, f"--html={folder / 'page.html'}")
    table = (output / "compare.csv").read_bytes()
    assert "Scored now: 0" in run(capsys, "compare", *shared, *detectors)
    assert (output / "compare.csv").read_bytes() == table
    assert (folder / "page.html").stat().st_size

    run(capsys, "robustness", *shared, "--conditions=jpeg:50", *detectors)
    run(capsys, "thresholds", f"--output={output}")
    run(capsys, "audit", *shared)
    run(capsys, "leaderboard", f"--output={output}")
    title = read_store(output)[0].title
    assert "auroc: " in run(capsys, "explain", f"--output={output}", "--", title, "light-mean", "model")
    run(capsys, "pack", *given[1:], "--dataset=folder", f"--data-root={data}", f"--output={folder / 'packed'}")
    packed = ["--dataset=shards", f"--data-root={folder / 'packed'}", f"--output={folder / 'again'}"]
    assert "Scored now: 4" in run(capsys, "compare", *given, *packed, *detectors)

    scored = [data, *given, *detectors, f"--calibration={output}"]
    assert "light-mean" in run(capsys, "score", *scored)
    run(capsys, "score", *scored, "--format=csv", f"--output-file={folder / 'rows.csv'}")
    assert len((folder / "rows.csv").read_bytes().splitlines()) >= 5
