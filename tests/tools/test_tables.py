import pytest
import torch

from bench.errors import BenchError
from tools.tables import BEGIN, END, TABLES, results_markdown, status_markdown, with_table


@pytest.mark.parametrize("file", TABLES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_tables_are_current_whatever_is_here(file, hub_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    text = file.read_text(encoding="utf-8")
    assert with_table(text, TABLES[file]()) == text, f"{file} is out of date: run `make tables`."


@pytest.mark.parametrize("text", ["", f"{BEGIN}{BEGIN}{END}", f"{END}{BEGIN}"])
def test_a_file_without_its_markers_is_refused(text):
    with pytest.raises(BenchError, match="once each"):
        with_table(text, "")


def test_the_results_are_those_of_the_lock():
    """By hand, from bench/references/demo.json."""
    lines = results_markdown().splitlines()
    assert "| `rigid` | 0.77 [0.63, 0.86] | 0.73 | 0.81 |" in lines
    assert len(lines) == 2 + 5
    means = [float(line.split("|")[2].split("[")[0]) for line in lines[2:]]
    assert means == sorted(means, reverse=True)


def test_a_detector_on_random_weights_is_not_said_to_have_run():
    standing = dict(line.strip("| ").split(" | ") for line in status_markdown().splitlines()[2:])
    assert standing["`wepe`"] == "yes, on the CPU"
    assert standing["`hfi`"] == "yes, with the demo's autoencoders"
    assert standing["`univfd`"].startswith("no: random weights")
    assert standing["`manifold-bias`"].startswith("no: ")
    assert standing["`npr`"].startswith("trained from random weights")
    assert standing["`linear-probe`"].startswith("fitted and tested")
