"""What a sweep prints and writes, and that its settings are marked afterwards."""

import csv
import json
import xml.etree.ElementTree as ElementTree
from io import StringIO

import numpy as np
import pytest
from made_stores import detector
from matplotlib.collections import LineCollection
from rich.console import Console
from robustness_panels import panel_of
from scipy.stats import norm

from bench.cli.app import main
from bench.report.plots.sweep import COLOURS, sweep_figure, sweep_svg
from bench.report.sweep import print_sweep, sweep_frame, sweep_json, sweep_sentences, sweep_table, write_sweep
from bench.results.comparison import Comparison
from bench.results.summary import summarise
from bench.results.sweep import Sweep
from bench.scoring.sweeps import parse_sweep
from bench.statistics.number import ABOVE, BELOW

QUANTILES = norm.ppf((np.arange(60) + 0.5) / 60)
CLI = ["--num-workers", "0", "--accelerator", "cpu", "--batch-size", "40"]


def sweep_of(text, shifts, conditions=("clean",), images=60):
    """A sweep whose generated images score higher by these shifts, a tenth less under each further condition."""
    settings, labels = parse_sweep(text), np.repeat([0, 1], images)
    scores = {
        (setting.label, name): [np.tile(QUANTILES[:images], 2) + (shift - 0.1 * place) * labels]
        for place, name in enumerate(conditions)
        for setting, shift in zip(settings, shifts, strict=True)
    }
    panel = panel_of(scores, labels.tolist())
    facts = {setting.label: next(iter(detector(setting.label).values())) for setting in settings}
    data = {"title": "made-up", "name": "folder", "images": 120, "preprocessing": "as they are", "notes": []}
    run = {"data": data, "detectors": facts, "options": {"seeds": 1}}
    return Sweep(Comparison("t", panel, summarise(panel), detectors=facts, run=run), settings)


def test_a_row_for_each_setting_with_its_values_and_marks():
    table = sweep_table(sweep_of("rigid:noise=0.01,0.05,draws=1,2", [1.0, 0.8, 0.0, -1.0]))
    assert table.columns == ("noise", "draws", "AUROC", "against chance", "")
    assert table.title == "made-up: 4 settings of rigid"
    assert [(row[0], row[1], row[3], row[4]) for row in table.rows] == [
        ("0.01", "1", "above", "chosen on this data"),
        ("0.01", "2", "above", ""),
        ("0.05", "1", "not separated", "the method's own"),
        ("0.05", "2", "below", ""),
    ]


@pytest.mark.parametrize(
    ("shifts", "beginning"),
    [
        ([1.0, -1.0], "The sign depends on the setting: above chance is noise=0.01 0.76 ["),
        ([0.4, -0.4], "The sign may depend on the setting: each by its own 95 % interval, noise=0.01 0.61"),
        ([0.1, -0.1], "AUROCs lie on both sides of 0.5, from noise=0.1 0.47"),
        ([1.0, 0.5], "No setting turns the sign: AUROCs from noise=0.1 0.6"),
    ],
)
def test_the_sentence_about_the_sign_is_as_strong_as_the_evidence(shifts, beginning):
    first, second = sweep_sentences(sweep_of("rigid:noise=0.01,0.1", shifts))
    assert first.startswith(beginning)
    assert second.startswith("Highest of 2 settings: noise=0.01, chosen on this data, so that its number is optimistic")


def test_the_methods_own_setting_is_not_called_chosen():
    _, best = sweep_sentences(sweep_of("rigid:noise=0.05,0.1", [1.0, 0.5]))
    assert best == "Highest of 2 settings: noise=0.05, which is the method's own."


def test_values_without_intervals_say_so():
    first, _ = sweep_sentences(sweep_of("rigid:noise=0.01,0.1", [9.0, -9.0], images=4))
    assert first.endswith("[no interval], without an interval: the sign may be chance.")


def test_files_hold_every_number(tmp_path):
    sweep = sweep_of("rigid:noise=0.01,0.05", [1.0, -1.0], ("clean", "jpeg:50"))
    files = write_sweep(sweep, tmp_path)
    assert [file.name for file in files] == ["sweep.csv", "sweep.md", "sweep.svg"]
    rows = [row for row in csv.DictReader(StringIO(files[0].read_text())) if row["metric"] == "auroc"]
    assert [(row["detector"], row["condition"], row["option_noise"], row["is_default"]) for row in rows] == [
        ("rigid:noise=0.01", "clean", "0.01", "false"),
        ("rigid:noise=0.05", "clean", "0.05", "true"),
        ("rigid:noise=0.01", "jpeg:50", "0.01", "false"),
        ("rigid:noise=0.05", "jpeg:50", "0.05", "true"),
    ]
    assert [row["highest"] for row in rows] == ["true", "false"] * 2
    for row in rows:
        ends = [float(row[name]) for name in ("low_of_all_settings", "low", "value", "high", "high_of_all_settings")]
        assert ends == sorted(ends)
    text = files[1].read_text()
    assert "](sweep.svg)" in text
    assert "\n- The sign depends on the setting" in text
    assert "\n- jpeg:50: The sign depends on the setting" in text
    ElementTree.fromstring(files[2].read_text())
    assert sweep_json(sweep)["sign"] == {"clean": "depends", "jpeg:50": "depends"}
    assert sweep_json(sweep)["highest"]["clean"] == "rigid:noise=0.01"
    assert len(sweep_frame(sweep)) == len(sweep.comparison.to_polars())


def test_a_figure_shows_each_setting_with_both_intervals():
    sweep = sweep_of("rigid:noise=0.01,0.05", [1.0, -1.0])
    axes = sweep_figure(sweep).axes[0]
    drawn = [line for line in axes.collections if isinstance(line, LineCollection)]
    expected = [ends for result in sweep.results["clean"] for ends in (result.simultaneous, result.auroc.interval)]
    assert [tuple(line.get_segments()[0][:, 0]) for line in drawn] == [tuple(ends) for ends in expected]
    above, below = axes.lines[1:]
    assert (above.get_color(), below.get_color()) == (COLOURS[ABOVE], COLOURS[BELOW])
    assert below.get_markerfacecolor() == "white"  # the method's own
    assert [label.get_text() for label in axes.get_yticklabels()] == ["noise=0.01", "noise=0.05"]
    assert sweep_svg(sweep) == sweep_svg(sweep)


def test_it_is_printed_within_80_columns():
    console = Console(file=StringIO(), width=80)
    print_sweep(sweep_of("rigid:noise=0.01,0.1", [1.0, -1.0]), console)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Name a detector and the values of its options, as in rigid:noise=0.01,0.05,0.1."),
        (["rigid"], "'rigid' is one setting: give an option several values, as in rigid:noise=0.01,0.05,0.1."),
        (["rigid:noise=0.1,0.2", "--view", "naitve"], "Unknown view 'naitve'. Did you mean 'native'? "),
        (["rigid:noise=0.1,0.2", "--precision", "x"], "--precision must be one of "),
        (["rigid:noise=0.1,0.2", "--vew", "native"], "Unknown option '--vew'. Did you mean '--view'? "),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(words, message, tmp_path, capsys):
    try:
        code = main(["sweep", *words, "--output", str(tmp_path / "out")])
    except SystemExit as error:
        code = error.code
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("small_views")
@pytest.mark.heavy
def test_a_sweep_on_the_demo_is_one_run_whose_settings_are_marked_afterwards(tmp_path, capsys):
    output = ["--output", str(tmp_path / "out"), "--limit", "12", *CLI]
    page = tmp_path / "sweep.html"
    assert main(["sweep", "rigid:noise=0.05,0.2", "--view", "resize,native", "--html", str(page), *output]) == 0
    printed = capsys.readouterr().out
    assert "4 settings of rigid" in printed
    assert "chosen on this data" in printed
    assert "4 settings of rigid" in page.read_text()
    (kept,) = (json.loads(file.read_text()) for file in tmp_path.glob("out/scores/*/*/run.json"))
    assert kept["sweep"]["default"] == "rigid:noise=0.05,view=resize"
    assert kept["cost"]["backbone_passes"] == 36 * (2 + 4)  # a clean pass of each picture, a noisy one of each setting

    names = ["rigid", "rigid:noise=0.2,view=native", "rigid:noise=0.3"]
    assert main(["compare", "--detectors", *names, *output, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    marks = {number["detector"]: number["chosen_on_this_data"] for number in told["numbers"]}
    assert [marks[name] for name in names] == [False, True, False]
    (note,) = (note for note in told["notes"] if "chosen on this data" in note)
    assert note.startswith("rigid:noise=0.2,view=native: chosen on this data. 4 settings of rigid were tried here")
    assert "rigid: not chosen on this data, as it is the method's own setting" in note
    assert "rigid:noise=0.3" not in note

    assert main(["leaderboard", "--output", str(tmp_path / "out")]) == 0
    board = capsys.readouterr().out
    assert "rigid:noise=0.2,view=native (chosen on this data)" in board
    assert "rigid:noise=0.3 (chosen" not in board
