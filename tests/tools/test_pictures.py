import shutil
import xml.etree.ElementTree as ET

import pytest

from bench.errors import BenchError
from tools import pictures


def test_the_terminals_picture_is_svg_that_holds_what_was_printed_and_asks_the_network_for_nothing():
    svg = pictures.terminal_svg("$ python -m bench\n\x1b[1mrigid\x1b[0m  0.77 <b>\n")
    root = ET.fromstring(svg)
    words = "".join(root.itertext())
    assert root.tag.endswith("svg")
    assert "rigid" in words
    assert "0.77" in words
    assert "\x1b" not in svg
    assert "http" not in svg.replace("http://www.w3.org", "").replace("https://www.textualize.io", "")


def test_a_long_output_is_cut_and_says_so():
    words = "".join(ET.fromstring(pictures.terminal_svg("\n".join(f"row{n}" for n in range(100)))).itertext())
    assert "row38" in words
    assert "row39" not in words
    assert "..." in words


def test_without_a_browser_one_line_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(pictures, "FOLDER", tmp_path / "pictures")
    assert pictures.main() == 2
    told = capsys.readouterr().err
    assert "apt-get install chromium" in told
    assert told.count("\n") == 1
    assert not (tmp_path / "pictures").exists()


@pytest.mark.heavy
def test_both_pictures_are_made_of_a_run(tmp_path):
    if not any(map(shutil.which, pictures.BROWSERS)):
        pytest.skip("needs Chromium")
    command = (*pictures.COMMAND[:-2], "--limit", "6", *pictures.COMMAND[-2:])
    made = pictures.make_pictures(tmp_path / "made", command)
    assert [file.name for file in made] == ["terminal.svg", "page.png"]
    assert all(0 < file.stat().st_size <= pictures.LARGEST for file in made)
    assert "rigid" in made[0].read_text(encoding="utf-8")


@pytest.mark.heavy
def test_a_run_that_fails_leaves_the_pictures_as_they_were(tmp_path):
    if not any(map(shutil.which, pictures.BROWSERS)):
        pytest.skip("needs Chromium")
    mistaken = ("python", "-m", "bench", "compare", "--detectors", "rigd", "--html", "a.html")
    with pytest.raises(BenchError, match="Unknown detector"):
        pictures.make_pictures(tmp_path, mistaken)
    assert not list(tmp_path.iterdir())
