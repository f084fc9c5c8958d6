"""What is said of detectors that saw another picture than their method was published for."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.report.notes import comparison_notes, sentence
from bench.results.comparing import compare
from bench.results.concerns import ScaledImages
from bench.scoring.options import RunOptions
from detectors import list_detectors

pytestmark = pytest.mark.usefixtures("small_views")

UNSCALED = {"aeroblade", "aide", "b-free", "c2p-clip", "cnnspot", "community-forensics", "contrastive-blur", "conv",
            "dda", "dmid", "drct", "durall", "effort", "f3net", "frank", "gandetection", "gramnet", "hfi", "lare",
            "lgrad", "manifold-bias", "minder", "npr", "patchfor", "rigid", "rine", "safe", "selfblend", "spec",
            "univfd", "warpad", "wepe"}  # fmt: skip


def test_the_methods_published_for_images_as_they_are_say_so():
    assert {name for name, cls in list_detectors().items() if cls.unscaled} == UNSCALED


@pytest.fixture(scope="module")
def options() -> RunOptions:
    return RunOptions(dataset="folder", resize=64, num_workers=0, limit=2)


@pytest.mark.heavy
def test_such_a_detector_is_noted_where_it_saw_scaled_images(options, image_folder, tmp_path):
    options = replace(options, data_root=str(image_folder))
    for resize in (64, None):
        output = tmp_path / str(resize)
        result = compare(["mc-dropout:n=2", "rigid", "rigid:draws=2"], replace(options, resize=resize, output=output))
        scaled = [finding for finding in result.findings if isinstance(finding, ScaledImages)]
        if resize is None:
            assert not scaled
            continue
        (finding,) = scaled
        assert set(finding.detectors) == {"rigid", "rigid:draws=2"}
        words = "published for images as they are; here: short side scaled to 64 px. --resize none leaves every image"
        assert words in sentence(finding)
        assert sentence(finding) in comparison_notes(result)


def test_every_report_names_the_masks_of_mc_dropout_by_default(image_folder, tmp_path, capsys):
    output = tmp_path / "results"
    words = [
        "compare",
        "--long",
        "--detectors",
        "mc-dropout:n=2",
        "--dataset",
        "folder",
        "--data-root",
        str(image_folder),
    ]
    assert main([*words, "--limit", "2", "--num-workers", "0", "--output", str(output)]) == 0
    assert "mask=element" in capsys.readouterr().out
    assert main(["leaderboard", "--output", str(output)]) == 0
    reports = [file for ending in ("html", "md") for file in Path(output).rglob(f"*.{ending}")]
    assert {file.name for file in reports} >= {"compare.md", "LEADERBOARD.md"}
    for file in reports:
        assert "mask=element" in file.read_text(encoding="utf-8"), file
