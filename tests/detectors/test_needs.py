import pytest

from detectors import list_detectors
from detectors.needs import needs_of


def needs(name):
    return {need.what: need for need in needs_of(list_detectors()[name])}


@pytest.mark.parametrize("name", list_detectors())
def test_what_every_detector_needs_has_a_source(name, hub_cache):
    assert all(need.what and need.source for need in needs(name).values())


def test_a_released_checkpoint_is_named_with_its_source_and_another_is_trained():
    released = needs("gramnet")["a checkpoint (Gram.pth)"]
    assert released.source.endswith("by --checkpoint gramnet=FILE")
    assert needs("linear-probe")["a checkpoint of your own training"].source.startswith("python -m bench fit")


def test_a_method_on_a_diffusion_model_names_both_models(hub_cache):
    listed = needs("manifold-bias")
    assert listed["a Stable Diffusion as diffusers saves it"].source.startswith("hub: CompVis/stable-diffusion-v1-4")
    assert not listed["CLIP ViT-L/14 as transformers saves it"].here
    assert "weights of vgg16" in needs("hfi")
