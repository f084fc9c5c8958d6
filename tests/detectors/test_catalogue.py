"""Backbones by name: options, suggestions, and what is said when the weights cannot be had."""

import subprocess
import sys
from dataclasses import replace

import pytest

from detectors import OptionError, UnknownNameError, WeightsNotFoundError, create_backbone, list_backbones
from detectors.backbones import catalogue


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dinov2", "Unknown backbone 'dinov2'. Did you mean 'dinov2-vits14'"),
        ("timm:test_vitt", "Unknown timm model 'test_vitt'. Did you mean 'test_vit'.*all of timm.list_models"),
        ("timm:test_vit.r160_in2k", "Unknown weights of test_vit 'r160_in2k'. Did you mean 'r160_in1k'"),
        ("clip-vitl14:features=projecte", "Unknown features of clip-vitl14 'projecte'. Did you mean 'projected'"),
        ("clip-vitl14:feature=projected", "Unknown option of clip-vitl14 'feature'. Did you mean 'features'"),
        ("blip-base:features=projected", "Unknown option of blip-base 'features'. Available: none"),
    ],
)
def test_unknown_name_gets_a_suggestion(name, message):
    with pytest.raises(UnknownNameError, match=message):
        create_backbone(name)


def test_option_without_a_value_says_how_it_is_written():
    with pytest.raises(OptionError, match="is written clip-vitl14:features=VALUE, got 'features'"):
        create_backbone("clip-vitl14:features")


def test_two_ways_to_write_a_backbone_give_one_name(monkeypatch):
    """The name is part of every fingerprint, so that the default may be written or not."""
    told: list[str] = []
    stand_in = replace(
        list_backbones()["clip-vitl14"], load=lambda name, *rest, features: told.append((name, features))
    )
    monkeypatch.setitem(catalogue._BACKBONES, "clip-vitl14", stand_in)
    for name in ("clip-vitl14", "clip-vitl14:features=projected", "clip-vitl14:features=pre-projection"):
        create_backbone(name)
    assert told == [
        ("clip-vitl14", "projected"),
        ("clip-vitl14", "projected"),
        ("clip-vitl14:features=pre-projection", "pre-projection"),
    ]


@pytest.mark.parametrize("name", ["dinov2-vits14", "dinov2-vits14-reg", "dinov3-vits16", "clip-vitl14", "blip-base"])
def test_without_network_one_line_says_what_is_missing_and_the_ways_out(hub_cache, name):
    with pytest.raises(WeightsNotFoundError) as error:
        create_backbone(name)
    message, repository = str(error.value), list_backbones()[name].repository
    assert "\n" not in message
    for part in (f"The weights of {name} ({repository}/", "--weights FILE", "--backbone efficientnet-lite0"):
        assert part in message


def test_weights_that_timm_does_not_publish_are_named(hub_cache):
    with pytest.raises(WeightsNotFoundError, match="timm publishes no weights of timm:convnext_atto_rms"):
        create_backbone("timm:convnext_atto_rms")


def test_every_backbone_says_what_it_is_and_whether_it_is_here(hub_cache):
    infos = list_backbones()
    assert {"efficientnet-lite0", "dinov2-vitl14", "dinov2-vitl14-reg", "clip-vitl14", "blip-base"} <= set(infos)
    for name, info in infos.items():
        assert info.description, name
        assert info.paper.startswith("arXiv ") or name.startswith(("timm:", "open-clip:", "hf:", "random-")), name
        assert info.here == (name in ("efficientnet-lite0", "random-vit24")), name
        assert info.source.startswith("hub: ") or info.here, name
    info = infos["dinov2-vits14"]
    folder = hub_cache / f"models--{info.repository.replace('/', '--')}"
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc" / "model.safetensors").write_bytes(b"")
    assert info.here


def test_heavy_libraries_are_imported_only_when_asked_for():
    code = "import sys, detectors; print({'open_clip', 'transformers'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
