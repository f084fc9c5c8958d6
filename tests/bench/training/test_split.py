import polars as pl
import pytest

from bench.errors import BenchError
from bench.scoring.training_record import group_hashes
from bench.training.split import LEAST_IMAGES, may_train, split_items

CONTRASTS = {"soft": ("camera",)}


def items(n_real=60, n_generated=60, source="camera"):
    rows = [(0, source, f"real/{i}") for i in range(n_real)] + [(1, "soft", f"prompt/{i}") for i in range(n_generated)]
    return pl.DataFrame(rows, schema={"label": pl.Int8, "generator": pl.String, "group": pl.String}, orient="row")


def test_a_group_trains_whatever_data_set_it_is_in():
    # Computed once with blake2b of "train\x1f" and the name; another machine, or version, must agree.
    chosen = [name for name in (f"prompt-{i}" for i in range(20)) if may_train(name, 0.5)]
    assert chosen == [f"prompt-{i}" for i in (1, 3, 5, 6, 7, 10, 11, 12, 14, 15, 16, 19)]
    assert set(chosen) <= {name for name in (f"prompt-{i}" for i in range(20)) if may_train(name, 0.8)}


def test_the_share_of_many_groups_is_the_one_asked_for():
    counted = sum(may_train(f"group {i}", 0.3) for i in range(20_000))
    assert abs(counted / 20_000 - 0.3) < 5 * (0.3 * 0.7 / 20_000) ** 0.5


def test_no_group_has_images_on_both_sides():
    table = pl.concat([items(), items()])  # each group twice
    split = split_items(table, CONTRASTS, 0.5)
    trained = table[split.indices]
    assert set(trained["group"]) == split.groups
    rest = table.with_row_index().filter(~pl.col("index").is_in(split.indices))
    assert split.groups.isdisjoint(rest["group"])
    assert len(rest) + len(trained) == len(table)
    assert set(trained["label"]) == {0, 1}


def test_real_images_that_face_no_trained_generator_are_not_trained_on():
    table = pl.concat([items(), items(60, 0, source="paintings").with_columns(pl.col("group") + "p")])
    split = split_items(table, CONTRASTS, 0.5)
    assert set(table[split.indices].filter(pl.col("label") == 0)["generator"]) == {"camera"}


@pytest.mark.parametrize(("counts", "class_name"), [((6, 60), "real"), ((60, 6), "generated")])
def test_too_few_images_of_a_class_are_refused_in_one_line(counts, class_name):
    with pytest.raises(BenchError, match=rf"at least {LEAST_IMAGES} images of each class; \d {class_name} ones"):
        split_items(items(*counts), CONTRASTS, 0.5)


def test_a_share_that_leaves_nothing_to_test_on_is_refused():
    with pytest.raises(BenchError, match=r"--train-share 0\.999999 leaves no group to test on"):
        split_items(items(), CONTRASTS, 0.999999)


def test_group_hashes_keep_the_order_and_tell_names_apart():
    hashes = group_hashes(["a", "b", "a"])
    assert hashes[0] == hashes[2] != hashes[1]
