import numpy as np
import pytest
from made_stores import detector, images, keep, scored, sha

from bench.errors import BenchError
from bench.report.notes import finding_notes
from bench.store.whole_store import read_store

WEPE = detector("wepe")


def by_number(path, label, source):
    """Scores an image by its number, generated ones ten higher."""
    return 10.0 * label + int(path[-7:-4])


def labels_and_scores(dataset):
    return {
        (scoring.detector, scoring.condition, scoring.seed): dict(
            zip(dataset.panel.images["path"].to_list(), row.tolist(), strict=True)
        )
        for scoring, row in zip(dataset.panel.scorings, dataset.panel.scores, strict=True)
    }


def test_scores_are_found_under_their_images(tmp_path):
    keep(tmp_path, "1", [scored(images(), WEPE, by_number)], WEPE)
    (dataset,) = read_store(tmp_path)
    (scores,) = labels_and_scores(dataset).values()
    assert scores == {path: by_number(path, label, source) for path, label, source in images()}
    assert (dataset.title, dataset.name, dataset.protocol) == ("made-up", "folder", "resize=256")
    assert dataset.panel.part("wepe", "clean", dataset.panel.contrasts["clean"][0]).n_generated == 4


def test_methods_of_one_name_stay_apart_under_their_fingerprints(tmp_path):
    other = detector("wepe", fingerprint=sha("another"), options={"ratio": 0.2})
    rows = [scored(images(), WEPE, by_number), scored(images(), other, lambda *_: 0.0)]
    keep(tmp_path, "1", rows, {**WEPE, **other})
    (dataset,) = read_store(tmp_path)
    names = {f"wepe #{fingerprint[:8]}" for fingerprint in (sha("wepe"), sha("another"))}
    assert set(dataset.detectors) == {scoring.detector for scoring in dataset.panel.scorings} == names
    found = labels_and_scores(dataset)
    assert set(found[f"wepe #{sha('another')[:8]}", "clean", 0].values()) == {0.0}
    assert max(found[f"wepe #{sha('wepe')[:8]}", "clean", 0].values()) == 13.0


def test_a_half_finished_run_says_how_many_images_it_has(tmp_path):
    keep(tmp_path, "1", [scored(images()[:5], WEPE, by_number)], WEPE, wanted=1000, finished=False)
    (dataset,) = read_store(tmp_path)
    coverage = dataset.coverage["wepe", "clean"]
    assert not coverage.complete
    assert str(coverage) == "5 of 1,000 images"
    assert [run.finished for run in dataset.runs] == [False]


def test_a_run_on_fewer_images_than_another_is_not_complete(tmp_path):
    rigid = detector("rigid")
    keep(tmp_path, "1", [scored(images(), WEPE, by_number)], WEPE)
    keep(tmp_path, "2", [scored(images(2, 2), rigid, by_number)], rigid)
    (dataset,) = read_store(tmp_path)
    assert str(dataset.coverage["rigid", "clean"]) == "4 of 8 images"
    assert dataset.coverage["wepe", "clean"].complete


def test_a_run_that_goes_on_completes_the_one_before(tmp_path):
    keep(tmp_path, "1", [scored(images()[:5], WEPE, by_number)], WEPE, wanted=8, finished=False)
    keep(tmp_path, "2", [scored(images()[5:], WEPE, by_number)], WEPE, wanted=8)
    (dataset,) = read_store(tmp_path)
    assert dataset.coverage["wepe", "clean"].complete
    assert np.isfinite(dataset.panel.scores).all()


def test_a_seed_that_lacks_images_is_left_out_and_named(tmp_path):
    rows = [
        scored(images(), WEPE, by_number, seed=0),
        scored(images()[:3], WEPE, by_number, seed=1),
    ]
    keep(tmp_path, "1", rows, WEPE)
    (dataset,) = read_store(tmp_path)
    assert [scoring.seed for scoring in dataset.panel.scorings] == [0]
    assert finding_notes(dataset.findings) == ["wepe, clean: seed 1 has 3 of 8 images and is left out."]


def test_the_older_content_of_a_changed_image_does_not_count(tmp_path):
    keep(tmp_path, "1", [scored(images(), WEPE, by_number)], WEPE)
    keep(tmp_path, "2", [scored(images()[:1], WEPE, lambda *_: 99.0, content="new")], WEPE, wanted=8)
    (dataset,) = read_store(tmp_path)
    (scores,) = labels_and_scores(dataset).values()
    assert scores["photographs/000.png"] == 99.0
    assert len(scores) == 8
    assert "1 images changed" in finding_notes(dataset.findings)[0]


def test_content_that_comes_back_counts_again(tmp_path):
    for name, content, value in (("1", "", 1.0), ("2", "new", 2.0), ("3", "", 3.0)):
        keep(tmp_path, name, [scored(images(), WEPE, lambda *_, v=value: v, content=content)], WEPE)
    (dataset,) = read_store(tmp_path)
    assert set(dataset.panel.scores.ravel()) == {3.0}


def test_what_two_runs_share_counts_once_and_the_later_one_wins(tmp_path):
    keep(tmp_path, "1", [scored(images(), WEPE, lambda *_: 1.0)], WEPE)
    keep(tmp_path, "2", [scored(images(), WEPE, lambda *_: 2.0)], WEPE)
    (dataset,) = read_store(tmp_path)
    assert set(dataset.panel.scores.ravel()) == {2.0}
    assert dataset.panel.scores.shape == (1, 8)


def test_rows_of_an_older_version_stand_alone_and_say_so(tmp_path):
    old = detector("rigid")
    keep(tmp_path, "1", [scored(images(), old, by_number)])
    keep(tmp_path, "2", [scored(images(), WEPE, by_number)], WEPE)
    unknown, known = read_store(tmp_path)
    assert (unknown.protocol, known.protocol) == ("not recorded", "resize=256")
    assert set(unknown.detectors) == {"rigid"}
    assert finding_notes(unknown.findings) == ["No run told which real images face which generator: all face each."]
    assert [rule.reals for rule in unknown.panel.contrasts["clean"]] == [("photographs",)]


def test_protocols_are_tables_of_their_own(tmp_path):
    native = detector("wepe", fingerprint=sha("native"))
    keep(tmp_path, "1", [scored(images(), WEPE, by_number)], WEPE)
    keep(tmp_path, "2", [scored(images(), native, by_number)], native, protocol={"resize": None})
    assert [dataset.protocol for dataset in read_store(tmp_path)] == ["resize=256", "resize=None"]


def test_images_that_a_method_was_fitted_to_are_left_out_of_its_numbers_alone(tmp_path):
    fitted = detector("ensemble", held_out=["photographs/000.png", "photographs/001.png"])
    keep(
        tmp_path,
        "1",
        [scored(images(), WEPE, by_number), scored(images(), fitted, by_number)],
        {**WEPE, **fitted},
    )
    (dataset,) = read_store(tmp_path)
    rule = dataset.panel.contrasts["clean"][0]
    assert dataset.panel.part("ensemble", "clean", rule).n_real == 2
    assert dataset.panel.part("wepe", "clean", rule).n_real == 4
    assert dataset.coverage["ensemble", "clean"].complete


def test_images_chosen_for_a_contrast_are_read_back(tmp_path):
    members = [("clean", "gan", path) for path, _, _ in [images()[0], images()[4]]]
    keep(tmp_path, "1", [scored(images(), WEPE, by_number)], WEPE, members=members)
    (dataset,) = read_store(tmp_path)
    part = dataset.panel.part("wepe", "clean", dataset.panel.contrasts["clean"][0])
    assert (part.n_real, part.n_generated) == (1, 1)


def test_unreadable_images_have_no_score(tmp_path):
    rows = scored(images(), WEPE, lambda path, label, source: None if path.endswith("000.png") else 1.0)
    keep(tmp_path, "1", [rows], WEPE)
    (dataset,) = read_store(tmp_path)
    assert dataset.panel.part("wepe", "clean").n_unreadable == 2
    assert dataset.coverage["wepe", "clean"].complete


def test_generators_of_two_runs_come_together(tmp_path):
    keep(tmp_path, "1", [scored(images(generators=("gan",)), WEPE, by_number)], WEPE)
    keep(tmp_path, "2", [scored(images(generators=("flow",)), WEPE, by_number)], WEPE)
    (dataset,) = read_store(tmp_path)
    assert [rule.generator for rule in dataset.panel.contrasts["clean"]] == ["flow", "gan"]
    assert dataset.coverage["wepe", "clean"].complete


def test_an_empty_store_is_said_in_one_line(tmp_path):
    with pytest.raises(BenchError, match="There are no scores under"):
        read_store(tmp_path)


def test_a_broken_part_is_named(tmp_path):
    keep(tmp_path, "1", [scored(images(), WEPE, by_number)], WEPE)
    (part,) = tmp_path.glob("scores/*/*/part-*.parquet")
    part.write_bytes(part.read_bytes()[:200])
    with pytest.raises(BenchError, match=part.name):
        read_store(tmp_path)


def test_a_broken_description_of_a_run_is_named(tmp_path):
    keep(tmp_path, "1", [scored(images(), WEPE, by_number)], WEPE)
    (file,) = tmp_path.glob("scores/*/*/run.json")
    file.write_text("{")
    with pytest.raises(BenchError, match=r"run\.json is damaged: .* --mend"):
        read_store(tmp_path)


def test_two_titles_that_share_a_folder_are_told_by_their_own_runs(tmp_path):
    """Both are kept under ``folder-x``; the runs of one must not say how many images the other should have."""
    keep(tmp_path, "1", [scored(images(), WEPE, by_number, dataset="folder:x")], WEPE, name="first")
    keep(tmp_path, "2", [scored(images(2, 2), WEPE, by_number, dataset="folder-x")], WEPE, wanted=1000, name="second")
    second, first = read_store(tmp_path)
    assert (first.title, first.name, str(first.coverage["wepe", "clean"])) == ("folder:x", "first", "8 of 8 images")
    assert (second.title, second.name) == ("folder-x", "second")
    assert str(second.coverage["wepe", "clean"]) == "4 of 1,000 images"
