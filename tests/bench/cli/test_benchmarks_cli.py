"""The published benchmarks, in miniature and in their shapes on disk, through the real command line."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from fake_benchmarks import break_files, make_genimage, make_imagenet, make_lsun

from bench.cli.app import main


def scores_of(output: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(part) for part in output.glob("scores/*/*/part-*.parquet")])


@pytest.mark.parametrize(
    ("dataset", "make", "generators"),
    [
        ("imagenet", make_imagenet, {"adm", "admg", "dit", "biggan", "maskgit"}),
        ("lsun-bedroom", make_lsun, None),
        ("genimage", make_genimage, None),
    ],
)
@pytest.mark.heavy
def test_a_benchmark_runs_as_it_lies_on_the_disk(
    dataset: str, make: Callable[[Path], Path], generators: set[str] | None, tmp_path: Path, capsys
):
    root = make(tmp_path / "data")
    arguments = ["compare", "--detectors", "rigid", "--dataset", dataset, "--data-root", str(root)]
    assert (
        main([*arguments, "--limit", "2", "--num-workers", "0", "--long", "--output", str(tmp_path / "results")]) == 0
    )
    rows = scores_of(tmp_path / "results")
    assert rows["status"].unique().to_list() == ["ok"]
    assert len(rows) == len(rows.unique("path"))
    found = set(rows.filter(pl.col("label") == 1)["generator"])
    assert generators is None or found == generators
    assert f"Data: {dataset}" in capsys.readouterr().out


@pytest.mark.heavy
def test_corrupt_files_are_counted_and_a_chosen_generator_is_taken(tmp_path, capsys):
    root = make_genimage(tmp_path / "data", ["biggan", "adm"])
    broken = break_files(root / "ADM/imagenet_ai_0508_adm/val", 2)
    arguments = ["compare", "--detectors", "rigid", "--dataset", "genimage", "--data-root", str(root)]
    arguments += ["--num-workers", "0", "--output", str(tmp_path / "results")]
    assert main([*arguments, "--generators", "adm", "biggan", "--protocol", "matched"]) == 0
    rows = scores_of(tmp_path / "results")
    lost = rows.filter(pl.col("status") == "unreadable")
    assert {str(root / path) for path in lost["path"]} == {str(path) for path in broken}
    assert "Unreadable, never scored:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dataset", "genimage", "--generators", "bigan"], "Did you mean 'biggan'"),
        (["--dataset", "genimage", "--protocol", "mine"], "--protocol must be one of paper, matched, got 'mine'"),
        (["--dataset", "imagenet", "--real-split", "test"], "split 'test'"),
        (["--dataset", "imagenet"], "layer6ai-labs/dgm-eval"),
        (["--dataset", "folder", "--protocol", "paper"], "--protocol does not apply to --dataset folder"),
    ],
)
def test_a_mistake_with_a_benchmark_is_one_line(options, message, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["compare", "--detectors", "rigid", "--data-root", str(tmp_path / "empty"), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
