"""The first line of a command comes before anything heavy is imported."""

import subprocess
import sys

import pytest

COMMANDS = {
    "compare --detectors rigid": "Loading demo for rigid",
    "compare --plan-n pilot": "Reading pilot",
    "robustness --detectors rigid wepe": "Loading demo for rigid; wepe",
    "sweep rigid:noise=0.1,0.2": "Loading demo for settings of rigid",
    "score a.png --detectors rigid": "Loading the networks for rigid",
    "audit": "Loading demo",
    "probe": "Loading demo to probe efficientnet-lite0",
    "pack": "Loading demo",
    "data check": "Loading demo",
    "fit --detector durall --save x.safetensors": "Loading demo to train durall",
    "leaderboard --output a b": "Reading a, b",
    "thresholds": "Reading results",
    "explain demo rigid mean": "Reading results",
    "reproduce table1": "Loading table1",
    "verify": "Reading the lock demo",
    "verify --reference paper": "Reading results",
}
SCRIPT = """
import sys
from bench.cli.app import main
from bench.scoring.machine import phases

heavy = {"torch", "lightning", "polars", "scipy", "sklearn", "rich", "torchvision"}

def stop(words):
    print(words, "after" if heavy & sys.modules.keys() else "before")
    raise SystemExit

phases.say = stop
for words in sys.stdin.read().splitlines():
    try:
        main(words.split(), speaks=True)
    except SystemExit:
        pass
"""


@pytest.fixture(scope="module")
def lines() -> list[str]:
    words = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(words, input="\n".join(COMMANDS), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_first_line_is_said_before_anything_heavy_is_imported(lines: list[str]) -> None:
    assert lines == [f"{words} before" for words in COMMANDS.values()]
