import numpy as np
import polars as pl
from made_stores import detector, images, scored
from made_varied_store import rows_of, table_of
from polars.testing import assert_frame_equal

from bench.store.damage import CATEGORIES
from bench.store.schema import OK
from bench.store.stored_rows import StoredImages, StoredRows

WEPE = detector("wepe")


def test_what_later_rows_say_of_an_image_counts_and_no_image_is_added():
    stored = StoredImages()
    first = scored(images(2, 2), WEPE, lambda *_: 1.0)
    assert stored.numbers(first).tolist() == [0, 1, 2, 3]
    later = first[2:0:-1].with_columns(group=pl.lit("one prompt"), generator=pl.lit("renamed"))
    assert stored.numbers(later).tolist() == [2, 1]
    assert stored.table["path"].to_list() == first["path"].to_list()
    assert stored.table["group"].to_list() == [first["group"][0], "one prompt", "one prompt", first["group"][3]]
    assert stored.table["generator"].to_list() == [first["generator"][0], "renamed", "renamed", first["generator"][3]]


def test_of_several_rows_of_an_image_the_last_one_counts_in_whichever_batch():
    stored = StoredImages()
    row = scored(images(1, 0), WEPE, lambda *_: 1.0)
    other = row.with_columns(group=pl.lit("another"))
    for batch, group in (([other, row], row), ([row, other, row], row), ([row, other], other), ([other], other)):
        assert stored.numbers(pl.concat(batch)).tolist() == [0] * len(batch)
        assert stored.table["group"].to_list() == group["group"].to_list()


def test_rows_in_any_order_give_what_a_look_at_each_row_gives():
    table = table_of("title", 30, [("photographs", 0), ("gan", 1), ("inpainted", 1)])
    near, far = detector("near"), detector("far")
    several = [
        rows_of(table, known, c, s, unreadable=7) for known in (near, far) for c in ("clean", "x") for s in (0, 5)
    ]
    rows = pl.concat(several).sample(fraction=1.0, shuffle=True, seed=0)
    stored = StoredRows()
    for place, batch in enumerate(rows.iter_slices(100)):
        stored.add(batch.with_columns(pl.col(CATEGORIES).cast(pl.Categorical)), f"run {place % 2}")
    known = stored.images.table
    assert_frame_equal(known, rows.select(known.columns).unique(maintain_order=True))
    number = {path: at for at, path in enumerate(known["path"])}
    slow: dict[tuple[str, str, int], list[tuple[int, float]]] = {}
    for row in rows.iter_rows(named=True):
        score = row["score"] if row["status"] == OK else np.nan
        slow.setdefault((row["fingerprint"], row["condition"], row["seed"]), []).append((number[row["path"]], score))
    assert stored.scores.keys() == slow.keys()
    for key, pairs in slow.items():
        numbers, scores = (np.concatenate(arrays) for arrays in zip(*stored.scores[key], strict=True))
        np.testing.assert_array_equal(np.stack([numbers, scores]), np.array(pairs).T)
    assert sum(sum(counts.values()) for counts in stored.sources.values()) == len(rows)
    assert set(stored.labels.values()) == {"near", "far"}
