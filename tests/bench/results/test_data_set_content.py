"""A data set is its content: whatever it is called, wherever it lies, and however many stores it was scored into."""

import hashlib
import shutil

import polars as pl
import pytest
from started_runs import LIGHT, folder_of, run_here
from stored_rows import stored_rows

from bench.errors import BenchError
from bench.report.comparison import write_comparison
from bench.report.notes import comparison_notes, warnings_of
from bench.results.leaderboard import read_comparisons
from bench.store.listings import read_listings
from bench.store.merging import merge_stores
from bench.store.whole_store import read_store
from datamodules.identity import contradicted, identity_of

pytestmark = pytest.mark.heavy  # whole runs, or networks of the published size


@pytest.fixture
def make(photograph, tmp_path):
    """Makes a folder of that name and so many images, the first of which has that number."""

    def folder(name, count, first=0):
        return folder_of(lambda number, size: photograph(first + number, size), tmp_path / name, count)

    return folder


def means(comparison):
    rows = sorted(comparison.summary.means, key=lambda row: row.detector)
    return {row.detector: (row.numbers["auroc"].value, row.n_real, row.n_generated) for row in rows}


def test_the_identity_is_that_of_the_sorted_hashes_and_labels():
    images = pl.DataFrame({"path": ["b", "a", "c"], "sha256": ["22", "11", "11"], "label": [1, 0, 0]})
    assert identity_of(images) == identity_of(images.reverse())
    assert identity_of(images) == hashlib.sha256(b"11 0\n11 0\n22 1\n").hexdigest()
    assert identity_of(images) != identity_of(images.with_columns(label=1 - pl.col("label")))
    assert identity_of(images) != identity_of(images.head(2))
    assert identity_of(images.with_columns(sha256=pl.Series(["22", "11", None]))) is None


def test_an_image_of_both_classes_is_found_and_one_that_could_not_be_read_is_none():
    images = pl.DataFrame({"path": ["d", "c", "b", "a"], "sha256": ["1", "1", "", ""], "label": [1, 0, 1, 0]})
    assert contradicted(images).rows() == [("1", "c", "d")]


def test_two_folders_of_one_name_are_two_boards_and_a_warning(make, tmp_path):
    one, other = make("a/images", 30), make("b/images", 18, first=500)
    first = run_here(one, tmp_path / "r", LIGHT)
    second = run_here(other, tmp_path / "r", LIGHT)
    boards = read_comparisons(tmp_path / "r")
    assert [board.title.partition(" #")[0] for board in boards] == ["folder:images"] * 2
    assert sorted(map(str, map(means, boards))) == sorted(map(str, [means(first), means(second)]))
    assert all(board.stored.coverage["light-mean", "clean"].complete for board in boards)
    assert "2 data sets of other content are called folder:images" in warnings_of(second)[0]
    assert all("2 data sets of other content" in warnings_of(board)[0] for board in boards)
    assert not any("other content" in line for line in warnings_of(first))


def test_stores_that_are_put_together_pool_nothing_but_what_is_the_same(make, tmp_path):
    one, other = make("a/images", 30), make("b/images", 18, first=500)
    copy = tmp_path / "elsewhere" / "renamed"
    shutil.copytree(one, copy)
    runs = [run_here(root, tmp_path / f"r{at}", LIGHT) for at, root in enumerate((one, other, copy))]
    merged = merge_stores([tmp_path / "r0", tmp_path / "r1", tmp_path / "r2"], tmp_path / "all")
    assert merged.runs == {tmp_path / f"r{at}": 1 for at in range(3)}
    datasets = read_store(tmp_path / "all")
    assert sorted(len(dataset.panel.images) for dataset in datasets) == [18, 30]
    apart = read_store(tmp_path / "r0", tmp_path / "r1", tmp_path / "r2")
    assert [dataset.identity for dataset in apart] == [dataset.identity for dataset in datasets]
    expected = sorted(map(str, (means(run) for run in runs[:2])))
    assert sorted(str(means(board)) for board in read_comparisons(tmp_path / "all")) == expected
    assert merge_stores([tmp_path / "r0", tmp_path / "r1"], tmp_path / "all").there == 2
    assert len(read_store(tmp_path / "all")) == 2


def test_a_copied_data_set_under_another_name_has_the_same_identity_and_shares_a_board(make, tmp_path):
    one = make("images", 18)
    copy = tmp_path / "renamed"
    shutil.copytree(one, copy)
    result = run_here(one, tmp_path / "r", LIGHT)
    run_here(copy, tmp_path / "r", LIGHT)
    (dataset,) = read_store(tmp_path / "r")
    assert means(read_comparisons(tmp_path / "r")[0]) == means(result)
    assert dataset.title == "folder:renamed"
    assert len(dataset.panel.images) == 18


def test_a_board_from_the_store_has_the_numbers_of_the_run(make, tmp_path):
    result = run_here(make("images", 30), tmp_path / "r", LIGHT)
    (board,) = read_comparisons(tmp_path / "r")
    assert means(board) == means(result)
    assert board.panel.images.equals(result.panel.images)


def test_copies_within_a_data_set_all_have_their_score(make, tmp_path):
    root = make("images", 9)
    shutil.copy(root / "real/camera/000.png", root / "real/camera/copy.png")
    result = run_here(root, tmp_path / "r", LIGHT)
    (board,) = read_comparisons(tmp_path / "r")
    assert sorted(board.panel.scores.tolist()) == sorted(result.panel.scores.tolist())


def test_the_identity_is_pending_until_every_image_was_read_and_then_that_of_the_whole(make, tmp_path):
    root = make("images", 18)
    part = run_here(root, tmp_path / "r", LIGHT, limit=2)
    (dataset,) = read_store(tmp_path / "r")
    assert dataset.identity is None
    assert "Data set: 18 images, identity pending until all were read (6 so far)." in comparison_notes(part)
    whole = run_here(root, tmp_path / "r", LIGHT)
    (dataset,) = read_store(tmp_path / "r")
    assert f"Data set: 18 images, identity {dataset.identity}." in comparison_notes(whole)
    again = run_here(root, tmp_path / "r", LIGHT, limit=2)
    assert again.run["data"]["identity"] == dataset.identity
    run_here(root, tmp_path / "other", LIGHT)
    assert read_store(tmp_path / "other")[0].identity == dataset.identity


def test_what_a_killed_run_read_counts_in_its_board(make, tmp_path):
    root = make("images", 18)
    run_here(root, tmp_path / "r", LIGHT, limit=2)
    (listing,) = read_listings(tmp_path / "r")
    whole = stored_rows(tmp_path / "r")["path"].n_unique()
    listing.knowing(listing.images.with_columns(sha256=pl.lit(None, dtype=pl.String))).save()
    unread = listing.images.with_columns(sha256=pl.lit(None, dtype=pl.String))
    type(listing)(listing.output, listing.title, listing.key, unread).save()
    assert read_listings(tmp_path / "r")[0].read == 0
    (dataset,) = read_store(tmp_path / "r")
    assert len(dataset.panel.images) == whole == 6


def test_an_image_that_is_called_real_and_generated_is_refused_with_both_names(make, tmp_path):
    root = make("images", 9)
    shutil.copy(root / "real/camera/003.png", root / "generated/model0/again.png")
    with pytest.raises(
        BenchError, match=r"real/camera/003\.png \(real\) and generated/model0/again\.png \(generated\)"
    ):
        run_here(root, tmp_path / "r", LIGHT)
    (board,) = read_comparisons(tmp_path / "r")
    assert "called real and generated: real/camera/003.png = generated/model0/again.png" in warnings_of(board)[0]
    assert not board.panel.images["path"].is_in(["real/camera/003.png", "generated/model0/again.png"]).any()


def test_empty_files_of_both_classes_are_unreadable_and_no_contradiction(make, tmp_path):
    root = make("images", 9)
    for name in ("real/camera/empty.png", "generated/model0/empty.png"):
        (root / name).touch()
    run_here(root, tmp_path / "r", LIGHT)
    (board,) = read_comparisons(tmp_path / "r")
    assert len(board.panel.images) == 11
    assert not any("called real and generated" in warning for warning in warnings_of(board))


def test_a_label_that_was_turned_round_is_scored_anew(make, tmp_path):
    root = make("images", 18)
    before = run_here(root, tmp_path / "r", LIGHT)
    (root / "real").rename(root / "swap")
    (root / "generated").rename(root / "real")
    (root / "swap").rename(root / "generated")
    after = run_here(root, tmp_path / "r", LIGHT)
    assert after.scored == before.scored
    assert len(read_store(tmp_path / "r")) == 2


def test_tables_of_a_second_data_set_leave_those_of_the_first(make, tmp_path):
    first = run_here(make("one", 9), tmp_path / "r", LIGHT)
    names = [[file.name for file in write_comparison(first, tmp_path / "r")]]
    second = run_here(make("two", 9, first=50), tmp_path / "r", LIGHT)
    names += [[file.name for file in write_comparison(result, tmp_path / "r")] for result in (second, first)]
    assert names == [["compare.csv", "compare.md"], ["compare-folder-two.csv", "compare-folder-two.md"], names[0]]


def test_a_store_that_is_damaged_or_the_target_itself_is_not_merged(make, tmp_path):
    run_here(make("images", 9), tmp_path / "r", LIGHT)
    run_here(make("others", 9, first=50), tmp_path / "s", LIGHT)
    with pytest.raises(BenchError, match="is one of the folders"):
        merge_stores([tmp_path / "r", tmp_path / "s"], tmp_path / "s")
    (part,) = (tmp_path / "s").glob("scores/*/*/part-*.parquet")
    part.write_bytes(part.read_bytes()[:-3])
    with pytest.raises(BenchError, match="is damaged"):
        merge_stores([tmp_path / "r", tmp_path / "s"], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_a_damaged_listing_is_named_and_set_aside_by_the_next_run(make, tmp_path):
    root = make("images", 9)
    before = run_here(root, tmp_path / "r", LIGHT)
    (file,) = (tmp_path / "r").glob("sets/*/*.parquet")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(BenchError, match=r"sets.*is damaged.*--mend"):
        read_store(tmp_path / "r")
    after = run_here(root, tmp_path / "r", LIGHT)
    assert after.scored == 0
    assert means(after) == means(before)
    assert means(read_comparisons(tmp_path / "r")[0]) == means(before)


def test_groups_that_are_declared_later_count_without_scoring_again(make, tmp_path):
    root = make("images", 30)
    before = run_here(root, tmp_path / "r", LIGHT)
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    lines = [f"{path},{'a' if number % 2 else 'b'}" for number, path in enumerate(paths)]
    (root / "groups.csv").write_text("\n".join(["path,group", *lines]))
    after = run_here(root, tmp_path / "r", LIGHT)
    assert (after.scored, after.panel.images["group"].n_unique()) == (0, 2)
    assert before.panel.images["group"].n_unique() == 30
    (board,) = read_comparisons(tmp_path / "r")
    assert board.panel.images["group"].n_unique() == 2


def test_scores_that_were_copied_without_the_listings_are_a_board_by_their_title(make, tmp_path):
    result = run_here(make("images", 9), tmp_path / "r", LIGHT)
    shutil.copytree(tmp_path / "r" / "scores", tmp_path / "copy" / "scores")
    (dataset,) = read_store(tmp_path / "copy")
    assert (dataset.title, dataset.identity) == ("folder:images", None)
    assert means(read_comparisons(tmp_path / "copy")[0]) == means(result)
