"""Sentences around a table."""

from report_sections import FACTS, made_panel

from bench.report.notes import comparison_notes
from bench.results.comparison import Comparison
from bench.results.summary import summarise
from bench.store.contrasts import rules_of


def notes_of(contrasts):
    labels = [0, 0, 0, 1, 1, 1]
    sources = ["adm/nature", "adm/nature", "glide/nature", "adm", "adm", "glide"]
    panel = made_panel({"x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]}, labels, sources)
    panel.contrasts["clean"] = rules_of(contrasts)
    data = FACTS["data"] | {"name": "folder", "notes": []}
    run = FACTS | {"options": {"seeds": 1}, "data": data, "detectors": {}}
    return comparison_notes(Comparison("t", panel, summarise(panel, ["auroc"]), run=run))


def test_a_note_says_that_every_generator_faces_all_reals():
    reals = ["adm/nature", "glide/nature"]
    assert "Every generator faces all 3 real images." in notes_of({"adm": reals, "glide": reals})


def test_a_note_says_which_reals_each_generator_faces():
    said = "Real images that each generator faces: adm: 2 of adm/nature; glide: 1 of glide/nature."
    assert said in notes_of({"adm": ["adm/nature"], "glide": ["glide/nature"]})
