import inspect
import io

import pytest
import torch
from released_files import create_with_checkpoint
from rich.console import Console

from bench.errors import BenchError
from bench.report.detectors import list_methods, print_backbones, print_methods
from bench.scoring.specs import parse_detector
from detectors import UnknownNameError, list_backbones, list_detectors
from tools.readme import BEGIN, END, TABLES, with_table

METHODS = {method.name: method for method in list_methods()}


def printed(long: bool = False) -> str:
    out = io.StringIO()
    print_methods(tuple(METHODS.values()), Console(file=out, width=40), long)
    return out.getvalue()


def test_every_registered_detector_is_listed_with_its_paper():
    assert list(METHODS) == list(list_detectors())
    text = printed()
    for name, cls in list_detectors().items():
        assert name in text
        assert cls.paper in text
        assert METHODS[name].title in text


@pytest.mark.parametrize("name", list(list_detectors()))
def test_passes_are_those_of_the_embedded_backbone(name, cnn, tmp_path):
    detector = create_with_checkpoint(name, cnn, tmp_path)
    assert METHODS[name].passes == detector.passes
    assert METHODS[name].on_backbone == hasattr(detector, "backbone")


def test_trained_detectors_name_their_released_files_and_are_not_here():
    npr, univfd, probe = (METHODS[name] for name in ("npr", "univfd", "linear-probe"))
    assert npr.needs[0].what.startswith("a checkpoint (NPR.pth or model_epoch_last_3090.pth")
    assert "--checkpoint npr=FILE" in npr.needs[0].source
    assert npr.cost == "1 of its own network"
    assert [need.what.partition(" (")[0] for need in univfd.needs] == ["backbone clip-vitl14", "a checkpoint"]
    assert univfd.cost == "1 shared + 0"
    assert probe.needs[1].source.startswith("python -m bench fit")
    assert not npr.here
    assert not probe.here
    assert len(METHODS["lgrad"].needs) == 2


@pytest.mark.parametrize("name", list(list_detectors()))
def test_every_option_has_a_meaning_and_a_default_that_can_be_written(name):
    options = {option.name: option for option in METHODS[name].options}
    parameters = inspect.signature(list_detectors()[name]).parameters
    assert set(options) == set(parameters) - {"backbone", "seed"}
    assert all(option.meaning.endswith(".") for option in options.values())
    defaults = {key: parameters[key].default for key in options if parameters[key].default is not None}
    written = ",".join(f"{key}={options[key].default}" for key in defaults)
    assert parse_detector(f"{name}:{written}").options == defaults


def test_the_long_list_names_every_option():
    text = printed(long=True)
    for method in METHODS.values():
        for option in method.options:
            assert f"  {option.name}={option.default}: " in text
    assert "tensor_std" in text
    assert "Score: " in text


def test_what_is_missing_is_said(hub_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    methods = {method.name: method for method in list_methods("dinov2-vitl14")}
    assert not methods["wepe"].here
    assert methods["wepe"].needs[0].what == "backbone dinov2-vitl14"
    assert methods["aeroblade"].here
    needs = {need.what: need for need in methods["aeroblade"].needs}
    assert not needs["autoencoder sd1"].here
    assert not needs["weights of vgg16"].here
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "vgg16-397923af.pth").touch()
    again = {method.name: method for method in list_methods()}
    assert {need.what: need.here for need in again["aeroblade"].needs}["weights of vgg16"]
    assert again["wepe"].here


def test_an_unknown_backbone_is_a_mistake_and_a_model_of_timm_is_none(hub_cache):
    with pytest.raises(UnknownNameError, match="Did you mean 'dinov2-vitl14'"):
        list_methods("dinov2-vitl4")
    assert "hub: timm/resnet18" in list_methods("timm:resnet18")[-1].needs[0].source


def test_every_backbone_is_listed(hub_cache):
    out = io.StringIO()
    print_backbones(Console(file=out, width=40))
    for name, info in list_backbones().items():
        assert name in out.getvalue()
        assert info.description in out.getvalue()


@pytest.mark.parametrize("file", TABLES, ids=lambda file: file.parent.name)
def test_the_readmes_are_current_whatever_is_here(file, hub_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    text = file.read_text(encoding="utf-8")
    assert with_table(text, TABLES[file]()) == text, f"{file} is out of date: run `python -m tools.readme`."


@pytest.mark.parametrize("text", ["", f"{BEGIN}{BEGIN}{END}", f"{END}{BEGIN}"])
def test_a_readme_without_its_markers_is_refused(text):
    with pytest.raises(BenchError, match="once each"):
        with_table(text, "")
