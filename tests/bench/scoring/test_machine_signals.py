"""SIGINT, SIGTERM and SIGHUP: one line, the shell's exit code, nothing printed beside it, nobody left running."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from started_runs import LIGHT, complaints, folder_of, is_alive, started, wait_until, words_of
from stored_rows import stored_rows

from bench.scoring.machine import signals

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
LINE = "error: Stopped by {}. What was scored is kept: the same command goes on from there.\n"
SHORT = "error: Stopped by {}.\n"
COUNT = 60


@pytest.fixture(scope="module")
def images(photograph, tmp_path_factory):
    return folder_of(photograph, tmp_path_factory.mktemp("data") / "images", COUNT)


def group_of(process_group: int) -> list[int]:
    told = subprocess.run(["pgrep", "-g", str(process_group)], capture_output=True, text=True, check=False).stdout
    return [number for number in map(int, told.split()) if is_alive(number)]


def parts_of(output) -> list:
    return list(output.glob("scores/*/*/part-*.parquet"))


@pytest.mark.parametrize("number", CODES)
@pytest.mark.heavy
def test_a_signal_to_all_processes_of_a_run_is_one_line_and_keeps_the_rows(images, tmp_path, number):
    words = words_of(images, tmp_path, "--batch-size", "1", "--num-workers", "2", detectors=LIGHT)
    with started(words, 0.03) as process:
        wait_until(process, lambda: parts_of(tmp_path))
        began = time.monotonic()
        os.killpg(process.pid, number)
        printed, complained = process.communicate(timeout=60)
        assert time.monotonic() - began < signals.PATIENCE + 2
        deadline = time.monotonic() + 10
        while group_of(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not group_of(process.pid)
    assert (process.returncode, complaints(complained)) == (CODES[number], LINE.format(number.name))
    assert "Scored now" not in printed
    rows = stored_rows(tmp_path)
    assert 0 < len(rows) < 2 * COUNT
    assert len(rows) == len(rows.unique(["path", "detector"]))


@pytest.mark.heavy
def test_a_batch_that_takes_for_ever_is_left(images, tmp_path):
    words = words_of(images, tmp_path, "--batch-size", "60", detectors=LIGHT)
    with started(words, 1.0) as process:
        wait_until(process, lambda: list(tmp_path.glob("scores/*/*/run.json")))
        time.sleep(0.5)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, complained = process.communicate(timeout=60)
    assert (process.returncode, complaints(complained)) == (130, LINE.format("SIGINT"))
    assert time.monotonic() - began < signals.PATIENCE + 2


HANGS = """
import sys, time
from bench.scoring.machine import signals
signals.heed()
print("ready", flush=True)
{what}
signals.finish()
sys.exit(signals.exit_code(0))
"""
SWALLOWS = """
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    try:
        time.sleep(1)
    except BaseException:
        pass
"""
UNRAISABLE = """
class Finalised:
    def __del__(self):
        while not signals.has_come():
            pass
        for _ in range(1000):
            pass

Finalised()
time.sleep(60)
"""


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_ignored() -> Iterator[None]:
    """What these tests were started with may ignore SIGHUP, as nohup does, and what they start would, too."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def stop(what: str, numbers: list[int], pause: float = 0.0) -> tuple[int, str, float]:
    """Runs code that heeds signals, sends some, and returns the exit code, the complaint and the seconds taken."""
    process = subprocess.Popen(
        [sys.executable, "-c", HANGS.format(what=what)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.2)
        began = time.monotonic()
        for number in numbers:
            process.send_signal(number)
            time.sleep(pause)
        _, complained = process.communicate(timeout=30)
    return process.returncode, complained, time.monotonic() - began


@pytest.mark.heavy
def test_a_second_signal_ends_it_at_once():
    code, complained, seconds = stop(SWALLOWS, [signal.SIGTERM, signal.SIGINT], pause=0.7)
    assert (code, complained) == (143, SHORT.format("SIGTERM"))
    assert seconds < 3


@pytest.mark.heavy
def test_the_same_signal_twice_at_once_is_one():
    code, complained, _ = stop("signals._State.waiting = 1; time.sleep(1.5); signals._State.waiting = 0",
                               [signal.SIGHUP, signal.SIGHUP])  # fmt: skip
    assert (code, complained) == (129, SHORT.format("SIGHUP"))


@pytest.mark.slow
def test_who_swallows_a_signal_is_ended_after_some_seconds():
    code, complained, seconds = stop(SWALLOWS, [signal.SIGINT])
    assert (code, complained) == (130, SHORT.format("SIGINT"))
    assert signals.PATIENCE - 1 < seconds < signals.PATIENCE + 2


def test_a_signal_that_is_lost_in_a_finaliser_comes_again():
    what = f"try:\n    exec({UNRAISABLE!r})\nexcept signals.Stopped:\n    pass"
    code, complained, seconds = stop(what, [signal.SIGINT])
    assert (code, complained) == (130, SHORT.format("SIGINT"))
    assert seconds < 3


def test_what_is_ignored_stays_ignored():
    """As under nohup, or in the background of a script."""
    what = f"""
import signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
{HANGS.format(what="import os; os.kill(os.getpid(), signal.SIGHUP); time.sleep(0.1)")}
"""
    ended = subprocess.run([sys.executable, "-c", what], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_no_handler_is_set_by_an_import():
    code = """
import signal
before = [signal.getsignal(number) for number in range(1, 32)]
import bench, bench.__main__, bench.cli.app
print(before == [signal.getsignal(number) for number in range(1, 32)])
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "True\n"


def test_a_keyboard_interrupt_is_one_where_no_signals_are_heeded():
    assert signals.is_interruption(KeyboardInterrupt())
    assert signals.is_interruption(signals.Stopped())
    assert not signals.is_interruption(SystemExit())


def heeds_signals(process_id: int) -> bool:
    """Says whether SIGHUP has a handler, which Python itself does not set: before that, signals are Python's own."""
    status = Path(f"/proc/{process_id}/status").read_text()
    (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) & 1 << signal.SIGHUP - 1)


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="looks for handlers in /proc, which is Linux's")
@pytest.mark.parametrize(("number", "wait"), [(signal.SIGINT, 0.0), (signal.SIGTERM, 0.5), (signal.SIGHUP, 2.0)])
def test_a_signal_while_the_program_starts_is_one_line(images, tmp_path, number, wait):
    words = [sys.executable, *words_of(images, tmp_path, "--batch-size", "1")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(process, lambda: heeds_signals(process.pid))
    time.sleep(wait)
    process.send_signal(number)
    _, complained = process.communicate(timeout=60)
    assert process.returncode == CODES[number]
    assert complaints(complained) in (SHORT.format(number.name), LINE.format(number.name))
