"""The same weights under the names of several libraries give the same features."""

from pathlib import Path

import pytest
import test_dinov2 as published
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import Dinov2Config, Dinov2Model, Dinov2WithRegistersConfig, Dinov2WithRegistersModel

from detectors import WeightsError
from detectors.backbones import dinov2_backbone
from detectors.backbones.base import IMAGENET_MEAN, IMAGENET_STD
from detectors.backbones.layouts import (
    clip_from_transformers,
    clip_to_transformers,
    dinov2_from_transformers,
    dinov2_to_transformers,
)
from detectors.backbones.timm_models import adapted_state

SIZE = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 98, "patch_size": 14}


def transformers_model(kind: str) -> Dinov2Model | Dinov2WithRegistersModel:
    torch.manual_seed(0)
    if kind == "registers":
        model = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**SIZE, mlp_ratio=4, num_register_tokens=4))
    else:
        model = Dinov2Model(Dinov2Config(**SIZE, mlp_ratio=4, use_swiglu_ffn=kind == "swiglu"))
    for key, value in model.named_parameters():
        value.data.normal_(1.0 if ("norm" in key and key.endswith("weight")) or "lambda" in key else 0.0, 0.2)
    return model.eval().requires_grad_(False)


def saved(model: Dinov2Model, folder: Path) -> dict[str, Tensor]:
    model.save_pretrained(folder)
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("kind", ["plain", "registers"])
def test_a_dinov2_of_transformers_gives_the_same_features_in_timms_network(tmp_path, kind, in_memory):
    model = transformers_model(kind)
    state = saved(model, tmp_path)
    if in_memory:
        state = dict(model.state_dict())
    prefix = "dinov2_with_registers." if kind == "registers" else "dinov2."
    torch.save({f"{prefix}{key}": value for key, value in state.items()} | {"classifier.bias": torch.zeros(2)},
               tmp_path / "hf.bin")  # fmt: skip
    backbone = dinov2_backbone("small", published.timm_model(kind), tmp_path / "hf.bin", 98)
    images = torch.rand(2, 3, 98, 98, generator=torch.Generator().manual_seed(2))
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    expected = model((images - mean) / std).pooler_output
    torch.testing.assert_close(backbone(images), expected, rtol=1e-5, atol=1e-5)
    assert {len(backbone.block_parameters(block)) for block in range(3)} == {14}


@pytest.mark.parametrize("kind", published.KINDS)
def test_names_of_torch_hub_come_back_from_those_of_transformers(kind):
    state = published.published_state(kind)
    there = dinov2_to_transformers(state)
    back = dinov2_from_transformers(there)
    assert state.keys() == back.keys()
    assert all(torch.equal(value, back[key]) for key, value in state.items())
    assert there.keys().isdisjoint(state)


@pytest.mark.parametrize("kind", published.KINDS)
def test_names_of_timm_give_what_those_of_torch_hub_give(kind):
    """But for ``mask_token``, which is not in timm's files, and the place of the class token's position."""
    hub = published.published_state(kind)
    timm_names = adapted_state(published.timm_model(kind), hub)
    there, direct = dinov2_to_transformers(timm_names), dinov2_to_transformers(hub)
    assert there.keys() == direct.keys()
    token, positions = "embeddings.cls_token", "embeddings.position_embeddings"
    torch.testing.assert_close(*(state[token] + state[positions][:, :1] for state in (there, direct)))
    torch.testing.assert_close(there[positions][:, 1:], direct[positions][:, 1:])
    moved = {"embeddings.mask_token", token, positions}
    assert all(torch.equal(there[key], direct[key]) for key in direct.keys() - moved)


def test_a_tensor_that_is_missing_is_named_in_the_networks_own_words(tmp_path):
    state = saved(transformers_model("plain"), tmp_path)
    del state["encoder.layer.1.attention.attention.key.weight"]
    torch.save(state, tmp_path / "hf.bin")
    with pytest.raises(WeightsError, match=r"1 missing \(such as blocks.1.attn.qkv.weight\), 2 unexpected"):
        dinov2_backbone("small", published.timm_model(), tmp_path / "hf.bin", 98)


@pytest.mark.parametrize(
    "convert", [dinov2_from_transformers, dinov2_to_transformers, clip_from_transformers, clip_to_transformers]
)
def test_what_is_another_network_is_left_as_it_is(convert):
    state = {"layer1.0.conv1.weight": torch.zeros(2, 2), "fc.bias": torch.zeros(2)}
    assert convert(state) == state
