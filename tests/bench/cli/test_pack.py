from pathlib import Path

import polars as pl
import pytest
from fake_benchmarks import make_genimage

from bench.cli.app import main


def scores_of(output: Path) -> pl.DataFrame:
    rows = pl.concat([pl.read_parquet(part) for part in output.glob("scores/*/*/part-*.parquet")])
    return rows.select("path", "sha256", "generator", "label", "group", "fingerprint", "score", "status").sort("path")


@pytest.mark.heavy
def test_scores_from_shards_equal_scores_from_folders(tmp_path, capsys):
    root = make_genimage(tmp_path / "data", ["biggan", "adm"])
    source = ["--dataset", "genimage", "--data-root", str(root)]
    assert main(["pack", *source, "--output", str(tmp_path / "shards"), "--shard-bytes", "100000"]) == 0
    assert "images in" in capsys.readouterr().out
    compare = ["compare", "--detectors", "rigid", "wepe", "--num-workers", "0"]
    assert main([*compare, *source, "--output", str(tmp_path / "one")]) == 0
    packed = ["--dataset", "shards", "--data-root", str(tmp_path / "shards")]
    assert main([*compare, *packed, "--output", str(tmp_path / "two")]) == 0
    assert scores_of(tmp_path / "two").equals(scores_of(tmp_path / "one"))
    assert main(["pack", *source, "--output", str(tmp_path / "shards"), "--shard-bytes", "100000"]) == 0
