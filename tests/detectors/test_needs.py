import pytest

from detectors import UnknownNameError, list_detectors
from detectors.needs import Need, backbone_need, needs_of

BACKBONE = Need("backbone some", "", "somewhere", True)


def needs(name):
    return {need.what: need for need in needs_of(list_detectors()[name], BACKBONE)}


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


@pytest.mark.parametrize("name", list_detectors())
def test_what_every_detector_needs_has_a_source(name, hub_cache):
    assert all(need.what and need.source for need in needs(name).values())
    assert (BACKBONE in needs(name).values()) == (name in {"contrastive-blur", "conv", "gradient-cuff", "linear-probe",
                                                           "mc-dropout", "minder", "rigid", "warpad", "wepe",
                                                           "wepe-gradient-cuff"})  # fmt: skip


def test_a_released_checkpoint_is_named_with_its_source_and_another_is_trained():
    released = needs("gramnet")["a checkpoint (Gram.pth)"]
    assert released.source.endswith("by --checkpoint gramnet=FILE")
    assert needs("linear-probe")["a checkpoint of your own training"].source.startswith("python -m bench fit")


def test_the_backbone_that_a_detector_takes_is_its_own():
    assert "backbone clip-vitl14" in needs("univfd")


def test_a_method_on_a_diffusion_model_names_both_models(hub_cache):
    listed = needs("manifold-bias")
    assert listed["a Stable Diffusion as diffusers saves it"].source.startswith("hub: CompVis/stable-diffusion-v1-4")
    assert not listed["CLIP ViT-L/14 as transformers saves it"].here
    assert "weights of vgg16" in needs("hfi")
