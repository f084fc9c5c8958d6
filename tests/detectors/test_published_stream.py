import pytest
import timm
import torch
from published_draws import start_stream_as_the_code_does

from detectors import OptionError, Perturbation
from detectors.backbones import timm_backbone
from detectors.published_stream import published_noise


@pytest.mark.parametrize("seed", [0, 7])
def test_noise_is_what_the_global_generator_gives_after_two_networks(vit, seed):
    noise = published_noise(vit.model, 2, seed)
    start_stream_as_the_code_does(vit.model, seed)
    expected = {
        name: torch.randn_like(parameter)
        for name, parameter in vit.model.named_parameters()
        if name.startswith(("blocks.0.", "blocks.1."))
    }
    assert list(noise) == list(expected)
    assert len(noise) == 28
    for name, values in expected.items():
        assert torch.equal(noise[name], values), name


def test_noise_leaves_the_global_generator_alone(vit):
    before = torch.random.get_rng_state()
    published_noise(vit.model, 1, 0)
    assert torch.equal(before, torch.random.get_rng_state())


def test_perturbed_tensors_are_those_of_the_code(vit):
    perturbed = Perturbation(stream="published", blocks=3).perturb(vit, seed=0).model.state_dict()
    noise = published_noise(vit.model, 3, 0)
    for name, clean in vit.model.state_dict().items():
        expected = clean + noise[name] * 0.1 * clean.mean() if name in noise else clean
        assert torch.equal(perturbed[name], expected), name


@pytest.mark.parametrize("options", [{"reg_tokens": 4}, {"init_values": None}, {"qkv_bias": False}])
def test_a_network_of_another_make_is_refused(options):
    made = {"init_values": 1.0} | options
    model = timm.models.vision_transformer.VisionTransformer(56, 14, embed_dim=48, depth=2, num_heads=4, **made)
    model.reset_classifier(0)
    with pytest.raises(OptionError, match="stream=published is known for DINOv2"):
        Perturbation(stream="published", blocks=1).perturb(timm_backbone("other", model), seed=0)


def test_a_convolutional_network_is_refused(cnn):
    with pytest.raises(OptionError, match="stream=published is known for DINOv2"):
        Perturbation(stream="published", blocks=1).perturb(cnn, seed=0)
