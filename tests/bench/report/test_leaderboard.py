import json
import shutil

import numpy as np
import polars as pl
import pytest
from made_stores import detector, images, keep, scored, sha
from scipy.stats import norm

from bench.cli.app import main
from bench.references.reported import find_reported
from bench.report.board_files import write_boards
from bench.report.leaderboard import BoardReport, board_reports
from bench.results.leaderboard import make_boards, read_comparisons
from bench.statistics.metrics import auroc
from bench.store.cue_cache import CUES, IDENTITY
from datamodules.keys import image_key

GENERATORS = ("flow", "gan")
MANY = images(30, 30, GENERATORS)


def noisy(strength, seed=0):
    """Scores images by their label with noise of their own."""

    def score(path, label, source):
        noise = np.random.default_rng([seed, *path.encode()]).normal()
        return float(strength * label + noise)

    return score


@pytest.fixture
def output(tmp_path):
    """A store of three detectors: a good one, a bad one, and one that was cut off."""
    good, bad, cut = detector("good"), detector("bad", view="resize 224"), detector("cut")
    rows = [scored(MANY, good, noisy(3.0)), scored(MANY, bad, noisy(0.1, seed=1))]
    keep(tmp_path, "1", rows, {**good, **bad})
    keep(tmp_path, "2", [scored(MANY[:40], cut, noisy(9.0))], cut, wanted=90, finished=False)
    return tmp_path


def texts(output):
    files = write_boards(board_reports(read_comparisons(output)), output)
    named = ["LEADERBOARD.md", "leaderboard.csv", "leaderboard.json", "leaderboard-generators.csv"]
    assert [file.name for file in files] == named
    return {file.name: file.read_bytes() for file in files}


def test_the_numbers_are_those_of_the_scores(output):
    (board,) = make_boards(output)
    good = board.rows[0]
    labels = [0] * 30 + [1] * 30
    for name in GENERATORS:
        expected = auroc(labels, [noisy(3.0)(*image) for image in MANY if image[2] in ("photographs", name)])
        assert good.rows[name].numbers["auroc"].value == pytest.approx(expected, abs=1e-15)
    mean = np.mean([good.rows[name].numbers["auroc"].value for name in GENERATORS])
    assert good.rows["mean"].numbers["auroc"].value == pytest.approx(mean, abs=1e-15)


def test_detectors_stand_in_order_and_a_cut_off_run_is_shown_but_not_ranked(output):
    (board,) = make_boards(output)
    table = BoardReport(board).table
    cells = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [(row["rank"], row["detector"], row["images"]) for row in cells] == [
        ("a", "good", "90"),
        ("b", "bad", "90"),
        ("not ranked", "cut", "40 of 90 images"),
    ]
    assert "cut" not in board.ranking.order
    assert [(pair.first, pair.second) for pair in board.ranking.pairs] == [("good", "bad")]


def test_two_fingerprints_of_one_name_are_two_rows(output):
    other = detector("good", fingerprint=sha("another"), options={"ratio": 0.2})
    keep(output, "3", [scored(MANY, other, noisy(0.0, seed=5))], other)
    (board,) = make_boards(output)
    labels = [row.detector for row in board.rows if row.detector.startswith("good")]
    assert sorted(labels) == sorted(f"good #{sha(text)[:8]}" for text in ("good", "another"))
    values = [row.rows["mean"].numbers["auroc"].value for row in board.rows[:2]]
    assert values[0] > 0.9 > values[1]


def test_rows_of_an_older_version_have_a_table_of_their_own(output):
    keep(output, "0", [scored(MANY, detector("old"), noisy(3.0))])
    boards = make_boards(output)
    assert [board.title for board in boards] == ["made-up (not recorded), clean", "made-up (resize=256), clean"]
    assert [row.detector for row in boards[0].rows] == ["old"]


def test_the_same_store_gives_the_same_bytes_wherever_it_lies(output, tmp_path_factory):
    first = texts(output)
    other = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(output, other)
    assert texts(other) == first == texts(output)


def test_every_number_of_the_csv_has_an_interval_or_a_reason(output):
    texts(output)
    table = pl.read_csv(output / "leaderboard.csv")
    assert (table["low"].is_not_null() | table["reason"].is_not_null()).all()
    assert (table["low"] <= table["value"]).all()
    whole = table.filter(pl.col("detector") != "cut")
    assert whole["low"].is_not_null().all()
    assert len(table) == 3 * 3 * 3


def test_the_json_says_what_each_detector_was(output):
    texts(output)
    (board,) = json.loads((output / "leaderboard.json").read_text())["boards"]
    good = board["detectors"][0]
    assert (good["label"], good["fingerprint"], good["letters"]) == ("good", sha("good"), "a")
    assert good["facts"]["backbone"]["name"] == "a backbone"
    assert board["pairs"][0]["views"] == "random-crop 224 | resize 224"


def test_the_markdown_keeps_names_from_becoming_markup(tmp_path):
    bad = detector("<b>|`x`")
    keep(tmp_path, "1", [scored(MANY, bad, noisy(1.0))], bad)
    text = texts(tmp_path)["LEADERBOARD.md"].decode()
    assert "| \\<b>\\|\\`x\\` |" in text


def test_the_worst_cue_is_a_row_where_cues_are_kept(output):
    labels = np.array([label for _, label, _ in MANY])
    cues = pl.DataFrame(
        {
            "path": [path for path, _, _ in MANY],
            "key": pl.Series([image_key(sha(path)) for path, _, _ in MANY], dtype=pl.UInt64),
            "jpeg_quality": [90 if label else 50 for label in labels],
            "brightness": np.random.default_rng(0).normal(size=len(MANY)),
        }
    )
    folder = output / "cues" / "made-up"
    folder.mkdir(parents=True)
    pl.concat([pl.DataFrame(schema=IDENTITY | CUES), cues], how="diagonal").write_parquet(folder / "clean.parquet")
    (board,) = make_boards(output)
    assert board.cues["(worst cue)"]["mean"].numbers["auroc"].value == 1.0
    report = BoardReport(board)
    assert [row[1] for row in report.table.rows[-2:]] == ["(worst cue)", "(all cues)"]
    assert report.table.rows[-2][-1] == "jpeg_quality"
    assert report.table.rows[-2][4:-2] == ["1.00 [no interval]"] * 3
    assert board.rows[1].against_cue["mean"] == "below"
    records = [record for record in report.records() if record["detector"] == "(worst cue)"]
    assert [record["generator"] for record in records] == [*GENERATORS, "mean"]
    assert {(record["low"], record["high"]) for record in records} == {(None, None)}
    assert records[0]["reason"] == "jpeg_quality; no interval covers the choice among cues"
    assert records[-1]["reason"] == "no interval covers the choice among cues"


def test_a_reported_number_stands_beside_ours_with_its_reason(tmp_path):
    wepe = detector("wepe", backbone={"name": "another", "weights": sha("w")})
    made = images(30, 30, ("biggan",))
    keep(tmp_path, "1", [scored(made, wepe, noisy(1.0))], wepe, name="imagenet")
    (board,) = make_boards(tmp_path)
    report = BoardReport(board)
    rows = {(row[1], row[2]): row for row in report.reported.rows}
    row = rows["biggan", "AUROC"]
    assert row[4] == "0.9424"
    assert row[6:9] == ["not comparable", "", ""]
    assert "other backbone (another, paper dinov2-vitl14)" in row[-1]
    record = next(each for each in report.records() if (each["generator"], each["metric"]) == ("biggan", "auroc"))
    assert (record["reported"], record["verdict"], record["expected_low"]) == (0.9424, "not comparable", None)


def test_the_margin_makes_a_match_too_wide_to_tell_and_is_one_option_of_three_commands(tmp_path, capsys):
    noisy_rigid = detector(
        "rigid", options={"noise": 0.05, "space": "normalised", "draws": 1}, view="resize 224",
        backbone={"name": "dinov2-vitl14", "weights": sha("w")},
    )  # fmt: skip
    made = images(60, 60, ("biggan",))
    reported = find_reported("rigid", "imagenet", "biggan", "auroc")[0]
    shift = float(norm.ppf(reported.value) * 2**0.5)
    keep(tmp_path, "1", [scored(made, noisy_rigid, noisy(shift))], noisy_rigid, name="imagenet",
         protocol={"resize": None, "crop_seed": 0})  # fmt: skip
    for words in (["leaderboard"], ["verify", "--reference", "paper"]):
        for margin, kind in (("0.001", "too wide to tell"), ("1", "matches")):
            main([*words, "--output", str(tmp_path), "--margin", margin, "--json"])
            told = json.loads(capsys.readouterr().out)
            rows = told["checks"] if "checks" in told else told["boards"][0]["numbers"]
            kinds = [row.get("outcome", row.get("verdict")) for row in rows if is_biggans(row)]
            assert kinds == [kind], words
    for command in ("leaderboard", "verify", "reproduce"):
        with pytest.raises(SystemExit) as stopped:
            main([command, "--margin", "0"])
        assert stopped.value.code == 2
        assert "expected a difference above 0 and up to 1, got 0" in capsys.readouterr().err


def is_biggans(row):
    of = row.get("reported") if "outcome" in row else row
    return (of["generator"], of["metric"], row.get("method", "rigid")) == ("biggan", "auroc", "rigid")


def test_the_command_prints_and_writes(output, capsys):
    assert main(["leaderboard", "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("made-up (resize=256)\n")
    assert "40 of 90 images" in printed
    assert "Paired tests" not in printed
    assert "--long" in printed
    assert main(["leaderboard", "--output", str(output), "--long"]) == 0
    long = capsys.readouterr().out
    assert "made-up (resize=256), clean" in long
    assert "Paired tests" in long
    assert "--long" not in long
    assert (output / "LEADERBOARD.md").is_file()


def test_an_empty_store_is_one_line(tmp_path, capsys):
    assert main(["leaderboard", "--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_thresholds_command_reads_the_store(output, capsys):
    assert main(["thresholds", "--output", str(output), "--rules", "fpr:10", "best", "--detectors", "good"]) == 0
    table = pl.read_csv(output / "thresholds.csv")
    assert set(table["rule"]) == {"fpr:10", "best (oracle)", None}  # None: metrics that need no threshold
    assert "good" in capsys.readouterr().out
