import inspect
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from released_files import create_with_checkpoint

from bench.report.describing import facts_json
from bench.report.detectors import NO_WEAKNESS, backbone_need, card_lines, listed_detectors
from bench.scoring.specs import parse_detector
from detectors import UnknownNameError, facts, list_detectors
from detectors.hub import torch_hub_file

LISTED = {detector.name: detector for detector in listed_detectors()}
SOURCE = re.compile(r"(arXiv \d{4}\.\d{5}|[\w-]+/[\w-]+(@[0-9a-f]{7}|, (issue|issues) \d+)|a third party's report)")


def test_every_registered_detector_is_listed():
    assert list(LISTED) == list(list_detectors())
    assert [one.name for one in listed_detectors(names=["wepe", "npr", "wepe"])] == ["wepe", "npr"]


def test_what_is_recorded_of_the_detectors_is_what_their_classes_say():
    recorded = Path(facts.__file__).with_name(facts.FILE).read_text(encoding="utf-8")
    assert recorded == facts_json(), "detectors/facts.json is out of date: run `make tables`."


def test_torch_keeps_its_files_where_they_are_looked_for(tmp_path, monkeypatch):
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"": "", "XDG_CACHE_HOME": str(tmp_path / "cache"), "TORCH_HOME": "~/torch"}.items():
        if name:
            monkeypatch.setenv(name, value)
        assert torch_hub_file("vgg.pth") == Path(torch.hub.get_dir()) / "checkpoints" / "vgg.pth"


def test_a_detector_takes_the_backbone_of_the_run_its_own_or_none():
    on_own = {name: facts.backbone for name, facts in LISTED.items() if facts.backbone}
    assert on_own["univfd"] == "clip-vitl14"
    assert LISTED["univfd"].needs[0].what == "backbone clip-vitl14"
    assert {name for name, facts in LISTED.items() if facts.backbone == ""} == {
        *("contrastive-blur", "conv", "gradient-cuff", "linear-probe", "mc-dropout"),
        *("minder", "rigid", "warpad", "wepe", "wepe-gradient-cuff"),
    }
    assert LISTED["npr"].backbone is None


def test_the_installed_backbone_is_here_and_those_of_the_hub_are_not(hub_cache):
    assert backbone_need("efficientnet-lite0").here
    clip = backbone_need("clip-vitl14:features=pre-projection")
    assert (clip.what, clip.here) == ("backbone clip-vitl14:features=pre-projection", False)
    assert clip.source == backbone_need("clip-vitl14").source


def test_the_place_of_a_timm_model_is_named(hub_cache):
    need = backbone_need("timm:resnet50.a1_in1k")
    assert "timm/resnet50.a1_in1k" in need.source
    assert not need.here


def test_an_unknown_backbone_is_named_and_known_ones_listed():
    with pytest.raises(UnknownNameError, match=r"Unknown backbone 'clip'\..*Available: .*clip-vitl14"):
        backbone_need("clip")


@pytest.mark.parametrize("name", list(list_detectors()))
@pytest.mark.heavy
def test_passes_are_those_of_the_embedded_backbone(name, cnn, tmp_path):
    options = {"draws": 8} if name == "manifold-bias" else {}  # the tests' own have fewer
    detector = create_with_checkpoint(name, cnn, tmp_path, **options)
    assert LISTED[name].passes == detector.passes
    assert (LISTED[name].backbone is not None) == hasattr(detector, "backbone")


def test_trained_detectors_name_their_released_files_and_are_not_here():
    npr, univfd, probe = (LISTED[name] for name in ("npr", "univfd", "linear-probe"))
    assert npr.needs[0].what.startswith("a checkpoint (NPR.pth or model_epoch_last_3090.pth")
    assert "--checkpoint npr=FILE" in npr.needs[0].source
    assert npr.cost == "1 of its own network"
    assert [need.what.partition(" (")[0] for need in univfd.needs] == ["backbone clip-vitl14", "a checkpoint"]
    assert univfd.cost == "1 shared + 0"
    assert probe.needs[1].source.startswith("python -m bench fit")
    assert not npr.here
    assert not probe.here
    assert len(LISTED["lgrad"].needs) == 2


@pytest.mark.parametrize("name", list(list_detectors()))
def test_every_option_has_a_meaning_and_a_default_that_can_be_written(name):
    options = {option.name: option for option in LISTED[name].options}
    parameters = inspect.signature(list_detectors()[name]).parameters
    assert set(options) == set(parameters) - {"backbone", "seed"}
    assert all(option.meaning.endswith(".") for option in options.values())
    defaults = {key: parameters[key].default for key in options if parameters[key].default is not None}
    written = ",".join(f"{key}={options[key].default}" for key in defaults)
    assert parse_detector(f"{name}:{written}".rstrip(":")).options == defaults


def test_a_card_names_every_option():
    for detector in LISTED.values():
        lines = card_lines(detector)
        for option in detector.options:
            assert f"  - {option.name}={option.default}: {option.meaning}".replace("``", "") in lines
    text = "\n".join(card_lines(LISTED["wepe"]))
    assert "tensor_std" in text
    assert "Score: " in text


def test_what_is_missing_is_said(hub_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    listed = {detector.name: detector for detector in listed_detectors("dinov2-vitl14")}
    assert not listed["wepe"].here
    assert listed["wepe"].needs[0].what == "backbone dinov2-vitl14"
    assert listed["aeroblade"].here
    needs = {need.what: need for need in listed["aeroblade"].needs}
    assert not needs["autoencoder sd1"].here
    assert not needs["weights of vgg16"].here
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / "vgg16-397923af.pth").touch()
    again = {detector.name: detector for detector in listed_detectors()}
    assert {need.what: need.here for need in again["aeroblade"].needs}["weights of vgg16"]
    assert again["wepe"].here


def test_an_unknown_backbone_is_a_mistake_and_a_model_of_timm_is_none(hub_cache):
    with pytest.raises(UnknownNameError, match="Did you mean 'dinov2-vitl14'"):
        listed_detectors("dinov2-vitl4")
    assert "hub: timm/resnet18" in listed_detectors("timm:resnet18")[-1].needs[0].source


@pytest.mark.parametrize("name", list(LISTED))
def test_a_card_says_paper_needs_training_data_cost_and_weaknesses(name):
    lines = card_lines(LISTED[name])
    starts = ("Paper: ", "Needs:", "Training data:", "Cost per image, in passes: ", "Known weaknesses:", "Options:")
    positions = [next(number for number, line in enumerate(lines) if line.startswith(start)) for start in starts]
    assert positions == sorted(positions)
    assert lines[0].startswith(f"{name}: ")


@pytest.mark.parametrize("name", list(LISTED))
def test_every_weakness_is_a_sentence_that_names_its_source(name):
    cls = list_detectors()[name]
    assert isinstance(cls.weaknesses, tuple)
    for sentence in cls.weaknesses:
        assert sentence.endswith(".")
        assert SOURCE.search(sentence), sentence
        assert f"{sentence}" in " ".join(card_lines(LISTED[name]))


def test_methods_without_training_have_known_weaknesses():
    for name in ("aeroblade", "gradient-cuff", "mc-dropout", "rigid", "wepe", "wepe-gradient-cuff"):
        assert list_detectors()[name].weaknesses
        assert "Training data: none, the method is training-free" in card_lines(LISTED[name])


def test_released_files_stand_with_what_they_were_trained_on():
    for name, cls in list_detectors().items():
        for file in getattr(cls, "released", ()):
            (line,) = [line for line in card_lines(LISTED[name]) if f"{file.name}: " in line and file.source in line]
            assert f"{file.name}: {', '.join(file.trained_on) or 'not known'} ({file.source}" in line
            assert file.sha256 is None or file.sha256 in line
    assert "  - NPR_GenImage_sdv4.pth: sd14 (chuangchuangtan/NPR" in "\n".join(card_lines(LISTED["npr"]))
    assert "Training data: that of the checkpoint: no released file is known" in card_lines(LISTED["f3net"])


def test_a_detector_without_a_recorded_weakness_says_so():
    assert f"Known weaknesses: {NO_WEAKNESS}" in card_lines(replace(LISTED["rigid"], weaknesses=()))


def test_a_method_published_for_images_as_they_are_names_the_option_that_keeps_them_so():
    words = "Published for: images as they are; take --resize none."
    for name, cls in list_detectors().items():
        assert (words in card_lines(LISTED[name])) == cls.unscaled


def test_several_weaknesses_stand_below_each_other():
    lines = card_lines(LISTED["rigid"])
    first = lines.index("Known weaknesses:") + 1
    assert [line.removeprefix("  - ") for line in lines[first : first + 3]] == list(
        list_detectors()["rigid"].weaknesses
    )


def test_needs_name_their_source_and_whether_they_are_here():
    assert "Needs: backbone efficientnet-lite0 (installed with the package): here" in card_lines(LISTED["rigid"])
