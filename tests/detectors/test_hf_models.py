"""Backbones named by transformers, on small random models saved by transformers."""

import json
from pathlib import Path

import open_clip
import pytest
import test_dinov2 as published
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    DeiTConfig,
    DeiTModel,
    Dinov2Config,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    DINOv3ViTConfig,
    DINOv3ViTModel,
    ResNetConfig,
    ResNetModel,
    SiglipConfig,
    SiglipModel,
    SiglipVisionConfig,
    SiglipVisionModel,
    ViTConfig,
    ViTForImageClassification,
    ViTModel,
)

from detectors import Backbone, OptionError, WeightsError, WeightsNotFoundError, create_backbone, create_detector
from detectors.backbones import find_backbone
from detectors.backbones.base import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD
from detectors.backbones.timm_models import adapted_state
from detectors.mc_dropout import dropout_sites

NAME = "hf:somebody/model"
SIZE = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 56, "patch_size": 14}
WIDE = SIZE | {"intermediate_size": 192}
TEXT = WIDE | {"vocab_size": 40, "max_position_embeddings": 8, "projection_dim": 24}
HALF = (0.5, 0.5, 0.5)


def awake(model: nn.Module) -> nn.Module:
    """Gives every tensor values at which different images have different features."""
    torch.manual_seed(0)
    for key, value in model.named_parameters():
        scale = ("norm" in key and key.endswith("weight")) or "lambda" in key
        value.data.normal_(1.0 if scale else 0.0, 0.2)
    return model.eval().requires_grad_(False)


def both_parts(config: type, vision: dict) -> object:
    return config(text_config=TEXT, vision_config=vision, projection_dim=24)


MODELS = {
    "dinov2": lambda: Dinov2Model(Dinov2Config(**SIZE)),
    "dinov2-swiglu": lambda: Dinov2Model(Dinov2Config(**SIZE, use_swiglu_ffn=True)),
    "dinov2-registers": lambda: Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**SIZE)),
    "dinov3": lambda: DINOv3ViTModel(DINOv3ViTConfig(**WIDE, num_register_tokens=4)),
    "vit": lambda: ViTModel(ViTConfig(**WIDE)),
    "vit-classifier": lambda: ViTForImageClassification(ViTConfig(**WIDE)),
    "deit": lambda: DeiTModel(DeiTConfig(**WIDE)),
    "clip-vision": lambda: CLIPVisionModel(CLIPVisionConfig(**WIDE)),
    "clip": lambda: CLIPModel(both_parts(CLIPConfig, WIDE)),
    "siglip-vision": lambda: SiglipVisionModel(SiglipVisionConfig(**WIDE)),
    "siglip": lambda: SiglipModel(both_parts(SiglipConfig, WIDE)),
}
NORMALISATIONS = {"d": (IMAGENET_MEAN, IMAGENET_STD), "c": (CLIP_MEAN, CLIP_STD), "v": (HALF, HALF), "s": (HALF, HALF)}


def images_of(size: int) -> Tensor:
    return torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(2))


def library_features(kind: str, model: nn.Module, images: Tensor) -> Tensor:
    """What transformers documents as the image's features, asked of the model itself."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in NORMALISATIONS[kind[0]])
    tower = getattr(model, "vision_model", getattr(model, "vit", model))
    options = {} if kind.startswith("dino") else {"interpolate_pos_encoding": True}
    output = tower(pixel_values=(images - mean) / std, **options)
    return output.last_hidden_state[:, 0] if kind[:3] in ("vit", "dei") else output.pooler_output


def backbone_of(kind: str, folder: Path, size: int = 56) -> tuple[Backbone, nn.Module]:
    model = awake(MODELS[kind]())
    model.save_pretrained(folder)
    return create_backbone(NAME, folder, size), model


@pytest.mark.parametrize("kind", MODELS)
def test_features_are_those_of_transformers(tmp_path, kind):
    backbone, model = backbone_of(kind, tmp_path)
    images = images_of(56)
    expected = library_features(kind, model, images)
    torch.testing.assert_close(backbone(images), expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(expected[0], expected[1], rtol=1e-3), "different images must have different features"
    assert backbone.name == NAME
    order: list[str] = []
    for block in backbone.blocks:
        hook = lambda module, inputs, output, name=block: order.append(name)  # noqa: E731
        backbone.model.get_submodule(block).register_forward_hook(hook)
    backbone(images_of(56))
    assert len(order) == 3
    assert order == list(backbone.blocks)


@pytest.mark.parametrize("kind", ["dinov2", "dinov2-swiglu", "dinov3", "vit", "clip", "siglip"])
def test_dropout_acts_after_the_attention_and_in_the_mlp(tmp_path, kind):
    backbone, _ = backbone_of(kind, tmp_path)
    sites = dropout_sites(backbone.model.get_submodule(backbone.blocks[0]))
    attention = [site for site in sites if "attn" in site or "attention" in site]
    assert (len(attention), len(sites)) == (1, 3), sites


@pytest.mark.parametrize("kind", ["dinov2", "dinov3", "vit", "clip", "siglip"])
def test_other_sizes_are_taken_as_transformers_does(tmp_path, kind):
    backbone, model = backbone_of(kind, tmp_path, 84)
    images = images_of(84)
    torch.testing.assert_close(backbone(images), library_features(kind, model, images), rtol=1e-5, atol=1e-5)
    with pytest.raises(OptionError, match="side is a multiple of 14 px, got 60"):
        create_backbone(NAME, tmp_path, 60)


@pytest.mark.parametrize("kind", ["plain", "registers"])
def test_a_dinov2_of_torch_hub_or_timm_gives_the_published_features(tmp_path, kind):
    """The same file in timm's network has 14 tensors a block, here it has 18."""
    cls, config = (
        (Dinov2Model, Dinov2Config) if kind == "plain" else (Dinov2WithRegistersModel, Dinov2WithRegistersConfig)
    )
    more = {} if kind == "plain" else {"num_register_tokens": 4}
    cls(config(**SIZE | {"image_size": 98}, **more)).save_pretrained(tmp_path)
    state = published.published_state(kind)
    images = images_of(98)
    expected = published.published_forward(state, images)
    for layout in (state, adapted_state(published.timm_model(kind), state)):
        save_file({key: value.contiguous() for key, value in layout.items()}, tmp_path / "model.safetensors")
        backbone = create_backbone(NAME, tmp_path / "model.safetensors", 98)
        torch.testing.assert_close(backbone(images), expected, rtol=1e-3, atol=1e-4)
        assert {len(backbone.block_parameters(block)) for block in range(3)} == {18}


def test_a_clip_of_open_clip_gives_its_features_before_the_projection(tmp_path):
    torch.manual_seed(0)
    vision = {"image_size": 56, "layers": 3, "width": 48, "head_width": 12, "patch_size": 14}
    text = {"context_length": 8, "vocab_size": 40, "width": 16, "heads": 2, "layers": 1}
    clip = open_clip.CLIP(24, vision, text, quick_gelu=True).eval().requires_grad_(False)
    CLIPVisionModel(CLIPVisionConfig(**WIDE)).save_pretrained(tmp_path)
    save_file({key: value.clone() for key, value in clip.state_dict().items()}, tmp_path / "model.safetensors")
    images = images_of(56)
    features = create_backbone(NAME, tmp_path, 56)(images)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    expected = clip.encode_image((images - mean) / std)
    torch.testing.assert_close(features @ clip.visual.proj, expected, rtol=1e-5, atol=1e-5)


def test_the_normalisation_is_read_where_there_is_one(tmp_path):
    backbone, _ = backbone_of("dinov2", tmp_path)
    assert backbone.mean.flatten().tolist() == pytest.approx(IMAGENET_MEAN)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.1, 0.2, 0.3]}))
    again = create_backbone(NAME, tmp_path, 56)
    assert again.mean.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert again.std.flatten().tolist() == pytest.approx(IMAGENET_STD)


def test_half_precision_weights_are_widened(tmp_path):
    model = awake(MODELS["dinov2"]()).half()
    model.save_pretrained(tmp_path)
    backbone = create_backbone(NAME, tmp_path, 56)
    assert {parameter.dtype for parameter in backbone.parameters()} == {torch.float32}


def test_weights_that_do_not_fit_are_counted_and_named(tmp_path):
    backbone_of("dinov2", tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    state["layernorm.weight"] = torch.zeros(3)
    state["extra.weight"] = state.pop("layernorm.bias")
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError) as error:
        create_backbone(NAME, tmp_path, 56)
    assert str(error.value) == (
        f"{tmp_path / 'model.safetensors'} does not fit Dinov2Model: 1 missing (such as layernorm.bias), "
        f"1 unexpected (such as extra.weight), 1 of another shape (such as layernorm.weight)."
    )


def test_mistakes_are_told_in_one_line(tmp_path, hub_cache):
    with pytest.raises(OptionError, match="hf:dinov2 names no model: write hf:OWNER/MODEL"):
        create_backbone("hf:dinov2")
    with pytest.raises(WeightsNotFoundError, match=r"holds no config.json with model.safetensors or pytorch_model.bin"):
        create_backbone(NAME, tmp_path)
    ResNetModel(ResNetConfig(depths=[1], hidden_sizes=[8], embedding_size=8)).save_pretrained(tmp_path)
    with pytest.raises(OptionError, match=r"is of transformers' type 'resnet'; known are clip_vision_model, deit, din"):
        create_backbone(NAME, tmp_path)
    (tmp_path / "config.json").write_text("no")
    with pytest.raises(WeightsError, match=r"config.json is no JSON"):
        create_backbone(NAME, tmp_path)


def test_without_network_one_line_says_what_is_missing(tmp_path, hub_cache):
    name = "hf:facebook/dinov2-large"
    for weights in (None, tmp_path / "alone.safetensors"):
        with pytest.raises(WeightsNotFoundError) as error:
            create_backbone(name, weights)
        file = "model.safetensors" if weights is None else "config.json"
        assert f"The weights of {name} (facebook/dinov2-large/{file}) are not cached" in str(error.value)
        assert "\n" not in str(error.value)
    info = find_backbone(name)
    assert (info.source, info.here) == ("hub: facebook/dinov2-large", False)


def test_everything_is_found_in_the_hubs_cache(hub_cache):
    folder = hub_cache / "models--somebody--model"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    model = awake(MODELS["siglip"]())
    model.save_pretrained(folder / "snapshots" / "abc")
    (folder / "snapshots" / "abc" / "preprocessor_config.json").write_text(json.dumps({"image_std": [1, 1, 1]}))
    backbone = create_backbone(NAME, image_size=56)
    assert backbone.std.flatten().tolist() == [1, 1, 1]
    assert backbone(images_of(56)).shape == (3, 48)
    assert find_backbone(NAME).here


@pytest.mark.parametrize("detector", ["wepe", "rigid", "mc-dropout"])
@pytest.mark.parametrize("kind", ["dinov2", "clip"])
def test_detectors_run_on_it(tmp_path, kind, detector):
    backbone, _ = backbone_of(kind, tmp_path)
    options = {"rule": "tensor_std", "blocks": 2} if detector == "wepe" else {}
    scores = create_detector(detector, backbone, **options)(images_of(56), torch.arange(3))
    assert scores.shape == (3,)
    assert len(set(scores.tolist())) == 3


@pytest.mark.parametrize("kind", MODELS)
def test_the_tokens_before_the_patches_are_known(tmp_path, kind):
    backbone, _ = backbone_of(kind, tmp_path)
    seen = []
    last = backbone.model.get_submodule(backbone.blocks[-1])
    last.register_forward_hook(lambda *given: seen.append(given[2][0] if isinstance(given[2], tuple) else given[2]))
    tap = backbone.tap(backbone.depth - 1, "mean")
    given = backbone.layer(images_of(56), tap)
    patches = (56 // backbone.model.vision.config.patch_size) ** 2
    assert seen[0].shape[1] - patches == backbone.model.num_prefix_tokens
    torch.testing.assert_close(given, seen[0][:, -patches:].mean(dim=1))
