"""What is said while nothing else is seen."""

import time
from collections.abc import Iterator

import pytest

from bench.scoring.machine import phases

LONG = 0.6
"""Seconds, four times the silence."""


@pytest.fixture(autouse=True)
def short_silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(phases, "SILENCE", 0.15)
    phases.show(True)
    yield
    phases.show(False)


def test_only_what_takes_long_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with phases.phase("Long"):
        time.sleep(LONG)
    with phases.phase("Short"):
        pass
    time.sleep(LONG)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Long ...\n")


def test_several_stretches_are_one_phase_and_have_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    @phases.phase("Computing")
    def compute() -> None:
        time.sleep(0.02)

    for _ in range(20):
        compute()
    assert capsys.readouterr().err == "Computing ...\n"


def test_what_is_begun_lasts_until_something_else(capsys: pytest.CaptureFixture[str]) -> None:
    phases.begin("Imports")
    phases.say("Said")
    time.sleep(LONG)
    assert capsys.readouterr().err == "Said ...\n"
    phases.begin("Imports")
    time.sleep(LONG)
    assert capsys.readouterr().err == "Imports ...\n"


def test_a_failure_ends_its_phase(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), phases.phase("Failing"):
        raise KeyError
    time.sleep(LONG)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("rank", ["RANK", "LOCAL_RANK", "SLURM_PROCID"])
def test_other_processes_of_a_run_are_silent(
    rank: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(rank, "1")
    phases.show(True)
    phases.say("Said")
    with phases.phase("Long"):
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_a_program_that_uses_the_library_sees_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    phases.show(False)
    phases.say("Said")
    with phases.phase("Long"):
        time.sleep(0.1)
    assert capsys.readouterr().err == ""
