"""Which real images face which generator, in words."""

import pytest
from report_sections import FACTS, made_panel

from bench.report.facing import facing_notes
from bench.report.notes import comparison_notes
from bench.results.comparison import Comparison
from bench.results.summary import summarise
from bench.store.contrasts import rules_of

OWN = ("adm/nature", "glide/nature")


def panel_of(contrasts, apart=(), sources=("adm/nature", "adm/nature", "glide/nature", "adm", "adm", "glide")):
    labels = [int("nature" not in name) for name in sources]
    panel = made_panel({"x": [float(number) for number in range(len(sources))]}, labels, list(sources))
    panel.contrasts["clean"] = rules_of(contrasts, apart)
    return panel


@pytest.mark.parametrize("always", [True, False])
def test_all_reals_of_several_sources_are_said_to_matter(always):
    (note,) = facing_notes(panel_of({"adm": OWN, "glide": OWN}), "clean", always)
    assert note.startswith("Every generator faces all 3 real images, of 2 sources together: adm/nature, glide/nature. ")
    assert "--pair-by-name" in note


def test_all_reals_of_one_source_are_said_where_it_is_asked_for():
    panel = panel_of({"adm": ["nature"]}, sources=("nature", "nature", "adm"))
    assert facing_notes(panel, "clean") == ["Every generator faces all 2 real images."]
    assert facing_notes(panel, "clean", always=False) == []
    assert facing_notes(panel, "jpeg:75") == []


def test_each_generator_is_named_with_the_reals_that_it_faces():
    (note,) = facing_notes(panel_of({"adm": OWN[:1], "glide": OWN[1:]}), "clean")
    assert note.startswith(
        "Real images that generators face: adm faces adm/nature (2); glide faces glide/nature (1). AUROC depends"
    )
    (note,) = facing_notes(panel_of({"adm": OWN[:1], "glide": OWN[:1]}), "clean")
    assert note == "Real images that generators face: adm, glide face adm/nature (2)."


def test_long_lists_are_shortened():
    names = [f"g{number}" for number in range(8)]
    sources = [f"{name}/nature" for name in names]
    panel = panel_of({name: [f"{name}/nature"] for name in names}, sources=[*sources, *names])
    (note,) = facing_notes(panel, "clean")
    assert "g4 faces g4/nature (1); and 3 more." in note
    (note,) = facing_notes(panel_of(dict.fromkeys(names, sources[:7]), sources=[*sources, *names]), "clean")
    assert "g0, g1, g2, g3, g4 and 3 more face g0/nature, g1/nature, g2/nature, g3/nature, g4/nature and 2 more" in note


def test_edited_images_are_said_to_be_in_no_mean():
    _, note = facing_notes(panel_of({"adm": OWN, "glide": OWN}, apart=["glide"]), "clean")
    assert note == "Edited images, in rows of their own and outside means and ranks: glide."
    _, note = facing_notes(panel_of({"adm": OWN, "glide": OWN}, apart=["adm", "glide"]), "clean")
    assert note.endswith("There is no other generator, so no mean and no rank: see --partial.")


def test_a_comparison_says_it_with_a_run_and_without():
    panel = panel_of({"adm": OWN[:1], "glide": OWN[1:]})
    data = FACTS["data"] | {"name": "folder", "notes": []}
    run = FACTS | {"options": {"seeds": 1}, "data": data, "detectors": {}}
    for facts in (run, {}):
        notes = comparison_notes(Comparison("t", panel, summarise(panel, ["auroc"]), run=facts))
        assert any(note.startswith("Real images that generators face: adm faces adm/nature (2)") for note in notes)
