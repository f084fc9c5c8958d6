"""What `make real-weights` runs, and what it says where it cannot; its figures are not made here."""

import sys
from pathlib import Path
from typing import get_args

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from bench.errors import BenchError
from bench.scoring.specs import parse_detectors
from detectors.perturbation import Rule
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


@pytest.mark.heavy
def test_the_whole_run_prints_speed_scores_and_the_probe_under_every_rule(image_folder, tmp_path, monkeypatch, capsys):
    """On a tiny CLIP of 224 px."""
    torch.manual_seed(0)
    vision = {"image_size": 224, "layers": 2, "width": 32, "head_width": 8, "patch_size": 56}
    text = {"context_length": 8, "vocab_size": 40, "width": 16, "heads": 2, "layers": 1}
    small = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "small", small)
    monkeypatch.setattr(real_weights, "BACKBONE", "open-clip:small")
    monkeypatch.setattr(real_weights, "training_free", lambda vgg: ["rigid", "wepe:blocks=1"])
    clip = tmp_path / "clip.safetensors"
    save_file(open_clip.create_model("small").visual.state_dict(), clip)
    monkeypatch.setattr(real_weights, "converted", lambda folder: (clip, tmp_path / "vgg16.safetensors"))
    assert real_weights.main([str(image_folder), "--output", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "images per second" in told
    assert "native scale" in told
    assert [rule for rule in get_args(Rule) if f"Block probe, rule {rule}:" not in told] == []
    assert "30 images" in told, "ten of each of three sources"
