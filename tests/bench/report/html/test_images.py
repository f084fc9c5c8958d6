import base64
import io

import numpy as np
import pytest
from PIL import Image
from report_sections import BROKEN, image_bytes, made_panel

from bench.report.html.histograms import histograms_of
from bench.report.html.wrong import most_wrong, thumbnail_of


def test_most_wrong_are_high_reals_and_low_generated():
    panel = made_panel({"x": [5.0, 1.0, 2.0, 6.0, 0.0, 3.0]}, [0, 0, 0, 1, 1, 1])
    real, generated = most_wrong(panel, "x", "clean").values()
    # Descending: gan 6, camera 5, gan 3, camera 2, camera 1, gan 0.
    assert [(one.score, one.rank, one.total, one.passed) for one in real] == [
        (5.0, 2, 6, 2 / 3),
        (2.0, 4, 6, 1 / 3),
        (1.0, 5, 6, 1 / 3),
    ]
    assert [(one.score, one.rank, one.passed) for one in generated] == [(0.0, 6, 1.0), (3.0, 3, 1 / 3)]


def test_no_image_is_wrong_where_the_classes_are_apart():
    panel = made_panel({"x": [0.0, 1.0, 2.0, 3.0]}, [0, 0, 1, 1])
    assert most_wrong(panel, "x", "clean") == {0: [], 1: []}


def test_equal_scores_are_not_wrong():
    assert most_wrong(made_panel({"x": [1.0, 1.0]}, [0, 1]), "x", "clean") == {0: [], 1: []}


def test_a_seed_of_wider_scores_does_not_decide():
    # The first seed puts image 0 far above image 1. Mean ranks from below: 5/3, 8/3, and 5/3 for the generated one.
    seeds = [[100.0, 50.0, -1.0], [0.1, 0.3, 0.2], [0.1, 0.3, 0.2]]
    real = most_wrong(made_panel({"x": seeds}, [0, 0, 1]), "x", "clean")[0]
    assert [one.path for one in real] == ["camera/0001.png"]


def test_no_more_images_than_asked_for_are_shown():
    rng = np.random.default_rng(0)
    found = most_wrong(made_panel({"x": rng.normal(size=100)}, np.repeat([0, 1], 50)), "x", "clean")
    assert [len(of) for of in found.values()] == [8, 8]


def test_shares_of_each_class_add_up_to_one():
    rng = np.random.default_rng(0)
    found = histograms_of(made_panel({"x": rng.normal(size=(2, 200))}, np.repeat([0, 1], 100)), "x", "clean")
    assert found.shares["gan"].sum(axis=1) == pytest.approx([1, 1])
    assert found.exponent == 0


@pytest.mark.parametrize("scale", [1e308, 5e-324, 1e-9])
def test_scores_of_any_magnitude_have_a_histogram(scale):
    found = histograms_of(made_panel({"x": np.array([-1.0, 0.0, 0.0, 1.0]) * scale}, [0, 0, 1, 1]), "x", "clean")
    assert np.isfinite(found.edges).all()
    assert (np.diff(found.edges) > 0).all()
    assert found.shares["gan"].sum(axis=1) == pytest.approx([1, 1])


def test_constant_scores_have_a_histogram():
    found = histograms_of(made_panel({"x": [0.7, 0.7]}, [0, 1]), "x", "clean")
    assert (found.shares["gan"].max(axis=1) == 1).all()


def test_a_thumbnail_is_small_and_keeps_its_shape():
    picture = thumbnail_of("real/00.png", image_bytes)
    data = base64.b64decode(picture.uri.removeprefix("data:image/webp;base64,"))
    assert (picture.width, picture.height) == Image.open(io.BytesIO(data)).size == (128, 85)


def test_a_broken_file_is_shown_as_such():
    picture = thumbnail_of(BROKEN, image_bytes)
    assert (picture.uri, picture.reason) == ("", "unreadable: truncated")


def test_a_missing_file_is_shown_as_such(tmp_path):
    picture = thumbnail_of("gone.png", lambda path: (tmp_path / path).read_bytes())
    assert picture.reason == "cannot be read: No such file or directory"
