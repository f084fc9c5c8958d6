"""What is imported before it is needed: nothing, by names of modules."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "torch",
    "torchvision",
    "lightning",
    "torchmetrics",
    "timm",
    "polars",
    "scipy",
    "sklearn",
    "matplotlib",
    "pandas",
)
LATE = ("wandb", "transformers", "open_clip", "diffusers")
NETWORKS = {"torch", "torchvision", "lightning", "torchmetrics", "timm", *LATE}
EXAMPLE = Path(__file__).parents[2] / "examples" / "results-repository"
STORE = Path(__file__).parents[1] / "data" / "store-0.1.0"


def loaded(code: str) -> set[str]:
    """Runs a program and returns which of the libraries it has imported."""
    watched = (*HEAVY, *LATE)
    program = f"""
import sys
try:
    {code}
except SystemExit:
    pass
print([name for name in {watched} if name in sys.modules])
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(eval(ended.stdout.splitlines()[-1]))


def of_command(words: list[str]) -> set[str]:
    return loaded(f"from bench.__main__ import main; sys.argv[1:] = {words}; main()")


@pytest.mark.parametrize("package", ["bench", "detectors", "datamodules", "bench.cli.app"])
def test_a_package_imports_nothing_heavy(package):
    assert loaded(f"import {package}") == set()


@pytest.mark.parametrize("words", [["verify", "--help"], ["compare", "--detectors", "rigd"]])
def test_help_and_a_mistyped_name_import_nothing_heavy(words):
    assert of_command(words) == set()


@pytest.mark.heavy
@pytest.mark.parametrize(
    "words",
    [
        ["list", "detectors"],
        ["list", "backbones"],
        ["data", "list"],
        ["leaderboard", "--output", "nowhere"],
        ["explain", "demo", "rigid", "mean", "--output", "nowhere"],
        ["thresholds", "--output", "nowhere"],
        ["verify", "--output", "nowhere"],
    ],
)
def test_a_command_imports_no_library_of_other_commands(words):
    assert of_command(words) & set(LATE) == set()


@pytest.mark.heavy
@pytest.mark.parametrize("words", [["backbones"], ["detectors"], ["detectors", "wepe", "npr"]])
def test_a_list_imports_no_network(words):
    assert of_command(["list", *words]) & NETWORKS == set()


@pytest.mark.heavy
@pytest.mark.parametrize("words", [["leaderboard"], ["leaderboard", "--by-date"], ["explain", "demo", "rigid", "mean"]])
def test_what_reads_a_store_imports_no_network(words, tmp_path):
    shutil.copytree(STORE, tmp_path / "results")
    found = of_command([*words, "--output", str(tmp_path / "results")])
    assert "polars" in found
    assert found & NETWORKS == set()


@pytest.mark.heavy
def test_a_leaderboard_of_submissions_imports_no_network(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "results")
    found = of_command(["leaderboard", "--submissions", str(tmp_path / "results"), "--output", str(tmp_path)])
    assert (tmp_path / "LEADERBOARD.md").is_file()
    assert found & NETWORKS == set()


@pytest.mark.heavy
def test_a_comparison_of_stored_scores_imports_no_library_of_networks(tmp_path):
    words = ["compare", "--detectors", "rigid", "wepe", "--limit", "12", "--output", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "bench", *words], check=True, capture_output=True)
    found = of_command(words)
    assert "torch" in found
    assert found & (NETWORKS - {"torch"}) == set()


@pytest.mark.heavy
def test_what_checks_a_submission_imports_no_network(tmp_path):
    found = of_command(["submit", "check", str(tmp_path)])
    assert "polars" in found
    assert found & NETWORKS == set()


@pytest.mark.heavy
def test_a_comparison_on_the_small_backbone_imports_no_library_of_others(tmp_path):
    words = ["compare", "--detectors", "rigid", "--limit", "2", "--num-workers", "0", "--output", str(tmp_path)]
    assert of_command(words) & set(LATE) == set()
