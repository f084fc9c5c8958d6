"""Images known from a training set, by their sha256."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from made_stores import sha
from report_sections import made_panel

from bench.errors import BenchError
from bench.report.images import seen_words
from bench.report.notes import sentence
from bench.results.comparison import Comparison
from bench.results.seen_images import TrainingImages, mark_seen, read_hashes, seen_images
from bench.results.summary import summarise
from bench.statistics.metrics import auroc


def panel_of(seeds=1, conditions=("clean",)):
    rng = np.random.default_rng(2)
    sources = np.repeat(["camera", "flow", "gan"], 40)
    labels = (sources != "camera").astype(int)
    panel = made_panel({"x": rng.normal(size=(seeds, 120)) + labels}, labels, sources, conditions=conditions)
    images = panel.images.with_columns(sha256=pl.Series([sha(path) for path in panel.images["path"]]))
    return replace(panel, images=images)


def training(panel, number, *sources):
    """The first few images of some sources."""
    paths = panel.images.filter(pl.col("generator").is_in(sources)).group_by("generator").head(number)["path"]
    return TrainingImages("list.txt", frozenset(sha(path) for path in paths))


def test_the_numbers_with_and_without_are_those_of_the_scores():
    panel = panel_of(seeds=2, conditions=("clean", "jpeg:75"))
    summary = summarise(panel, ["auroc"])
    seen = seen_images(panel, summary, training(panel, 15, "camera", "gan"))
    assert [(count.label, count.source, count.known, count.images) for count in seen.counts] == [
        (0, "camera", 15, 40),
        (1, "gan", 15, 40),
    ]
    names = panel.images["generator"].to_numpy()
    first = np.array([int(path[-8:-4]) % 40 < 15 for path in panel.images["path"]])
    known = first & (names != "flow")

    def mean(kept):
        return np.mean(
            [
                auroc(panel.labels[chosen], scores[chosen])
                for scores in panel.scores[panel.seeds("x", "clean")]
                for name in ("flow", "gan")
                if (chosen := kept & np.isin(names, ["camera", name])).any()
            ]
        )

    (row,) = seen.aurocs
    assert row.everything.value == pytest.approx(mean(np.ones(120, dtype=bool)))
    assert row.without.value == pytest.approx(mean(~known))
    assert row.difference.value == pytest.approx(row.without.value - row.everything.value)
    low, high = row.difference.interval
    assert low < row.difference.value < high


@pytest.mark.heavy
def test_the_paired_interval_is_that_of_leaving_groups_out():
    panel = panel_of()
    training_images = training(panel, 15, "camera", "gan")
    (row,) = seen_images(panel, summarise(panel, ["auroc"]), training_images).aurocs

    def difference(left_out):
        rest = panel.only(np.arange(120) != left_out)
        return seen_images(rest, summarise(rest, ["auroc"]), training_images).aurocs[0].difference.value

    values = np.array([difference(image) for image in range(120)])
    of_class = panel.labels.tolist()
    variance = sum(
        (n - 1) / n * np.sum((values[chosen] - values[chosen].mean()) ** 2)
        for chosen in (np.flatnonzero(np.equal(of_class, label)) for label in (0, 1))
        for n in [len(chosen)]
    )
    arm = (row.difference.interval.high - row.difference.interval.low) / 2
    assert 1.85 * np.sqrt(variance) < arm < 2.25 * np.sqrt(variance)
    assert arm < (row.without.interval.high - row.without.interval.low) / 2  # most images are shared


def test_scores_and_other_numbers_stay_and_the_finding_says_what_it_is_about():
    panel = panel_of()
    comparison = Comparison("made", panel, summarise(panel, ["auroc"]))
    marked = mark_seen(comparison, training(panel, 10, "gan"))
    assert marked.panel is panel
    assert marked.summary is comparison.summary
    (seen,) = marked.findings
    assert sentence(seen).startswith("Known from list.txt: 10 of 40 generated of gan. AUROC without them: x 0.")
    assert mark_seen(comparison, None) is comparison
    assert sentence(seen_images(panel, comparison.summary, TrainingImages("l", frozenset({"ab" * 32})))) == (
        "No image here is among those of l."
    )


def test_a_generator_that_is_known_whole_is_left_out_and_too_few_images_have_no_interval():
    panel = panel_of()
    summary = summarise(panel, ["auroc"])
    (row,) = seen_images(panel, summary, training(panel, 40, "gan")).aurocs
    assert np.isnan(row.without.value)
    assert "no generated images" in row.without.reason
    (row,) = seen_images(panel, summary, training(panel, 35, "gan")).aurocs
    assert row.difference.interval is None
    assert row.difference.reason.startswith("gan: fewer than 10 independent groups")
    assert "[no interval]" in seen_words(seen_images(panel, summary, training(panel, 35, "gan")))


HASHES = [sha("a"), sha("b")]


def test_hashes_are_read_from_text_csv_and_parquet(tmp_path):
    text = tmp_path / "list.txt"
    text.write_bytes(f"\ufeff# a comment\r\n{HASHES[0].upper()}  images/a b.png\r\n\r\n{HASHES[1]} # why\r\n".encode())
    table = pl.DataFrame({"path": ["1", "2"], "sha256": HASHES})
    table.write_csv(tmp_path / "list.CSV")
    table.write_parquet(tmp_path / "list.parquet")
    for name in ("list.txt", "list.CSV", "list.parquet"):
        assert read_hashes(tmp_path / name) == TrainingImages(str(tmp_path / name), frozenset(HASHES))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", f"{HASHES[0]}\nabc\n", "line 2: 'abc' is no sha256"),
        ("a.txt", f"{HASHES[0]}\n\n{HASHES[0]}0\n", "line 3"),
        ("a.txt", "# nothing\n", "holds no sha256"),
        ("a.csv", "path,hash\na,b\n", "has no column 'sha256'; there are: path, hash"),
        ("a.csv", f"sha256\n{HASHES[0]}\nx\n", "line 3: 'x' is no sha256"),
        ("a.parquet", "PAR1", "Cannot read --seen-hashes"),
        (".", None, "Cannot read --seen-hashes"),
        ("missing.txt", None, "No such file"),
    ],
)
def test_a_list_that_cannot_be_is_one_line(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(BenchError) as caught:
        read_hashes(tmp_path / name)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
