"""The tool that makes slips and looks for tests that see them, on a small repository."""

import subprocess

import pytest

from tools import mutant_tests
from tools.mutant_tests import TestRuns
from tools.mutants import draw, mutants

CODE = '''"""A module."""

from functools import cache

LIMIT = 3


@cache
def below(value: int, limit: int = LIMIT) -> bool:
    """Compares."""
    return value < limit


def unseen(value):
    return value + 1


def steps(count):
    while count > 0:
        count -= 1
    return count
'''
TESTS = """
from code_under_test import below, steps

def test_below():
    assert below(2) and not below(3)

def test_steps():
    assert steps(3) == 0
"""
FILE = "bench/statistics/code_under_test.py"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.setattr(mutant_tests, "HEAVY_IMPORTS", ())
    root = tmp_path / "repository"
    for name, text in {
        FILE: CODE,
        "tests/bench/statistics/test_code_under_test.py": TESTS,
        "tests/bench/results/test_none.py": "",
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["bench/statistics"]\nmarkers = ["slow", "heavy"]\n',
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", root], check=True)
    return root


def changes(text=CODE):
    return {(one.function, *one.difference[1:]) for one in mutants(FILE, text)}


def test_constants_and_decorated_functions_are_mutated_and_annotations_are_not():
    found = changes()
    assert ("", "LIMIT = 3", "LIMIT = 4") in found
    assert ("below", "return value < limit", "return value <= limit") in found
    assert ("unseen", "return value + 1", "return value - 1") in found
    assert not any(come.count("str") or "@" in gone for _, gone, come in found)


def test_sentences_and_strict_zips_are_left_alone():
    assert changes('raise ValueError("a sentence")') == {
        ("", 'raise ValueError("a sentence")', "raise ValueError(None)")
    }
    zipped = {come for _, _, come in changes("zip(a, b, strict=True)")}
    assert zipped == {
        "zip(None, b, strict=True)",
        "zip(a, None, strict=True)",
        "zip(b, strict=True)",
        "zip(a, strict=True)",
    }


def test_the_sample_follows_the_seed_and_a_change_elsewhere_leaves_it(repository):
    drawn = [one.difference for one in draw(5, 0, repository)]
    assert drawn == [one.difference for one in draw(5, 0, repository)]
    assert drawn != [one.difference for one in draw(5, 1, repository)]
    before = {one.rank for one in mutants(FILE, CODE) if one.function != "unseen"}
    after = {one.rank for one in mutants(FILE, CODE.replace("value + 1", "2 * value")) if one.function != "unseen"}
    assert before == after


@pytest.mark.heavy
def test_every_mutant_meets_its_fate_and_the_repository_stays_as_it_was(repository, monkeypatch):
    fates, chosen = {}, {}
    with TestRuns(repository, [FILE]) as runs:
        for gone, come in (
            ("value < limit", "value <= limit"),
            ("value + 1", "value - 1"),
            ("def steps(count):", "def steps(count: unknown):"),
        ):
            line = CODE[: CODE.index(gone)].count("\n") + 1
            fates[gone], chosen[gone] = runs.fate(FILE, CODE.replace(gone, come), line)
        monkeypatch.setattr(mutant_tests, "START", 5.0)
        endless = runs.fate(FILE, CODE.replace("count -= 1", "count += 1"), CODE.count("\n") - 1)
    assert fates == {
        "value < limit": "killed",
        "value + 1": "survived",
        "def steps(count):": "killed",
    }
    assert chosen["value < limit"] == 1
    assert endless == ("timed out", 1)
    assert (repository / FILE).read_text(encoding="utf-8") == CODE
    assert not runs.folder.exists()


@pytest.mark.heavy
def test_tests_that_fail_without_a_mutant_stop_it(repository):
    (repository / "tests/bench/statistics/test_code_under_test.py").write_text("def test_no():\n    assert False\n")
    with pytest.raises(SystemExit, match="assert False"), TestRuns(repository, [FILE]):
        pass
