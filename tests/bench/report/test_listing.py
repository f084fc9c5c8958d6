"""What ``list`` prints."""

import io
import re

import pytest
from rich.console import Console

from bench.cli.app import main
from bench.report.detectors import card_lines, listed_detectors
from bench.report.listing import missing_words, print_backbones, print_cards, print_detectors
from detectors import list_backbones

LISTED = listed_detectors()
NAMES = [detector.name for detector in LISTED]


def printed(width: int = 300, long: bool = False) -> str:
    out = io.StringIO()
    print_detectors(LISTED, Console(file=out, width=width), long)
    return out.getvalue()


def words_of(text: str) -> str:
    return " ".join(re.sub(r"^ *- ", "", line) for line in text.splitlines())


def test_the_table_has_a_row_for_each_detector_those_first_that_are_ready() -> None:
    table = printed().partition("\n\n")[0].splitlines()[3:]
    assert sorted(row.split()[0] for row in table) == sorted(NAMES)
    ready = [row.endswith(" ready") for row in table]
    assert ready == sorted(ready, reverse=True)
    assert sum(ready) == sum(detector.here for detector in LISTED)
    (row,) = [row for row in table if row.startswith("rigid ")]
    assert re.split("  +", row) == ["rigid", "Robustness of the representation to noise on the image", "1 + 1", "ready"]
    (row,) = [row for row in table if row.startswith("univfd ")]
    assert re.split("  +", row)[2:] == ["1 + 0", "backbone clip-vitl14, checkpoint"]


def test_what_is_missing_is_named_without_what_only_a_card_has_room_for() -> None:
    missing = {detector.name: missing_words(detector) for detector in LISTED}
    assert missing["npr"] == missing["f3net"] == ["checkpoint"]
    assert missing["lare"] == ["checkpoint", "map of losses for each image"]
    assert missing["aeroblade"] == []


def test_only_the_long_list_has_cards() -> None:
    assert "Known weaknesses:" not in printed()
    long = printed(long=True)
    assert long.count("Known weaknesses:") == len(LISTED)
    assert long.startswith(printed().partition("\n\n")[0])


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_card_of_any_width_has_all_its_words(width: int) -> None:
    for detector in LISTED:
        out = io.StringIO()
        print_cards([detector], Console(file=out, width=width))
        wide = [line for line in out.getvalue().splitlines() if len(line) > width]
        assert all("/" in line and " " not in line.strip(" -") for line in wide), wide
        told = re.sub(r"[\s-]", "", out.getvalue())
        assert told == re.sub(r"[\s-]", "", "".join(card_lines(detector)))


def test_every_backbone_is_listed(hub_cache) -> None:
    out = io.StringIO()
    print_backbones(list_backbones(), Console(file=out, width=200), long=True)
    for name, info in list_backbones().items():
        assert f"\n{name}: {info.description}\nPaper: {info.paper}\n" in out.getvalue()
    table = out.getvalue().partition("\n\n")[0]
    (row,) = [row for row in table.splitlines() if row.startswith("dinov2-vits14 ")]
    assert re.split("  +", row) == ["dinov2-vits14", "DINOv2 ViT-S/14, class token", "weights of the hub"]


def test_names_choose_cards_and_an_unknown_one_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "detectors", "wepe", "rigid"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("wepe: Weight perturbation\nPaper: arXiv 2412.05897\n")
    assert [name for name in NAMES if re.search(f"^{re.escape(name)}: ", out, re.M)] == ["rigid", "wepe"]
    assert main(["list", "backbones", "clip-vitl14"]) == 0
    assert capsys.readouterr().out.startswith("clip-vitl14: CLIP ViT-L/14 of OpenAI, image encoder\n")
    for words, near in ((["detectors", "rigd"], "rigid"), (["backbones", "clip-vitl"], "clip-vitl14")):
        assert main(["list", *words]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert f"Did you mean '{near}'?" in captured.err
