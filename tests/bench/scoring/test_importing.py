"""Scores that were made elsewhere are taken whole and right, or not at all; then they are scores like others."""

import hashlib

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from bench.errors import BenchError
from bench.results.explain import explain
from bench.scoring.foreign_scores import read_foreign
from bench.scoring.importing import covering, import_scores
from bench.scoring.submitting import make_submission
from bench.store.contrasts import ContrastRule
from bench.store.listings import LISTED, Listing
from bench.store.runs import read_runs
from bench.store.sharing.checking import check
from bench.store.sharing.submission import write_submission
from bench.store.sharing.task import freeze
from bench.store.whole_store import read_store
from tests.bench.made_submissions import made_scores, made_task
from tests.bench.made_task_store import described, rows_of_scores, store_of

TASK = made_task(real=12, generated=12, generators=("gan",))
SCORES = made_scores(TASK, noise_seed=5)


def read(tmp_path, table, name="oracle.csv", task=TASK, **options):
    file = tmp_path / name
    table.write_parquet(file) if name.endswith("parquet") else table.write_csv(file)
    return read_foreign(file, task, **options)


def reasons(foreign):
    return [fault.reason for fault in foreign.faults]


@pytest.mark.parametrize("name", ["oracle.csv", "oracle.parquet"])
def test_scores_are_read_as_they_are(tmp_path, name):
    foreign = read(tmp_path, SCORES.select("sha256", "score"), name)
    assert reasons(foreign) == []
    assert foreign.scores.equals(SCORES.select(foreign.scores.columns))
    assert foreign.sha256 == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()


def test_seeds_and_conditions_are_columns_that_may_be_there(tmp_path):
    task = made_task(real=4, generated=4, conditions=("clean", "jpeg:75"))
    scores = made_scores(task, seeds=2).with_columns(pl.col("sha256").str.to_uppercase(), note=pl.lit("other"))
    foreign = read(tmp_path, scores, task=task)
    assert reasons(foreign) == []
    assert set(foreign.scores["seed"]) == {0, 1}
    lines = reasons(read(tmp_path, scores.drop("condition"), task=task))
    assert "12 images have more than one score" in lines[0]
    assert "jpeg:75, seed 0: 12 images have no score" in lines[1]


def test_high_scores_of_real_images_are_turned(tmp_path):
    turned = read(tmp_path, SCORES.with_columns(score=-pl.col("score")), real_high=True)
    assert turned.scores.equals(read(tmp_path, SCORES).scores)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.tail(-1), "1 image has no score"),
        (lambda t: pl.concat([t, t.head(1)]), "more than one score"),
        (lambda t: t.with_columns(score=pl.lit("high")), "24 lines have no score, the first is line 2"),
        (lambda t: t.with_columns(score=pl.lit("inf")), "24 images have a score that is no finite number"),
        (lambda t: t.with_columns(seed=pl.lit("0.5")), "24 lines have no seed"),
        (lambda t: t.with_columns(sha256=pl.lit("f" * 64)), "1 image is not in the task"),
        (lambda t: t.with_columns(condition=pl.lit("jpeg:1")), "the condition 'jpeg:1'"),
    ],
)
def test_each_fault_is_a_line(tmp_path, change, reason):
    found = reasons(read(tmp_path, change(SCORES.select("sha256", "score"))))
    assert any(reason in line for line in found), found


def test_files_that_are_no_tables_are_told_in_a_line(tmp_path):
    for name, data in (("a.csv", b""), ("b.csv", b"x,y\n1,2\n"), ("c.csv", b"PAR1nothing"), ("d.csv", b"\xff\xfe\x00")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BenchError) as caught:
            read_foreign(tmp_path / name, TASK)
        assert "\n" not in str(caught.value)
    with pytest.raises(BenchError, match="folder"):
        read_foreign(tmp_path, TASK)


def test_paths_are_looked_up_in_a_listing_or_under_a_root(tmp_path):
    contents = {f"{name}.png": name.encode() for name in ("a", "b", "copy", "c")}
    contents["copy.png"] = b"a"
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    sha256 = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    rows = [("a.png", 0, None, "r", "1"), ("b.png", 0, None, "r", "2"), ("c.png", 1, None, "g", "3")]
    schema = {"path": pl.String, "label": pl.Int8, "kind": pl.String, "generator": pl.String, "group": pl.String}
    images = pl.DataFrame(rows, schema, orient="row").with_columns(sha256=pl.col("path").replace_strict(sha256))
    task = freeze(images, {"clean": (ContrastRule("g", ("r",)),)}, name="n", title="t", protocol={}).task
    table = pl.DataFrame({"path": sorted(contents), "score": [0.0, 1.0, 2.0, 0.0]})
    with pytest.raises(BenchError, match="give --data-root"):
        read(tmp_path, table, task=task)
    foreign = read(tmp_path, table, task=task, data_root=tmp_path)
    assert reasons(foreign) == []
    assert dict(foreign.scores.select("sha256", "score").iter_rows()) == {
        sha256["a.png"]: 0.0, sha256["b.png"]: 1.0, sha256["c.png"]: 2.0
    }  # fmt: skip
    lost = pl.concat([table, pl.DataFrame({"path": ["nobody.png"], "score": [1.0]})])
    assert reasons(read(tmp_path, lost, task=task, data_root=tmp_path)) == [
        "1 paths name no image of the task, such as 'nobody.png'"
    ]
    given = read(tmp_path, table.head(3), task=task, data_root=tmp_path, real_high=True)
    imported = import_scores(given, "closed", task, tmp_path / "store")
    assert (imported.rows, imported.title) == (3, "t")
    by_listing = pl.DataFrame(
        {"path": [sha256[name] for name in ("a.png", "b.png", "c.png")], "score": [0.0, 1.0, 2.0]}
    )
    assert reasons(read(tmp_path, by_listing, task=task, listings=covering(tmp_path / "store", task))) == []


def auroc(stored, label):
    panel = stored.panel
    return roc_auc_score(panel.labels, panel.scores[panel.seeds(label, "clean")[0]])


def test_an_imported_detector_is_a_detector_of_a_fresh_store(tmp_path):
    foreign = read(tmp_path, SCORES)
    imported = import_scores(foreign, "oracle", TASK, tmp_path / "store")
    assert imported.rows == 24
    (stored,) = read_store(tmp_path / "store")
    assert stored.identity == TASK.identity
    labels = SCORES.join(TASK.images, on="sha256")["label"]
    assert np.isclose(auroc(stored, "oracle"), roc_auc_score(labels, SCORES["score"]))
    assert stored.panel.contrasts["clean"] == TASK.contrasts["clean"]
    (run,) = read_runs((tmp_path / "store" / "scores" / "small").iterdir())
    assert run.facts["imported"]["sha256"] == foreign.sha256
    assert run.facts["imported"]["task"] == TASK.named
    told = dict(explain(tmp_path / "store", "small", "oracle", "gan").sections["Detector"])
    assert told["file"] == f"oracle.csv, sha256 {foreign.sha256}"
    submission = make_submission(tmp_path / "store", TASK, "oracle", "https://example.org/me", tmp_path / "s")
    write_submission(submission)
    found = check(tmp_path / "s", TASK)
    assert (list(found.faults), list(found.notes), found.submission.imported) == ([], [], True)
    assert import_scores(foreign, "oracle", TASK, tmp_path / "store").rows == 0


def test_a_name_is_one_detectors(tmp_path):
    store = store_of(tmp_path / "store", TASK)
    foreign = read(tmp_path, SCORES)
    with pytest.raises(BenchError, match="'rigid' that was scored here"):
        import_scores(foreign, "rigid", TASK, store)
    import_scores(foreign, "oracle", TASK, store)
    other = read(tmp_path, SCORES.with_columns(score=pl.col("score") * 2))
    with pytest.raises(BenchError, match="other scores of images of this task by 'oracle'"):
        import_scores(other, "oracle", TASK, store)
    elsewhere = made_task("other", real=3, generated=3, generators=("flux",))
    table = made_scores(elsewhere)
    with pytest.raises(BenchError, match="other scores of images"):  # of the real ones, which both tasks have
        import_scores(read(tmp_path, table, task=elsewhere), "oracle", elsewhere, store)
    table = table.select("sha256", "score").update(SCORES.select("sha256", "score"), on="sha256")
    assert import_scores(read(tmp_path, table, task=elsewhere), "oracle", elsewhere, store).rows == 6
    with pytest.raises(BenchError, match="--name"):
        import_scores(foreign, "a\nb", TASK, store)


def test_scores_are_filed_beside_those_of_the_same_content(tmp_path):
    """A store that has listed the images under paths of its own: both detectors are on one board."""
    store, detectors = tmp_path / "store", described()
    rows = rows_of_scores(TASK, made_scores(TASK, seeds=1), detectors)
    images = rows.select(*LISTED).cast(pl.Schema(LISTED)).sort("path")
    Listing(store, "elsewhere", "0123456789abcdef", images).save()
    store_of(store, TASK, made_scores(TASK), detectors, set="0123456789abcdef")
    assert import_scores(read(tmp_path, SCORES), "oracle", TASK, store).title == "elsewhere"
    (stored,) = read_store(store)
    assert sorted(stored.detectors) == ["oracle", "rigid"]
    assert all(coverage.complete for coverage in stored.coverage.values())
    labels = SCORES.join(TASK.images, on="sha256")["label"]
    assert np.isclose(auroc(stored, "oracle"), roc_auc_score(labels, SCORES["score"]))
