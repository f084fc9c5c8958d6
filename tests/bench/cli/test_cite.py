import json
import shutil
from pathlib import Path

import pytest

from bench.cli.app import main

STORE = Path(__file__).resolve().parents[2] / "data" / "store-0.1.0"


@pytest.fixture
def output(tmp_path):
    return shutil.copytree(STORE, tmp_path / "results")


def test_cite_prints_what_it_writes(output, capsys):
    assert main(["cite", "--output", str(output)]) == 0
    out = capsys.readouterr().out
    written = (output / "CITATIONS.bib").read_text(encoding="utf-8")
    assert out.startswith(written)
    assert "@misc{he2024rigid," in written
    assert str(output / "CITATIONS.bib") in out.removeprefix(written)


def test_cite_prints_one_json_object_or_nothing(output, capsys):
    assert main(["cite", "--output", str(output), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [entry["used_by"] for entry in facts["entries"] if entry["key"] == "he2024rigid"] == [["rigid"]]
    assert main(["cite", "--output", str(output), "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_without_a_store_nothing_is_written(tmp_path, capsys):
    assert main(["cite", "--output", str(tmp_path)]) == 2
    assert "There are no scores under" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
