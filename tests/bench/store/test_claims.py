"""Claims: two runs that can know of each other do not compute one score twice, and no dead run holds another up."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from bench.scoring.claiming import Claiming
from bench.store import claims
from bench.store.claims import STALE, Claims, read_claims
from bench.store.owners import is_running, machine, start_of
from bench.store.schema import Scoring

WEPE, RIGID = Scoring("wepe", "f" * 64, 0), Scoring("rigid", "e" * 64, 0)


@pytest.fixture
def no_process():
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    return ended.pid


def claimed_by(folder, **changes):
    """Leaves the claim of another process on WePe's scores."""
    folder.mkdir(exist_ok=True)
    facts = {
        "host": "elsewhere",
        "machine": machine(),
        "process": os.getppid(),
        "start": start_of(os.getppid()),
        "detectors": ["wepe"],
        "columns": [[WEPE.fingerprint, WEPE.condition, WEPE.seed]],
    }
    file = folder / ".claim-other.json"
    file.write_text(json.dumps(facts | changes))
    return file


def test_a_claim_keeps_others_from_the_same_scores_and_from_no_others(tmp_path):
    first, second = Claims(tmp_path), Claims(tmp_path)
    assert first.take([WEPE]) is None
    in_the_way = second.take([RIGID, WEPE])
    assert (in_the_way.process, in_the_way.detectors) == (os.getpid(), ("wepe",))
    assert second.take([RIGID]) is None
    first.release()
    assert Claims(tmp_path).take([WEPE]) is None


@pytest.mark.parametrize("other", [Scoring("wepe", "f" * 64, 1), Scoring("wepe", "f" * 64, 0, "jpeg:75")])
def test_another_seed_or_condition_is_not_claimed(tmp_path, other):
    assert Claims(tmp_path).take([WEPE]) is None
    assert Claims(tmp_path).take([other]) is None


def test_a_released_claim_leaves_no_file(tmp_path):
    taken = Claims(tmp_path)
    taken.take([WEPE])
    taken.release()
    taken.release()
    assert not list(tmp_path.iterdir())


def test_the_claim_of_a_living_process_holds(tmp_path):
    file = claimed_by(tmp_path)
    os.utime(file, (0, 0))  # on the same machine its time does not count
    assert Claims(tmp_path).take([WEPE]).file == file


def test_the_claim_of_a_process_that_has_ended_counts_no_more(tmp_path, no_process):
    file = claimed_by(tmp_path, process=no_process, start="1")
    assert read_claims(tmp_path) == ([], [file])
    assert Claims(tmp_path).take([WEPE]) is None
    assert not file.exists()


def test_the_claim_of_a_process_whose_number_another_one_has_counts_no_more(tmp_path):
    claimed_by(tmp_path, start="1")
    assert Claims(tmp_path).take([WEPE]) is None


def test_the_claim_of_another_machine_holds_while_it_is_touched(tmp_path, no_process):
    file = claimed_by(tmp_path, machine="01234567", process=no_process)
    assert Claims(tmp_path).take([WEPE]).host == "elsewhere"
    os.utime(file, (time.time() - STALE - 1,) * 2)
    assert Claims(tmp_path).take([WEPE]) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"columns": 3}'])
def test_a_damaged_claim_holds_nobody_up(tmp_path, text):
    claimed_by(tmp_path).write_text(text)
    assert Claims(tmp_path).take([WEPE]) is None


def test_the_name_of_a_host_is_not_printed_where_it_is_none(tmp_path):
    claimed_by(tmp_path, host="\x1b[31m")
    assert Claims(tmp_path).take([WEPE]).host == "another host"


def test_a_claim_is_touched_while_it_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "BEAT", 0.02)
    taken = Claims(tmp_path)
    taken.take([WEPE])
    (file,) = tmp_path.glob(claims.CLAIMS)
    os.utime(file, (0, 0))
    deadline = time.monotonic() + 10
    while file.stat().st_mtime == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert file.stat().st_mtime > 0
    taken.release()


def test_of_many_at_once_one_claims(tmp_path):
    taken, start = [], threading.Barrier(8)

    def take():
        start.wait()
        taken.append(Claims(tmp_path).take([WEPE]))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(None) == 1


def test_a_lock_that_another_process_holds_for_long_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "_LOCK_WAIT", 0.1)
    with claims._alone(tmp_path):
        assert Claims(tmp_path).take([WEPE]) is None


def test_a_run_waits_for_another_and_then_plans_what_is_left(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(claims, "LOOK_EVERY", 0.01)
    plans = iter([[WEPE, RIGID], [RIGID]])
    file = claimed_by(tmp_path)
    threading.Timer(0.1, file.unlink).start()
    with Claiming() as claiming:
        assert claiming.plan(tmp_path, lambda: next(plans), list) == [RIGID]
        ((claim,), _) = read_claims(tmp_path)
        assert claim.columns == {(RIGID.fingerprint, "clean", 0)}
    assert read_claims(tmp_path) == ([], [])
    line = f"Waiting for process {os.getppid()} on elsewhere, which scores images of this data set with wepe; then"
    assert capsys.readouterr().err.startswith(line)


def test_a_plan_is_made_again_when_another_run_ended_before_the_claim(tmp_path):
    def plan():
        folder = tmp_path / "run"
        if not folder.is_dir():
            folder.mkdir()
            (folder / "part-000-all.parquet").touch()  # what the other run wrote
            return [WEPE]
        return []

    with Claiming() as claiming:
        assert claiming.plan(tmp_path, plan, list) == []


def test_a_run_that_lacks_nothing_claims_nothing(tmp_path):
    claimed_by(tmp_path)
    with Claiming() as claiming:
        assert claiming.plan(tmp_path, list, list) == []
    assert len(list(tmp_path.iterdir())) == 1


def test_a_claim_is_given_up_after_a_failure(tmp_path):
    def fail():
        with Claiming() as claiming:
            claiming.plan(tmp_path, lambda: [WEPE], list)
            assert len(read_claims(tmp_path)[0]) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert read_claims(tmp_path) == ([], [])


def test_a_process_is_told_from_others(no_process):
    assert is_running(os.getpid(), start_of(os.getpid()))
    assert not is_running(os.getpid(), "1")
    assert not is_running(no_process)
    assert not is_running(10**30)
