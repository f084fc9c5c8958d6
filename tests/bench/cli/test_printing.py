"""`--json` prints one object and nothing else, `--quiet` prints nothing; the same files are written."""

import json
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.cli.printing import VERSION

pytestmark = pytest.mark.usefixtures("small_views")

DEMO = ["--dataset", "demo", "--limit", "6", "--num-workers", "0"]
COMMANDS = {
    "compare": (["--detectors", "rigid", *DEMO], {"numbers", "notes", "scored"}),
    "robustness": (["--detectors", "rigid", "--conditions", "jpeg:50", *DEMO], {"notes"}),
    "sweep": (["rigid:noise=0.05,0.1", *DEMO], {"numbers", "sign", "highest", "notes", "scored"}),
    "leaderboard": ([], {"boards"}),
    "thresholds": (["--rules", "best"], {"points", "notes"}),
    "audit": (DEMO, {"notes"}),
}


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> Path:
    """A folder of results with scores; every command writes its own files beside them."""
    folder = tmp_path_factory.mktemp("printing") / "results"
    assert main(["compare", "--detectors", "rigid", *DEMO, "--quiet", "--output", str(folder)]) == 0
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file() and file.name != "compare.md"}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.heavy
def test_a_program_reads_one_object_and_a_quiet_run_prints_nothing(command, output, capfd):
    words, names = COMMANDS[command]
    words = [command, *words, "--output", str(output)]
    capfd.readouterr()
    assert main(words) == 0
    assert "Written: " in capfd.readouterr().out
    written = files_of(output)
    assert main([*words, "--json"]) == 0
    told = json.loads(capfd.readouterr().out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert told["version"] == VERSION
    assert names <= told.keys()
    assert all(Path(file).is_file() for file in told["written"])
    assert main([*words, "--quiet"]) == 0
    assert capfd.readouterr().out == ""
    assert files_of(output) == written


@pytest.mark.heavy
def test_the_object_of_a_comparison_holds_the_rows_of_its_file(output, capfd):
    capfd.readouterr()
    assert main(["compare", "--detectors", "rigid", *DEMO, "--output", str(output), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    lines = (output / "compare.csv").read_text().splitlines()
    assert len(told["numbers"]) == len(lines) - 1
    row = next(row for row in told["numbers"] if (row["generator"], row["metric"]) == ("mean", "auroc"))
    assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1 if row["low"] is not None else row["reason"]


def test_a_plan_is_an_object_too(output, capfd):
    capfd.readouterr()
    assert main(["compare", "--detectors", "rigid", *DEMO, "--output", str(output), "--dry-run", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["plan"]["stored"]


def test_a_mistake_stays_one_line_on_standard_error(tmp_path, capfd):
    assert main(["leaderboard", "--json", "--output", str(tmp_path)]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: There are no scores under")
