"""What a sweep tried is known to every later table of the same data set, and of no other."""

import json

import polars as pl
import pytest
from made_stores import detector, images, keep, scored, sha

from bench.report.notes import sentence
from bench.results.leaderboard import read_comparisons
from bench.store.facts import facts_text, parse_facts
from bench.store.listings import listing_of
from bench.store.merging import merge_stores
from bench.store.runs import FACTS_FILE
from bench.store.sweeps import SweptSettings, sweeps_on, swept_folders, swept_settings
from datamodules.items import ITEM_SCHEMA

IMAGES = images(12, 12)


def told(label, **facts):
    return detector(label, **{"name": "rigid", "options": {"noise": label.partition("=")[2] or "0.05"}} | facts)


SWEPT = {**told("rigid:noise=0.1"), **told("rigid:noise=0.05"), **told("rigid:noise=0.2")}


def score(path, label, source):
    return label + len(path) % 3


def store_of(output, listed, *kept, swept=SWEPT, default="rigid:noise=0.05"):
    """Makes a store in which a sweep scored the images, and then the detectors ``kept``, each in a run of its own."""
    listing = listing_of(output, "made-up", listed)
    listing = listing.knowing(listed.select("path", sha256=pl.col("path").map_elements(sha, pl.String))).save()
    for number, detectors in enumerate((swept, *kept)):
        run = f"2026010{number + 1}T000000.000000-run"
        rows = [scored(IMAGES, {key: facts}, score) for key, facts in detectors.items()]
        keep(output, run, rows, detectors, set=listing.key)
        if number == 0:
            note(output / "scores" / "made-up" / run, list(swept.values()), default)
    return listing


def note(folder, facts, default):
    file = folder / FACTS_FILE
    kept = parse_facts(file.read_bytes())
    more = {"settings": [one["label"] for one in facts], **({"default": default} if default else {})}
    file.write_text(facts_text({**kept, "sweep": more}))


@pytest.fixture
def listed():
    """The images as a data set lists them."""
    rows = [
        {"path": path, "label": label, "generator": source, "group": path, "bytes": 1, "mtime_ns": 1, "kind": None}
        for path, label, source in IMAGES
    ]
    return pl.DataFrame(rows, schema=ITEM_SCHEMA).sort("path")


def findings(*outputs):
    (comparison,) = read_comparisons(*outputs)
    return comparison, [finding for finding in comparison.findings if isinstance(finding, SweptSettings)]


def test_a_setting_that_was_tried_is_marked_and_one_that_never_was_is_not(tmp_path, listed):
    store_of(tmp_path, listed, told("rigid:noise=0.3"), detector("other"))
    comparison, (finding,) = findings(tmp_path)
    assert (finding.method, finding.tried) == ("rigid", 3)
    assert finding.chosen == ["rigid:noise=0.1", "rigid:noise=0.2"]
    assert finding.default == ["rigid:noise=0.05"]
    assert comparison.chosen_here == {"rigid:noise=0.1", "rigid:noise=0.2"}
    assert sentence(finding) == (
        "rigid:noise=0.1; rigid:noise=0.2: chosen on this data. 3 settings of rigid were tried here (sweep), and the "
        "number of a chosen one is optimistic. rigid:noise=0.05: not chosen on this data, as it is the method's own "
        "setting; 3 settings of rigid were tried here (sweep)."
    )
    marked = {row["detector"]: row["chosen_on_this_data"] for row in comparison.to_polars().to_dicts()}
    assert marked["rigid:noise=0.1"]
    assert not marked["rigid:noise=0.3"]
    assert not marked["other"]


def test_without_a_sweep_nothing_is_marked(tmp_path, listed):
    store_of(tmp_path, listed)
    for file in tmp_path.glob(f"scores/*/*/{FACTS_FILE}"):
        kept = parse_facts(file.read_bytes())
        file.write_text(facts_text({key: value for key, value in kept.items() if key != "sweep"}))
    assert swept_folders(tmp_path) == []
    assert findings(tmp_path)[1] == []


def test_a_run_finds_the_sweeps_of_its_data_set_and_of_no_other(tmp_path, listed):
    listing = store_of(tmp_path, listed)
    assert [run.name for run in sweeps_on(listing)] == ["20260101T000000.000000-run"]
    renamed = listing_of(tmp_path, "another name", listed)
    renamed = renamed.knowing(listed.select("path", sha256=pl.col("path").map_elements(sha, pl.String))).save()
    assert renamed.identity == listing.identity
    assert len(sweeps_on(renamed)) == 1
    other = listed.with_columns(path="x" + pl.col("path"), group="x" + pl.col("group"))
    unlike = listing_of(tmp_path, "made-up", other)
    unlike = unlike.knowing(other.select("path", sha256=pl.col("path").map_elements(sha, pl.String))).save()
    assert sweeps_on(unlike) == []


def test_a_setting_is_method_options_and_picture_whatever_backbone_and_precision(tmp_path, listed):
    store_of(tmp_path, listed)
    runs = sweeps_on(listing_of(tmp_path, "made-up", listed))
    (same,) = told("rigid:noise=0.1", fingerprint="f" * 64, precision="bf16-mixed", backbone=None).values()
    (seen_otherwise,) = told("rigid:noise=0.1", view="native").values()
    assert swept_settings(runs, {"x": same}, {}) == [SweptSettings("rigid", 3, ["x"], [])]
    assert swept_settings(runs, {"x": seen_otherwise}, {}) == []


def test_an_ensemble_is_what_its_members_are(tmp_path, listed):
    store_of(tmp_path, listed)
    runs = sweeps_on(listing_of(tmp_path, "made-up", listed))
    known = {**SWEPT, **told("rigid:noise=0.3")}
    (fused,) = detector("fused", members=[sha("rigid:noise=0.3"), sha("rigid:noise=0.2")]).values()
    (clear,) = detector("clear", members=[sha("rigid:noise=0.3")]).values()
    (own,) = detector("own", members=[sha("rigid:noise=0.3"), sha("rigid:noise=0.05")]).values()
    shown = swept_settings(runs, {"fused": fused, "clear": clear, "own": own}, known)
    assert shown == [SweptSettings("rigid", 3, ["fused"], ["own"])]


def test_a_sweep_that_scored_nothing_goes_along_when_stores_are_merged(tmp_path, listed):
    store_of(tmp_path / "one", listed)
    sweep = tmp_path / "one" / "scores" / "made-up" / "20260101T000000.000000-run"
    parts = list(sweep.glob("part-*"))
    first = sweep.with_name("20251231T000000.000000-run")
    first.mkdir()
    for part in parts:
        part.rename(first / part.name)
    merge_stores([tmp_path / "one"], tmp_path / "both")
    assert json.loads((tmp_path / "both" / sweep.relative_to(tmp_path / "one") / FACTS_FILE).read_text())["sweep"]
    assert findings(tmp_path / "both")[0].chosen_here == {"rigid:noise=0.1", "rigid:noise=0.2"}
