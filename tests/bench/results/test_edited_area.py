"""AUROC of edited images by the share of their area."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from made_apart import EDITED, made_apart

from bench.results.edited_area import edited_areas
from bench.statistics.metrics import auroc


def with_shares(panel, shares):
    """Gives the edited images other shares, in the order of their paths."""
    edited = (panel.images["generator"] == EDITED).to_numpy()
    column = np.full(len(edited), np.nan)
    column[edited] = shares
    return replace(panel, images=panel.images.with_columns(share=pl.Series(column).fill_nan(None)))


def test_each_quartile_faces_the_same_reals():
    panel = with_shares(made_apart(each=60), np.random.default_rng(1).permutation(np.arange(60) / 100))
    rows = [row for row in edited_areas(panel) if row.detector == "poor"]
    assert [row.quartile for row in rows] == [1, 2, 3, 4]
    assert [row.images for row in rows] == [15, 15, 15, 15]
    assert [(row.low, row.high) for row in rows] == [
        (0.0, pytest.approx(0.14)), (0.15, pytest.approx(0.29)), (0.3, pytest.approx(0.44)), (0.45, pytest.approx(0.59))
    ]  # fmt: skip
    shares = panel.images["share"].fill_null(np.nan).to_numpy()
    real = (panel.images["generator"] == "camera").to_numpy()
    scores = panel.scores[panel.seeds("poor", "clean")[0]]
    for row in rows:
        chosen = real | ((shares >= row.low) & (shares <= row.high))
        assert row.auroc.value == pytest.approx(auroc(panel.labels[chosen], scores[chosen]))
        assert row.auroc.interval.low < row.auroc.value < row.auroc.interval.high


def test_images_without_a_share_are_left_out():
    shares = np.where(np.arange(60) < 12, np.nan, np.arange(60) / 100)
    rows = edited_areas(with_shares(made_apart(each=60), shares))
    assert sum(row.images for row in rows if row.detector == "good") == 48
    assert edited_areas(with_shares(made_apart(), np.nan)) == []


def test_images_alike_in_their_share_stay_together():
    shares = np.repeat([0.1, 0.5], [45, 15])
    rows = [row for row in edited_areas(with_shares(made_apart(each=60), shares)) if row.detector == "good"]
    assert [(row.low, row.high, row.images) for row in rows] == [(0.1, 0.1, 45), (0.5, 0.5, 15)]


def test_fewer_than_forty_images_are_too_few():
    rows = edited_areas(made_apart(each=39))
    assert {row.quartile for row in rows} == {0}
    assert all(np.isnan(row.auroc.value) for row in rows)
    assert rows[0].auroc.reason == "fewer than 40 edited images with a known share (39)"


def test_a_quartile_of_few_groups_has_no_interval():
    panel = with_shares(made_apart(each=40), np.arange(40) / 100)
    images = panel.images.with_columns(
        group=pl.when(pl.col("generator") == EDITED).then(pl.lit("one")).otherwise(pl.col("group"))
    )
    rows = edited_areas(replace(panel, images=images))
    assert {row.auroc.reason for row in rows} == {
        "fewer than 10 independent groups among the generated images (1)"
    }  # fmt: skip


def test_only_generators_apart_are_measured_and_a_panel_without_shares_says_nothing():
    assert {row.generator for row in edited_areas(made_apart(each=40))} == {EDITED}
    panel = made_apart(each=40)
    assert edited_areas(replace(panel, images=panel.images.drop("share"))) == []
