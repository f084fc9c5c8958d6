"""The benchmarks of speed and memory, on six small images and a tiny transformer."""

import json
import math
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from benchmark_scripts import HERE, beside, module, rows_of, run_benchmark, run_here
from torch.nn import functional as F

from bench.cli.app import main
from detectors import create_backbone

PLAIN = HERE / "plain"
MODEL = "test_vit.r160_in1k"
PASSES = {"wepe": 2, "rigid": 2, "mc-dropout": 10, "gradient-cuff": 11, "wepe-gradient-cuff": 11}
OWN_PICTURE = {"minder": 6, "contrastive-blur": 2, "conv": 10, "warpad": 32}
"""Passes of the scripts that take their method's picture."""
CONDITIONS = ("jpeg:70", "blur:2", "noise:0.1")
RELATIVE = 1e-4
pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a tiny transformer and six images."""
    folder = tmp_path_factory.mktemp("made")
    words = ("--model", MODEL, "--name", "tiny.pth", "--count", "6", "--size", "300", "240")
    run_here(HERE / "vit.py", "--output", str(folder), *words)
    return folder


@pytest.fixture(scope="module")
def suite(made: Path) -> Path:
    """Results of the suite on them: two detectors, five, conditions and seeds, AEROBLADE, methods' own pictures."""
    data = ["--dataset", "folder", "--data-root", str(made / "images"), "--num-workers", "0"]
    network = ["--backbone", f"timm:{MODEL}", "--weights", str(made / "tiny.pth")]
    common = [*data, *network, "--view", "common"]
    for name, words in {
        "pair": [*common, "--detectors", "wepe", "rigid"],
        "five": [*common, "--detectors", *PASSES],
        "sweep": [*common, "--detectors", "wepe", "--seeds", "2", "--conditions", *CONDITIONS],
        "aeroblade": [*data, "--detectors", "aeroblade"],
        "own": [*data, *network, "--view", "method", "--detectors", "rigid", *OWN_PICTURE],
    }.items():
        assert main(["compare", *words, "--output", str(made / name)]) == 0
    return made


def suite_scores(output: Path, detector: str, condition: str = "clean", seed: int = 0) -> dict[str, float]:
    rows = pl.concat([pl.read_parquet(part) for part in output.glob("scores/*/*/part-*.parquet")])
    wanted = (pl.col("detector") == detector, pl.col("condition") == condition, pl.col("seed") == seed)
    return dict(rows.filter(*wanted).select("path", "score").iter_rows())


def script_results(made: Path, detector: str, *words: str) -> dict[str, Any]:
    output = made / f"{detector}{''.join(words).replace(':', '')}.json"
    network = () if detector == "aeroblade" else ("--model", MODEL, "--weights", str(made / "tiny.pth"))
    script = PLAIN / f"{detector.replace('-', '_')}.py"
    run_here(script, "--images", str(made / "images"), "--output", str(output), *network, *words)
    found: dict[str, Any] = json.loads(output.read_text())
    return found


@pytest.mark.parametrize("detector", [*PASSES, "aeroblade"])
def test_a_script_scores_as_the_suite_does(detector, suite):
    results = script_results(suite, detector)
    expected = suite_scores(suite / ("aeroblade" if detector == "aeroblade" else "five"), detector)
    assert len(set(expected.values())) == 6, "different images must have different scores"
    assert results["scores"] == pytest.approx(expected, rel=RELATIVE, abs=0)
    assert results["passes"] == PASSES.get(detector, 2)
    assert results["seconds"] > 0


@pytest.mark.parametrize(
    ("detector", "words"), [("rigid", ("--view", "method")), *((name, ()) for name in OWN_PICTURE)]
)
def test_a_script_of_the_methods_picture_scores_as_the_suite_does(detector, words, suite):
    results = script_results(suite, detector, *words)
    assert results["scores"] == pytest.approx(suite_scores(suite / "own", detector), rel=RELATIVE, abs=0)
    assert results["passes"] == (PASSES | OWN_PICTURE)[detector]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_script_of_the_sweep_degrades_and_draws_as_the_suite_does(condition, suite):
    results = script_results(suite, "wepe", "--condition", condition, "--seed", "1")
    expected = suite_scores(suite / "sweep", "wepe", condition, seed=1)
    assert results["scores"] == pytest.approx(expected, rel=RELATIVE, abs=0)
    for other in ({"condition": "clean", "seed": 1}, {"condition": condition, "seed": 0}):
        assert results["scores"] != pytest.approx(suite_scores(suite / "sweep", "wepe", **other), rel=RELATIVE, abs=0)


def test_the_suite_makes_three_passes_where_two_scripts_make_four(suite):
    (file,) = (suite / "pair").glob("scores/*/*/run.json")
    cost = json.loads(file.read_text())["cost"]
    assert cost["backbone_passes"] == 3 * cost["images"] == 18


@pytest.fixture(scope="module")
def published_layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vits")
    run_here(HERE / "vit.py", "--output", str(folder), "--count", "0")
    return folder


def test_made_weights_are_in_the_published_layout_and_tell_images_apart(published_layout):
    file = published_layout / "dinov2_vits14_pretrain.pth"
    assert torch.load(file, weights_only=True)["pos_embed"].shape == (1, 1 + 37 * 37, 384)
    backbone = create_backbone("dinov2-vits14", file)
    images = torch.rand(3, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    images[:, :, 112:] = 0.5
    images[1] = images[1].flip(-2)
    features = F.normalize(backbone(images), dim=-1)
    assert torch.pdist(features).min() > 0.01


@pytest.mark.parametrize("detector", PASSES)
def test_a_script_builds_the_published_network_as_the_suite_does(detector, published_layout):
    file = published_layout / "dinov2_vits14_pretrain.pth"
    with beside(PLAIN):
        load_model = runpy.run_path(str(PLAIN / f"{detector.replace('-', '_')}.py"))["load_model"]
    model, backbone = load_model("vit_small_patch14_dinov2", file), create_backbone("dinov2-vits14", file)
    torch.testing.assert_close(model.pos_embed, backbone.model.pos_embed, rtol=0, atol=1e-6)
    assert {key for key, _ in model.named_parameters()} == {key for key, _ in backbone.model.named_parameters()}


def test_half_of_the_made_images_are_labelled_real_and_no_two_are_alike(made):
    files = sorted((made / "images").rglob("*.jpg"))
    assert [file.parts[-3] for file in files] == [*["generated"] * 3, *["real"] * 3]
    assert len({file.read_bytes() for file in files}) == 6


def test_contestants_take_turns_at_going_first():
    measure, order = module("measure"), []

    def contestant(name):
        return lambda: order.append(name) or measure.Timed(1.0, 0, "")

    measure.alternate({name: contestant(name) for name in "abc"}, repeats=3)
    assert "".join(order) == "abccbaabc"


def test_a_median_comes_with_its_range():
    assert module("measure").spread([4.0, 1.0, 2.0], 1, " s") == "2.0 s (1.0 to 4.0)"


def test_peak_memory_is_that_of_the_largest_process():
    grandchild = "held = bytearray(3 * 10**8)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}], check=True)"
    script = f"import sys, measure; print(measure.run_command([sys.executable, '-c', {child!r}]).peak_bytes)"
    # In a small process of its own: a command's peak is never less than that of the process that started it.
    done = subprocess.run([sys.executable, "-c", script], cwd=HERE, capture_output=True, text=True, check=True)
    assert 3.0e8 < int(done.stdout) < 3.5e8


def test_a_command_that_fails_ends_the_benchmark_with_its_last_words():
    with pytest.raises(SystemExit, match="ended with code 3:\nlast words"):
        module("measure").run_command([sys.executable, "-c", "print('last words'); raise SystemExit(3)"])


def test_ratios_are_taken_within_a_repeat():
    measure, against = module("measure"), module("against_scripts")

    def repeats(*seconds, **cost):
        return [measure.Timed(2 * one, measure.MIB, "", {"seconds": one, **cost}) for one in seconds]

    table = against.time_table(
        {
            "scripts": repeats(10.0, 40.0, 30.0, passes=4.0),
            "alone": repeats(5.0, 10.0, 10.0, images=6, backbone_passes=18),
            "more": repeats(5.0, 5.0, 2.5, images=6, backbone_passes=18),
        }
    )
    rows = rows_of(table)
    assert rows["scripts"][0] == "4.00"
    assert rows["alone"][0] == "3.00"
    assert rows["alone"][2:4] == ["3.00 (2.00 to 4.00)", "3.00 (2.00 to 4.00)"]
    assert rows["more"][2:4] == ["8.00 (2.00 to 12.00)", "2.00 (1.00 to 4.00)"]
    assert rows["more"][5] == "8.00 (2.00 to 12.00)"


def test_differences_of_scores_by_hand():
    files, cell = module("score_files"), module("scripts").Cell("wepe")
    theirs = {"real/a": 1.0, "real/b": 2.0, "generated/c": 4.0, "generated/d": 5.0}
    ours = {"real/a": 1.1, "real/b": 4.2, "generated/c": 4.0, "generated/d": 5.0}
    found = files.difference({cell: ours}, {cell: theirs}, "wepe")
    assert found.auroc == pytest.approx(3 / 4)  # b is above c
    assert found.largest == pytest.approx(1.1)
    assert found.median == pytest.approx(0.05)
    assert found.spearman == pytest.approx(0.8)  # 1 - 6 (1 + 1) / (4 (16 - 1))


def test_a_run_is_told_from_the_check_of_its_precision(tmp_path):
    for name, precision in (("run", "bf16-mixed"), ("check", "32-true")):
        (tmp_path / "scores" / "data" / name).mkdir(parents=True)
        facts = {"options": {"precision": precision}, "cost": {}}
        (tmp_path / "scores" / "data" / name / "run.json").write_text(json.dumps(facts))
    assert module("measure").find_run(tmp_path, ["compare", "--precision", "bf16-mixed"]).name == "run"


def test_a_step_of_the_suite_keeps_those_before_it_and_no_others():
    steps = module("against_scripts").suite_steps
    bf16 = ["--precision", "bf16-mixed"]
    assert list(steps(2, ["bf16"]).values()) == [["--num-workers", "0"], ["--num-workers", "0", *bf16]]
    assert steps(2, ["workers", "bf16"])["+ bf16"] == ["--num-workers", "2", *bf16]


def test_scores_of_other_images_are_not_compared():
    files, cell = module("score_files"), module("scripts").Cell("wepe")
    with pytest.raises(SystemExit, match="2 images have a score of wepe on one side only, such as real/a"):
        files.difference({cell: {"real/a": 1.0}}, {cell: {"real/b": 1.0}}, "wepe")


@pytest.mark.parametrize(("largest", "code"), [([1e-5, 1e-4], 0), ([1e-5, 2e-4], 1), ([1e-5, math.nan], 1)])
def test_scores_that_disagree_end_with_code_1(largest, code, capsys):
    assert module("against_scripts").print_agreement(largest) == code
    assert ("DO NOT AGREE" in capsys.readouterr().out) == bool(code)


def test_the_cells_of_the_sweep_are_those_of_the_suite_and_some_are_spread_over_all():
    work = module("scripts").WORKS["sweep"]
    assert len(work.cells) == len(set(work.cells)) == (1 + 15) * 5
    some = work.some(4)
    assert len({cell.seed for cell in some}) == 4
    assert len({cell.condition.partition(":")[0] for cell in some}) == 3
    assert work.some(1000) == work.cells


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("bare_loop", ["--images", "nowhere"], "error: --images nowhere does not exist."),
        ("against_scripts", ["--cells", "0"], "error: --cells must be at least 1, got 0."),
        ("scaling", ["--sizes", "7"], "error: --sizes must be even numbers"),
        ("startup", ["--repeats", "0"], "error: --repeats must be at least 1, got 0."),
        ("startup", ["--against", "nowhere"], "error: --against must be a checkout of the suite, got nowhere."),
    ],
)
def test_a_mistake_is_one_line(name, words, message, capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        run_here(HERE / f"{name}.py", *words)
    error = capsys.readouterr().err
    assert error.startswith(message)
    assert error.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("what", ["pair", "sweep", "aeroblade"])
def test_the_suite_is_measured_against_the_scripts(what):
    words = ("--count", "6", "--backbone", f"timm:{MODEL}", "--repeats", "1", "--steps", "workers", "--workers", "1")
    text = run_benchmark("against_scripts", "--what", what, "--cells", "2", *words)
    rows = rows_of(text)
    assert text.startswith("Machine: ")
    assert "Scripts and suite agree" in text
    assert ("Scripts: 2 of 80 cells run, scaled to 80." in text) == (what == "sweep")
    passes = {"pair": ("4.00", "3.00"), "sweep": ("160.00", "96.00"), "aeroblade": ("2.00", "-")}[what]
    assert (rows["scripts"][0], rows["suite, sharing alone"][0]) == passes
    assert float(rows["+ workers"][1].removesuffix(" s")) > 0


@pytest.mark.slow
def test_the_suite_is_measured_against_the_bare_loop():
    text = run_benchmark("bare_loop", "--count", "6", "--backbone", f"timm:{MODEL}", "--repeats", "1")
    assert [rows_of(text)[name][0] for name in ("bare loop", "suite")] == ["3.00", "3.00"]
    assert "over those of the bare loop: 0." in text


@pytest.mark.slow
def test_scaling_is_measured_on_one_and_two_processes():
    text = run_benchmark("scaling", "--sizes", "24", "--repeats", "1")
    rows = [line for line in text.splitlines() if line.startswith("| 24 |")]
    assert [row.split(" | ")[1] for row in rows] == ["1", "2"]
    assert all(row.count(" MiB") == 2 for row in rows)


@pytest.mark.slow
def test_startup_is_measured():
    rows = rows_of(run_benchmark("startup", "--repeats", "1", "--limit", "2"))
    seconds = {name: float(row[0].removesuffix(" s")) for name, row in rows.items() if row[0].endswith(" s")}
    assert len(seconds) == 7
    assert seconds["`--help`"] < seconds["`compare`, everything stored"]
    assert seconds["`compare --detectors wpee`, a mistyped name"] < 1
