"""A run in which not one image could be read has failed, says why, and still writes its tables."""

import pytest

from bench.cli.app import main

pytestmark = pytest.mark.usefixtures("small_views")
TOLD = "None of the 80 images could be read: 79 not an image, 1 empty file.\n"


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> list[str]:
    """The options of a run on files of which none is an image."""
    root = tmp_path_factory.mktemp("unread")
    for source in ("real/camera", "generated/model"):
        (root / "images" / source).mkdir(parents=True)
        for number in range(40):
            (root / "images" / source / f"{number:02d}.png").write_text(f"text {number} of {source}")
    (root / "images/real/camera/00.png").write_bytes(b"")
    words = ["--dataset", "folder", "--data-root", str(root / "images"), "--num-workers", "0"]
    return [*words, "--output", str(root / "results")]


def told_after_warnings(complained: str) -> str:
    """What stands behind the tables' warnings."""
    lines = complained.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("Warning: "))


@pytest.mark.parametrize(
    ("command", "file"),
    [
        (["compare", "--detectors", "rigid"], "compare.csv"),
        (["robustness", "--detectors", "rigid", "--conditions", "jpeg:50"], "robustness.csv"),
        (["audit"], "audit.csv"),
    ],
)
def test_a_run_that_read_nothing_is_exit_code_one_with_the_reasons(words, tmp_path, capsys, command, file):
    words = [*words[:-1], str(tmp_path)]
    assert main([*command, *words]) == 1
    assert told_after_warnings(capsys.readouterr().err) == TOLD
    assert (tmp_path / file).is_file()


def test_a_store_without_a_score_is_exit_code_one(words, capsys):
    assert main(["compare", "--detectors", "rigid", *words]) == 1
    for command, file in (("thresholds", "thresholds.csv"), ("leaderboard", "leaderboard.csv")):
        capsys.readouterr()
        assert main([command, *words[-2:]]) == 1
        printed, complained = capsys.readouterr()
        assert told_after_warnings(complained) == "None of the 80 images could be read.\n"
        assert file in printed


@pytest.mark.parametrize("detector", ["linear-probe", "resnet50"])
def test_nothing_is_trained_on_nothing(words, tmp_path, capsys, detector):
    file = tmp_path / "fitted.safetensors"
    assert main(["fit", "--detector", detector, "--save", str(file), "--generators", "model", *words]) == 1
    assert capsys.readouterr().err == f"error: {TOLD}"
    assert not file.exists()


def test_one_image_is_not_nothing(words, photograph, tmp_path, capsys):
    for label, source in (("real", "camera"), ("generated", "model")):
        (tmp_path / "images" / label / source).mkdir(parents=True)
        (tmp_path / "images" / label / source / "a.png").write_text("text")
    photograph(0).save(tmp_path / "images/real/camera/b.png")
    words = [*words[:2], "--data-root", str(tmp_path / "images"), *words[4:-1], str(tmp_path / "results")]
    for command in (["compare", "--detectors", "rigid"], ["audit"]):
        assert main([*command, *words]) == 0
        assert told_after_warnings(capsys.readouterr().err) == ""
