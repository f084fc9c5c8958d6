"""What a score is said to mean, and that it means nothing where the detector knew nothing."""

import csv
import io
import json

import numpy as np
import pytest

from bench.report.explained_score import at_or_below_chance, chance_warnings, explained
from bench.report.score_rows import FORMATS
from bench.results.reference_set import Reference, Standing
from bench.scoring.files import ScoredImage
from bench.statistics.bootstrap import Interval
from bench.statistics.number import Number

GOOD = Number(0.9, Interval(0.8, 0.95), chance=0.5)
BELOW = Number(0.27, Interval(0.19, 0.38), chance=0.5)
LEVEL = Number(0.55, Interval(0.45, 0.65), chance=0.5)


def standing(higher, reals):
    return Standing("mine", higher, reals, higher, reals)


@pytest.mark.parametrize(
    ("higher", "reals", "sentence"),
    [
        (64, 100, "64 of 100 real photographs of mine score at least as high as yours: nothing unusual. This cannot "
                  "prove a picture real."),
        (1, 12, "1 of 12 real photographs of mine scores at least as high as yours: nothing unusual. This cannot prove "
                "a picture real."),
        (643, 1000, "About 64 of 100 real photographs of mine score at least as high as yours: nothing unusual. This "
                    "cannot prove a picture real."),
        (2, 1000, "Fewer than 1 of 100 real photographs of mine score at least as high as yours: unusual for a real "
                  "photograph of that kind. This cannot prove a picture generated: about 5 % of real ones look as "
                  "unusual."),
        (0, 99, "None of 99 real photographs of mine scores at least as high as yours: unusual for a real photograph "
                "of that kind. This cannot prove a picture generated: about 5 % of real ones look as unusual."),
        # With so few none can be unusual: a share of 1/13 is above 5 %.
        (0, 12, "None of 12 real photographs of mine scores at least as high as yours: nothing unusual. This cannot "
                "prove a picture real."),
    ],
)  # fmt: skip
def test_a_standing_is_explained_in_a_sentence(higher, reals, sentence):
    assert explained(standing(higher, reals), GOOD) == sentence


@pytest.mark.parametrize("auroc", [BELOW, LEVEL, Number(0.5)])
def test_nothing_is_concluded_from_a_detector_at_or_below_chance(auroc):
    words = explained(standing(0, 99), auroc)
    assert words.startswith("None of 99 real photographs of mine scores at least as high as yours. This says nothing ")
    assert f"(AUROC {auroc.value:.2f}, where guessing has 0.50)" in words
    assert "unusual" not in words


@pytest.mark.parametrize(
    ("auroc", "expected"),
    [(GOOD, False), (BELOW, True), (LEVEL, True), (Number(0.5), True), (Number(0.51), False), (Number(np.nan), False)],
)
def test_the_interval_says_where_an_auroc_stands_and_without_one_the_value(auroc, expected):
    assert at_or_below_chance(auroc) == expected


def reference(auroc):
    scores = np.arange(20.0)
    return Reference("mine", scores, scores, frozenset(), auroc)


def test_the_warning_names_the_detector_the_number_and_how_it_stands():
    references = {"good": reference(GOOD), "bad": reference(BELOW), "blind": reference(LEVEL)}
    bad, blind = chance_warnings(references)
    assert bad.startswith("bad: on mine its AUROC is 0.27 [0.19, 0.38], below chance: ")
    assert blind.startswith("blind: on mine its AUROC is 0.55 [0.45, 0.65], not separated from chance: ")


def written(kind, explain):
    sink = io.StringIO()
    writer = FORMATS[kind](sink, ["x"], {"x": reference(GOOD)}, explain=explain)
    writer.begin(["a.png"])
    writer.write(ScoredImage("a.png", "0" * 64, {"x": 10.0}))
    return sink.getvalue()


def test_each_format_has_the_sentence_where_it_was_asked_for_and_nothing_else_changes():
    words = "10 of 20 real photographs of mine score at least as high as yours: nothing unusual."
    table, bare = written("table", True).splitlines(), written("table", False).splitlines()
    assert (table[:2], table[2]) == (bare, f"  x: {words} This cannot prove a picture real.")
    (row,), (before,) = (list(csv.DictReader(io.StringIO(written("csv", asked)))) for asked in (True, False))
    assert row.pop("x_explained").startswith(words)
    assert row == before
    found, without = (json.loads(written("json", asked)) for asked in (True, False))
    assert found["standings"]["x"].pop("explained").startswith(words)
    assert found == without
