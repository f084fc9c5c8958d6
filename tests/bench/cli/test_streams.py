"""Standard output that is closed, full, or read by nobody, and the exit codes of that."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WORDS = [sys.executable, "-m", "bench", "compare", "--help"]
FULL = "error: Cannot write to standard output: No space left on device. What goes into files is there.\n"
CLOSED = "error: Cannot write to standard output: it is closed. What goes into files is there.\n"
GUARDED = """
import os, sys
from bench.cli import streams
streams.guard()
{what}
"""


def run(words: list[str], redirected: str) -> tuple[int, str, str]:
    """Runs a command as a shell does, with something behind it."""
    line = 'exec "$@" ' + redirected
    ended = subprocess.run(["sh", "-c", line, "sh", *words], capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_standard_output_is_one_line_and_exit_code_two():
    assert run(WORDS, "> /dev/full") == (2, "", FULL)


def test_a_closed_standard_output_is_one_line_and_exit_code_two():
    assert run(WORDS, ">&-") == (2, "", CLOSED)


def test_a_closed_standard_error_changes_nothing_but_what_is_told():
    code, printed, told = run([*WORDS[:-1], "--nonsense"], "2>&-")
    assert (code, printed, told) == (2, "", "")


def test_a_pipe_that_nobody_reads_is_left_in_silence():
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(WORDS, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_rich_does_not_make_another_end_of_a_closed_pipe():
    what = """
from rich.console import Console
try:
    Console().print("x")
    sys.stdout.flush()
except streams.ClosedPipe:
    print("closed", file=sys.stderr)
    os._exit(0)
"""
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-c", GUARDED.format(what=what)]
    ended = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, "closed\n")


def test_no_file_takes_the_place_of_a_closed_stream(tmp_path):
    what = f"print(open({str(tmp_path / 'x')!r}, 'w').fileno(), file=sys.stderr); os._exit(0)"
    _, _, told = run([sys.executable, "-c", GUARDED.format(what=what)], "<&- >&-")
    assert int(told) > 2
