"""A comparison with a detector that was trained on some of the images."""

import json

import polars as pl
import pytest
from made_fits import fit_options, options, shared_prompts

from bench.report.notes import comparison_notes
from bench.results.comparing import compare
from bench.scoring.training_record import read_record
from bench.training.fit import fit_detector

pytestmark = pytest.mark.usefixtures("small_views")


@pytest.mark.heavy
def test_compare_leaves_the_trained_groups_out_of_the_numbers_of_the_trained_detector(tmp_path):
    root, file = shared_prompts(tmp_path), tmp_path / "probe.safetensors"
    held_out = fit_detector(fit_options(file), options(root, tmp_path / "r"))
    label = "linear-probe:checkpoint=probe.safetensors"
    result = compare([f"linear-probe:checkpoint={file}", "rigid"], options(root, tmp_path / "r", generators=["softer"]))
    # Only the unseen generator is there, and the prompts that it shares with the seen one are left out still.
    expected = next(row for _, row in held_out.rows if row.generator == "softer")
    rows = {row.detector: row for row in result.summary.rows}
    assert rows[label].numbers["auroc"].value == pytest.approx(expected.numbers["auroc"].value)
    assert rows["rigid"].n_real > rows[label].n_real == expected.n_real
    assert any("trained on images of" in note for note in comparison_notes(result))
    facts = [json.loads(file.read_text()) for file in (tmp_path / "r").glob("scores/*/*/run.json")]
    told = [one for run in facts for one in run["detectors"].values() if one["name"] == "linear-probe"]
    assert told
    for one in told:
        assert set(one["held_out"]).isdisjoint(result.scores().filter(pl.col("detector") == label)["group"])
        assert 0 < len(one["held_out"]) <= len(read_record(file).groups)
