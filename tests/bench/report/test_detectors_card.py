import io
import re

import pytest
from rich.console import Console

from bench.cli.app import main
from bench.report.detector_card import NONE_FOUND, card_lines
from bench.report.detectors import list_methods, print_methods
from detectors import list_detectors

METHODS = {method.name: method for method in list_methods()}
SOURCE = re.compile(r"(arXiv \d{4}\.\d{5}|[\w-]+/[\w-]+(@[0-9a-f]{7}|, (issue|issues) \d+)|a third party's report)")


@pytest.mark.parametrize("name", list(METHODS))
def test_a_card_says_paper_needs_training_data_cost_and_weaknesses(name):
    lines = card_lines(METHODS[name])
    starts = ("Paper: ", "Needs:", "Training data:", "Cost per image, in passes: ", "Known weaknesses:", "Options:")
    positions = [next(number for number, line in enumerate(lines) if line.startswith(start)) for start in starts]
    assert positions == sorted(positions)
    assert lines[0].startswith(f"{name}: ")


@pytest.mark.parametrize("name", list(METHODS))
def test_every_weakness_is_a_sentence_that_names_its_source(name):
    cls = list_detectors()[name]
    assert isinstance(cls.weaknesses, tuple)
    for sentence in cls.weaknesses:
        assert sentence.endswith(".")
        assert SOURCE.search(sentence), sentence
        assert f"{sentence}" in " ".join(card_lines(METHODS[name]))


def test_methods_without_training_have_known_weaknesses():
    for name in ("aeroblade", "gradient-cuff", "mc-dropout", "rigid", "wepe", "wepe-gradient-cuff"):
        assert list_detectors()[name].weaknesses
        assert "Training data: none, the method is training-free" in card_lines(METHODS[name])


def test_released_files_stand_with_what_they_were_trained_on():
    for name, cls in list_detectors().items():
        for file in getattr(cls, "released", ()):
            (line,) = [line for line in card_lines(METHODS[name]) if f"{file.name}: " in line]
            assert f"{file.name}: {', '.join(file.trained_on)} ({file.source}" in line
            assert file.sha256 is None or file.sha256 in line
    assert "  - NPR_GenImage_sdv4.pth: sd14 (chuangchuangtan/NPR" in "\n".join(card_lines(METHODS["npr"]))
    assert "Training data: that of the checkpoint: no released file is known" in card_lines(METHODS["f3net"])


def test_a_detector_without_a_recorded_weakness_says_so(monkeypatch):
    monkeypatch.setattr(list_detectors()["rigid"], "weaknesses", ())
    assert f"Known weaknesses: {NONE_FOUND}" in card_lines(METHODS["rigid"])


def test_several_weaknesses_stand_below_each_other():
    lines = card_lines(METHODS["rigid"])
    first = lines.index("Known weaknesses:") + 1
    assert [line.removeprefix("  - ") for line in lines[first : first + 3]] == list(
        list_detectors()["rigid"].weaknesses
    )


def test_needs_name_their_source_and_whether_they_are_here():
    assert "Needs: backbone efficientnet-lite0 (installed with the package): here" in card_lines(METHODS["rigid"])


def test_only_the_long_list_has_cards(capsys):
    out = io.StringIO()
    print_methods(tuple(METHODS.values()), Console(file=out, width=40))
    assert "Known weaknesses:" not in out.getvalue()
    assert main(["list", "detectors", "--long"]) == 0
    assert capsys.readouterr().out.count("Known weaknesses:") == len(METHODS)
