"""Runs into one folder at once: no image is scored twice, and none waits for a run that was killed."""

import os
import signal

import pytest
from started_runs import LIGHT, folder_of, run_here, started, wait_until, words_of
from stored_rows import stored_rows

from bench.store.claims import Claim

pytestmark = pytest.mark.heavy  # whole runs, or networks of the published size

COUNT, SECONDS = 24, 0.02


@pytest.fixture(scope="module")
def images(photograph, tmp_path_factory):
    return folder_of(photograph, tmp_path_factory.mktemp("data") / "images", COUNT)


def claims_in(output):
    return list(output.glob("scores/*/.claim-*"))


@pytest.fixture
def halted(images, tmp_path):
    """Another run that has claimed its scores and written some of them, and stands still."""
    with started(words_of(images, tmp_path, "--batch-size", "1", detectors=LIGHT), SECONDS) as run:
        wait_until(run, lambda: claims_in(tmp_path) and list(tmp_path.glob("scores/*/*/part-*")))
        os.kill(run.pid, signal.SIGSTOP)
        yield run


@pytest.fixture
def send(halted, monkeypatch):
    """Makes this process send the other one a signal as soon as it waits for it; returns whom it waited for."""
    wait = Claim.wait

    def at_its_wait(number):
        waited = []

        def send_and_wait(claim):
            waited.append(claim.process)
            os.kill(halted.pid, number)
            wait(claim)

        monkeypatch.setattr(Claim, "wait", send_and_wait)
        return waited

    return at_its_wait


def assert_each_is_scored_once(output):
    rows = stored_rows(output)
    assert len(rows) == len(rows.unique(["path", "detector"])) == 2 * COUNT
    assert not claims_in(output)


def test_a_run_waits_for_another_with_its_detectors_and_scores_nothing_again(images, tmp_path, halted, send, capsys):
    waited = send(signal.SIGCONT)
    assert run_here(images, tmp_path, LIGHT, batch_size=1).scored == 0
    assert waited == [halted.pid]
    assert f"Waiting for process {halted.pid} on " in capsys.readouterr().err
    printed, _ = halted.communicate(timeout=90)
    assert f"Scored now: {2 * COUNT}." in printed
    assert_each_is_scored_once(tmp_path)


def test_a_run_goes_on_when_the_one_that_it_waits_for_is_killed(images, tmp_path, halted, send):
    there = len(stored_rows(tmp_path))
    waited = send(signal.SIGKILL)
    assert run_here(images, tmp_path, LIGHT, batch_size=1).scored == 2 * COUNT - there
    assert waited == [halted.pid]
    assert 0 < there < 2 * COUNT
    assert_each_is_scored_once(tmp_path)


def test_a_run_of_other_detectors_does_not_wait(images, tmp_path, halted, send):
    waited = send(signal.SIGKILL)
    assert run_here(images, tmp_path, ("rigid",)).scored == COUNT
    assert waited == []
