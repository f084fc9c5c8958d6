"""Texts in narrow places."""

import pytest

from bench.report.folding import ELLIPSIS, SHORTEST, fold, narrowest, shortened

NAMES = (
    *("rigid", "wepe:rule=tensor_std,noise=0.05", "wepe:rule=tensor_std,noise=0.06", "rigid+wepe:rule=tensor_std,n=1"),
    *("stylegan2-ffhq-256-from-2019", "a" * 70, "a" * 69 + "b", "a" * 71, "写真の生成器" * 6, "/data/my pictures/real"),
)


@pytest.mark.parametrize("width", range(10, 60))
def test_no_line_is_wider_and_no_letter_is_lost(width):
    for name in NAMES:
        lines = fold(name, width)
        assert all(len(line.encode("utf-16-le")) // 2 <= width for line in lines)
        assert "".join(lines).replace(" ", "") == name.replace(" ", "")


def test_a_wide_letter_takes_two_cells():
    assert fold("写真の生成器", 5) == ["写真", "の生", "成器"]


def test_numbers_and_intervals_stay_whole():
    assert fold("0.9100 ±0.0012 ~[0.880, 0.930] (chance 0.30)", 15) == [
        *("0.9100 ±0.0012", "~[0.880, 0.930]", "(chance 0.30)"),
    ]
    assert fold("1,234,567 of 2,345,678", 9) == ["1,234,567", "of", "2,345,678"]
    assert fold("0.5 [no interval]", 14) == ["0.5", "[no interval]"]
    assert narrowest("-0.0100 [-0.010, +0.030]") == len("[-0.010, +0.030]")
    assert narrowest("2026-11-27T13:53") == 16


def test_a_name_is_folded_between_its_options_rather_than_in_their_names():
    assert fold("wepe:rule=tensor_std,noise=0.05", 16) == ["wepe:", "rule=tensor_std,", "noise=0.05"]
    assert fold("wepe:rule=tensor_std,noise=0.05", 12) == ["wepe:rule=", "tensor_std,", "noise=0.05"]
    assert fold("rigid+wepe+npr", 7) == ["rigid+", "wepe+", "npr"]


def test_our_own_line_breaks_stay():
    assert fold("one two\n\nthree", 10) == ["one two", "", "three"]
    assert fold("", 10) == [""]


def test_a_path_stays_whole_where_it_must_on_a_line_of_its_own():
    path = "/home/someone/" + "a/" * 40 + "compare.csv"
    assert fold(f"It was written into {path} just now.", 30, keep_paths=True) == [
        *("It was written into", path, "just now."),
    ]
    assert max(map(len, fold(path, 30))) == 30  # where it need not


@pytest.mark.parametrize("width", [SHORTEST, 12, 16, 24, 32])
def test_shortened_names_differ_and_fit_and_keep_both_ends(width):
    short = shortened(NAMES, width)
    assert len({*short.values()}) == len(NAMES)
    for name, text in short.items():
        if len(name) <= width and name.isascii():
            assert text == name
        else:
            assert ELLIPSIS in text
            assert len(text.encode("utf-16-le")) // 2 <= width
            assert name.startswith(text.split(ELLIPSIS)[0])


def test_names_that_no_middle_keeps_apart_are_numbered():
    names = [f"{'x' * 30}{number}{'y' * 30}" for number in range(12)]
    short = shortened(names, 12)
    assert next(iter(short.values())) == "xxxx...yyy#1"
    assert len({*short.values()}) == 12
    assert max(map(len, short.values())) == 12


def test_a_numbered_name_is_no_other_name():
    names = [f"{'x' * 30}1{'y' * 30}", f"{'x' * 30}2{'y' * 30}", "xxxx...yyy#1"]
    assert len({*shortened(names, 12).values()}) == 3
