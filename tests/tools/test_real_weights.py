"""What `make real-weights` runs, and what it says where it cannot; its figures are not made here."""

import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.scoring.specs import parse_detectors
from tools import real_weights


def test_every_training_free_detector_is_run_and_no_other():
    specs = real_weights.training_free(Path("vgg16.safetensors"))
    names = {spec.partition(":")[0] for spec in specs}
    assert {"wepe", "rigid", "mc-dropout", "gradient-cuff", "wepe-gradient-cuff", "aeroblade"} <= names
    assert not names & {"cnnspot", "linear-probe", "npr", "timm", "univfd", "manifold-bias"}
    assert "aeroblade:distance=lpips-vgg,distance_weights=vgg16.safetensors" in specs
    assert len(parse_detectors(specs)) == len(specs)


def test_without_images_one_line_says_how_to_give_them(tmp_path, capsys):
    assert real_weights.main([str(tmp_path / "none"), "--output", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "make real-weights IMAGES=DIR" in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_no_folder_at_all_is_told_too(tmp_path, capsys):
    """`make real-weights` without IMAGES gives an empty word."""
    assert real_weights.main(["", "--output", str(tmp_path / "out")]) == 2
    assert "make real-weights IMAGES=DIR" in capsys.readouterr().err


def test_converted_weights_are_taken_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "no-such-python")  # a download would fail
    for name in ("clip-vitb16.safetensors", "vgg16.safetensors"):
        (tmp_path / name).write_bytes(b"")
    assert real_weights.converted(tmp_path) == (tmp_path / "clip-vitb16.safetensors", tmp_path / "vgg16.safetensors")


@pytest.mark.heavy
def test_what_pip_cannot_have_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for variable in ("PIP_FIND_LINKS", "PIP_CONFIG_FILE"):
        monkeypatch.setenv(variable, "/dev/null")
    with pytest.raises(BenchError, match=f"pip cannot download no-such-thing==1.0 with sha256 {'0' * 64}"):
        real_weights.fetch("no-such-thing==1.0", "0" * 64, tmp_path)
