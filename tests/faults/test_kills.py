"""Runs that are killed at any moment, and runs at once: the same command ends with the same table."""

import os
import time
from contextlib import ExitStack

import numpy as np
import pytest
from made_faults import SEED
from started_runs import LIGHT, folder_of, is_alive, started, words_of

from bench.store.reader import PARTS, scan_rows
from bench.store.whole_store import read_store

IMAGES, SECONDS, FILE_SECONDS = 40, 0.03, 0.3
"""Of a data set; that an image takes; that a file waits between being written and getting its name."""
KILLS, IN_WRITING, ROUNDS, AT_ONCE = 100, 10, 20, 4
TABLE, STORE = "table", "store"


@pytest.fixture
def words(photograph, tmp_path):
    root = folder_of(photograph, tmp_path / "images", IMAGES)
    return lambda output: words_of(root, output, detectors=LIGHT)


def finished(words, **environment):
    with started(words, **environment) as run:
        out, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    assert "Traceback" not in err
    return out, err


def being_written(output):
    """Says what waits for its name: a file of the store, a table, or nothing."""
    for _, _, names in os.walk(output):
        for name in names:
            if name.startswith("."):
                if ".parquet" in name or "run.json" in name:
                    return STORE
                if ".csv" in name or ".md" in name:
                    return TABLE
    return ""


def killed(words, output, moment, wanted):
    """Kills a run then, or when it writes what is wanted, and says what it was writing; None where it ended first."""
    begin = time.monotonic()
    with started(words, SECONDS, LIGHT_SECONDS_A_FILE=str(FILE_SECONDS)) as run:
        while run.poll() is None:
            writes = being_written(output)
            if (writes == wanted) if wanted else time.monotonic() - begin > moment:
                run.kill()
                run.wait(20)
                return writes
            time.sleep(0.005)
        assert run.poll() == 0, run.communicate()
    return None


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_kills_leave_the_table_as_it_is(words, tmp_path):
    finished(words(tmp_path / "whole"))
    table = (tmp_path / "whole" / "compare.csv").read_bytes()
    generator, round_, kills = np.random.default_rng(SEED), 0, []
    wanted = [TABLE, STORE, "", "", ""]
    while len(kills) < KILLS:
        output = tmp_path / f"round{round_}"
        for turn in range(12):
            writing = killed(words(output), output, generator.uniform(0, 3), wanted[(round_ + turn) % len(wanted)])
            if writing is None:
                break
            kills.append(writing)
        finished(words(output))
        assert (output / "compare.csv").read_bytes() == table
        assert len(rows_of(output)) == 2 * IMAGES
        assert not being_written(output)  # what killed writes left behind is gone
        round_ += 1
    in_table, in_store = kills.count(TABLE), kills.count(STORE)
    print(f"{len(kills)} kills in {round_} runs: {in_table} while tables, {in_store} while the store was written")
    assert in_table + in_store >= IN_WRITING
    assert in_table
    assert in_store


def rows_of(output):
    """Every row of the store, as often as it is there."""
    return scan_rows(sorted((output / "scores").glob(f"*/*/{PARTS}"))).select("path", "detector").collect()


def at_once(words, output, count):
    """Runs the same command several times at once, and the leaderboard beside them until the last has ended."""
    boards = ["-m", "bench", "leaderboard", "--output", str(output)]
    told = []
    with ExitStack() as stack:
        runs = [stack.enter_context(started(words(output), 0.01)) for _ in range(count)]
        while any(is_alive(run.pid) for run in runs):
            if (output / "scores").exists():
                with started(boards) as board:
                    told.append((board.communicate(timeout=60), board.returncode))
            time.sleep(0.05)
        ended = [(run.communicate(timeout=60), run.returncode) for run in runs]
    return ended, told


def check_at_once(words, tmp_path, count):
    finished(words(tmp_path / "whole"))
    table = (tmp_path / "whole" / "compare.csv").read_bytes()
    boards = 0
    for number in range(count):
        output = tmp_path / f"shared{number}"
        ended, told = at_once(words, output, AT_ONCE)
        assert all(code == 0 for _, code in ended), ended
        assert all("Traceback" not in err for (_, err), _ in (*ended, *told)), (ended, told)
        nothing_yet = [err for (_, err), code in told if code]
        assert all("There are no scores" in err for err in nothing_yet), nothing_yet
        assert (output / "compare.csv").read_bytes() == table
        assert len(rows_of(output)) == 2 * IMAGES  # no image was scored twice
        assert read_store(output)[0].panel.scores.shape[1] == IMAGES
        boards += len(told)
    print(f"{count} times {AT_ONCE} runs at once, {boards} leaderboards beside them")


@pytest.mark.heavy
def test_four_runs_at_once_share_the_work(words, tmp_path):
    check_at_once(words, tmp_path, 1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_four_runs_at_once_share_the_work_every_time(words, tmp_path):
    check_at_once(words, tmp_path, ROUNDS)
