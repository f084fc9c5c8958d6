import polars as pl

from bench.store.scores import _last_of_each


def test_of_two_rows_of_one_cell_the_later_counts():
    rows = pl.DataFrame({"index": [1, 0, 1, 0], "scoring": [0, 0, 0, 1], "score": [1.0, 2.0, 3.0, 4.0]})
    assert _last_of_each(rows).rows() == [(0, 0, 2.0), (1, 0, 3.0), (0, 1, 4.0)]
    assert _last_of_each(rows[1:]).equals(rows[1:])
