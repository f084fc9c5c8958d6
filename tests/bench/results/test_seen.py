import io
import json

import numpy as np
import polars as pl
import pytest
from made_stores import detector, images, keep, scored
from released_files import write_checkpoint
from rich.console import Console

from bench.cli.app import main
from bench.report.board_files import write_boards
from bench.report.html.pages import write_leaderboard_page
from bench.report.leaderboard import board_reports
from bench.report.printed_boards import print_boards
from bench.results.leaderboard import make_boards, read_comparisons
from bench.results.seen import marks_of, unseen_mean
from bench.scoring.facts import trained_on
from bench.statistics.influence import Contrast, auroc_influence

pytestmark = pytest.mark.usefixtures("small_views")

GENERATORS = ("ADM", "stable_diffusion_v_1_4", "gan")
MANY = images(20, 20, GENERATORS)
STRENGTHS = {"photographs": 0.0, "ADM": 0.4, "stable_diffusion_v_1_4": 3.0, "gan": 0.8}


def score(path, label, source):
    return float(STRENGTHS[source] + np.random.default_rng([*path.encode()]).normal())


@pytest.fixture
def output(tmp_path):
    """A store of four detectors: without training, trained on SD 1.4, on one that is absent, on nobody knows what."""
    for run, facts in enumerate(
        (
            detector("free"),
            detector("trained", trained_on=["sd14"]),
            detector("elsewhere", trained_on=["progan"]),
            detector("secret", trained_on=[]),
        )
    ):
        keep(tmp_path, str(run), [scored(MANY, facts, score)], facts)
    return tmp_path


def rows_of(output):
    """The rows of the only board, by detector."""
    (board,) = make_boards(output)
    return {row.detector: row for row in board.rows}


def unseen_of(output):
    """The means over unseen generators, by detector."""
    (board,) = make_boards(output)
    return {name: mean.auroc for name, mean in board.unseen.items()}


def test_generators_are_marked_by_their_canonical_names(output):
    found = rows_of(output)
    assert found["free"].marks == {}
    assert found["trained"].marks == {"ADM": "unseen", "stable_diffusion_v_1_4": "seen", "gan": "unseen"}
    assert set(found["elsewhere"].marks.values()) == {"unseen"}
    assert set(found["secret"].marks.values()) == {"not known"}


def test_the_mean_over_unseen_generators_leaves_the_seen_one_out(output):
    trained, unseen = rows_of(output)["trained"], unseen_of(output)
    each = {name: trained.rows[name].numbers["auroc"].value for name in GENERATORS}
    assert unseen["trained"].value == pytest.approx((each["ADM"] + each["gan"]) / 2, abs=1e-15)
    assert unseen["trained"].value < trained.rows["mean"].numbers["auroc"].value - 0.05
    assert unseen.keys() == {"trained"}


def test_the_interval_of_the_unseen_mean_is_that_of_a_store_without_the_seen_generator(output, tmp_path_factory):
    fewer, folder = [one for one in MANY if one[2] != "stable_diffusion_v_1_4"], tmp_path_factory.mktemp("fewer")
    facts = detector("trained")
    keep(folder, "1", [scored(fewer, facts, score)], facts)
    expected = rows_of(folder)["trained"].rows["mean"].numbers["auroc"]
    assert unseen_of(output)["trained"].interval == pytest.approx(expected.interval, abs=1e-12)


def test_tables_say_what_was_seen(output):
    (report,) = board_reports(read_comparisons(output))
    rows = {row[1]: row for row in report.table.rows}
    assert [cell.endswith("(seen)") for cell in rows["trained"][4:8]].count(True) == 1
    assert not any("seen" in cell for name in ("free", "elsewhere", "secret") for cell in rows[name])
    write_boards([report], output)
    out = io.StringIO()
    print_boards([report], Console(file=out, width=400))
    sentence = (
        "trained was trained on images of stable_diffusion_v_1_4; over the 2 generators that it has not seen its mean"
    )
    assert sentence in out.getvalue()
    markdown = (output / "LEADERBOARD.md").read_text(encoding="utf-8").replace("\\_", "_")
    assert sentence in markdown
    trained = [line.rpartition("| ")[2] for line in markdown.splitlines() if line.startswith("| trained |")]
    assert "sd14 |" in trained


def test_files_say_what_was_seen(output):
    write_boards(board_reports(read_comparisons(output)), output)
    table = pl.read_csv(output / "leaderboard.csv").filter(pl.col("metric") == "auroc")
    seen = {(row["detector"], row["generator"]): row["seen"] for row in table.iter_rows(named=True)}
    assert seen["trained", "stable_diffusion_v_1_4"] == "seen"
    assert seen["trained", "ADM"] == "unseen"
    assert seen["trained", "mean"] is None
    assert seen["free", "ADM"] is None
    assert seen["secret", "ADM"] == "not known"
    (board,) = json.loads((output / "leaderboard.json").read_text(encoding="utf-8"))["boards"]
    facts = {one["label"]: one for one in board["detectors"]}
    assert facts["trained"]["seen"]["gan"] == "unseen"
    assert facts["trained"]["unseen_mean"]["low"] < facts["trained"]["unseen_mean"]["value"]
    assert facts["free"]["unseen_mean"] is None


@pytest.mark.heavy
def test_the_page_marks_what_was_seen(output, tmp_path):
    write_leaderboard_page(read_comparisons(output), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count('<span class="seen">seen</span>') == 3  # AUROC and both average precisions, once each
    assert page.count("over the 2 generators that it has not seen its mean AUROC is") == 1
    assert "<dt>trained on</dt><dd><bdi>sd14</bdi></dd>" in page


def test_a_page_without_trained_detectors_has_no_mark(tmp_path):
    facts = detector("free")
    keep(tmp_path, "1", [scored(MANY, facts, score)], facts)
    write_leaderboard_page(read_comparisons(tmp_path), tmp_path / "page.html")
    assert 'class="seen"' not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_one_unseen_generator_is_its_own_mean(tmp_path, capsys):
    facts, few = detector("trained", trained_on=["adm", "sd14"]), images(20, 20, GENERATORS)
    keep(tmp_path, "1", [scored(few, facts, score)], facts)
    assert main(["leaderboard", "--output", str(tmp_path)]) == 0
    assert (
        "of ADM, stable_diffusion_v_1_4; on the one generator that it has not seen its AUROC is"
        in capsys.readouterr().out
    )


def test_an_ensemble_has_seen_what_its_members_have():
    assert trained_on([{"name": "rigid"}, {"name": "wepe"}]) is None
    assert trained_on([{}, {"trained_on": ["sd14"]}, {"trained_on": ["adm"]}]) == ["adm", "sd14"]
    half_known = {"trained_on": trained_on([{"trained_on": ["sd14"]}, {"trained_on": []}])}
    assert marks_of(half_known, ["sd14", "adm", "mean"]) == {"sd14": "seen", "adm": "not known"}


def test_a_mean_with_a_generator_that_has_no_interval_has_none_and_says_why(output):
    row = rows_of(output)["trained"]
    rng = np.random.default_rng(0)
    influence = auroc_influence([Contrast(np.repeat([0, 1], 9), rng.normal(size=18), np.arange(18).astype(str))])
    found = unseen_mean(row.marks, row.rows, {"ADM": influence})
    assert found.interval is None
    assert found.reason == "no interval for gan"
    assert found.value == pytest.approx(unseen_of(output)["trained"].value, abs=1e-15)


@pytest.mark.heavy
def test_a_comparison_with_a_trained_detector_tells_the_leaderboard(image_folder, photograph, tmp_path):
    for number in range(12, 60):  # an ensemble is fitted to some of them
        photograph(1000 + number).save(image_folder / "real" / "camera" / f"{number}.png")
    checkpoint, output = write_checkpoint("npr", tmp_path), tmp_path / "results"
    data = ["--dataset", "folder", "--data-root", str(image_folder), "--output", str(output), "--num-workers", "0"]
    asked = f"npr:checkpoint={checkpoint},trained_on=sharp"
    assert main(["compare", "--detectors", asked, "rigid", f"rigid+{asked}", *data]) == 0
    assert main(["leaderboard", "--output", str(output)]) == 0
    trained = f"npr:checkpoint={checkpoint.name},trained_on=sharp"
    for file in ("compare.csv", "leaderboard.csv"):
        table = pl.read_csv(output / file).filter(pl.col("metric") == "auroc")
        seen = {(row["detector"], row["generator"]): row["seen"] for row in table.iter_rows(named=True)}
        assert [seen[trained, name] for name in ("sharp", "blurry", "mean")] == ["seen", "unseen", None]
        assert [seen[f"rigid+{trained}", name] for name in ("sharp", "blurry")] == ["seen", "unseen"]
        assert seen["rigid", "sharp"] is None
    text = (output / "compare.md").read_text(encoding="utf-8").replace("\\_", "_")
    assert f"| {trained} | sharp (seen) |" in text
    assert f"| {trained} | blurry (unseen) |" in text
    assert "| rigid | sharp |" in text
    assert f"{trained} was trained on images of sharp; on the one generator that it has not seen its AUROC is" in text


def test_edited_images_are_seen_with_their_generator_and_in_no_mean_over_unseen_ones(tmp_path):
    listed = images(20, 20, ("ADM", "stable_diffusion_v_1_4", "gan", "gan (partial)", "SD1.4 (partial)"))
    trained = detector("trained", trained_on=["sd14"])
    rows = [
        scored(
            listed,
            trained,
            lambda path, label, source: score(path, label, source.split(" (")[0].replace("SD1.4", "gan")),
        )
    ]
    keep(tmp_path, "1", rows, trained, apart=["gan (partial)", "SD1.4 (partial)"])
    (board,) = make_boards(tmp_path)
    (row,) = board.rows
    assert row.marks["SD1.4 (partial)"] == "seen"
    assert row.marks["gan (partial)"] == "unseen"
    mean = np.mean([row.rows[name].numbers["auroc"].value for name in ("ADM", "gan")])
    assert board.unseen["trained"].auroc.value == pytest.approx(mean)
    assert board.unseen["trained"].unseen == 2
