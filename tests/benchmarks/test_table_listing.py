"""The benchmark of listing tables, on a few rows."""

import pytest
from benchmark_scripts import module

from datamodules import find_dataset


@pytest.mark.parametrize("dataset", ["manifest", "parquet"])
def test_the_tables_that_are_listed_hold_what_the_benchmark_says(dataset, tmp_path, capsys):
    script = module("table_listing")
    root = script.MAKERS[dataset](tmp_path, 16)
    script.measure(dataset, root)
    assert " 16 rows " in capsys.readouterr().out
    data = find_dataset(dataset)(root, num_workers=0)
    data.setup()
    assert data.sources(1) == ("adm", "glide", "sdxl")
    assert data.items["group"].n_unique() == 4
    assert len(data.read_bytes(data.items["path"][0])) == 100
