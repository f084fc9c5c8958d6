"""Whether eight series can be told apart, and from the ground, by the arithmetic of colour itself."""

import itertools

import numpy as np
import pytest

from bench.report.plots.colours import PAPER, PAPER_ON_DARK, SERIES, SERIES_ON_DARK, css_variables
from bench.report.plots.svg import MARKERS, series_style

# From linear sRGB to XYZ under D65 (IEC 61966-2-1), and the white of that.
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)
# What people without one kind of cone see, in linear sRGB: Machado, Oliveira and Fernandes, "A physiologically-based
# model for simulation of color vision deficiency", IEEE TVCG 15 (2009), severity 1.0.
SEEN = {
    "all three": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
LISTS = {"light": (SERIES, (PAPER, "#ffffff")), "dark": (SERIES_ON_DARK, (PAPER_ON_DARK,))}
CLEARLY = 20
"""Of CIE 1976 differences, of which 2.3 is just noticed side by side."""


def linear(colour):
    values = np.array(list(bytes.fromhex(colour[1:]))) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(light):
    ratio = TO_XYZ @ np.clip(light, 0, 1) / WHITE
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(first, second, seen="all three"):
    return float(np.linalg.norm(lab(SEEN[seen] @ linear(first)) - lab(SEEN[seen] @ linear(second))))


def contrast(first, second):
    """WCAG's ratio of luminances."""
    dark, bright = sorted(TO_XYZ[1] @ linear(colour) for colour in (first, second))
    return (bright + 0.05) / (dark + 0.05)


def test_the_arithmetic_knows_colours_of_known_difference():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert lab(linear("#ff0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.05)  # the table of every textbook
    assert difference("#000000", "#ffffff") == pytest.approx(100)
    # A red and a green that are one colour to who is blind to red.
    assert difference("#a05a00", "#6c6c00") > 30
    assert difference("#a05a00", "#6c6c00", "protanopia") < 15


@pytest.mark.parametrize("ground", LISTS)
@pytest.mark.parametrize("seen", SEEN)
def test_every_two_series_differ_to_everyone(ground, seen):
    series, _ = LISTS[ground]
    near = {pair: difference(*pair, seen) for pair in itertools.combinations(series, 2)}
    assert len(near) == 28
    assert {pair: found for pair, found in near.items() if found < CLEARLY} == {}


@pytest.mark.parametrize("ground", LISTS)
def test_series_stand_out_from_the_ground(ground):
    # 3 is what WCAG 2.1 (1.4.11) asks of graphics.
    series, papers = LISTS[ground]
    assert [colour for colour in series for paper in papers if contrast(colour, paper) < 3] == []


def test_markers_differ_too_and_lines_where_colours_repeat():
    eight, ninth = [series_style(position) for position in range(8)], series_style(8)
    assert len({style["marker"] for style in eight}) == len({style["color"] for style in eight}) == len(MARKERS) == 8
    assert ninth["color"] == eight[0]["color"]
    assert ninth["linestyle"] != eight[0]["linestyle"]


def test_a_page_takes_its_colours_from_the_same_list():
    for dark, series in ((False, SERIES), (True, SERIES_ON_DARK)):
        for number, colour in enumerate(series, start=1):
            assert f"--series-{number}: {colour}" in css_variables(dark).split("; ")
