"""Backbones named by open_clip, on small random models that open_clip builds from its own kind of configuration."""

from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from detectors import (
    OptionError,
    UnknownNameError,
    WeightsError,
    WeightsNotFoundError,
    create_backbone,
    create_detector,
)
from detectors.backbones import find_backbone
from detectors.backbones.base import CLIP_MEAN, CLIP_STD
from detectors.mc_dropout import dropout_sites

TEXT = {"context_length": 8, "vocab_size": 40, "width": 16, "heads": 2, "layers": 1}
VIT = {"image_size": 28, "layers": 3, "width": 32, "head_width": 8, "patch_size": 7}
MODELS = {
    "small-vit": {"embed_dim": 24, "quick_gelu": True, "vision_cfg": VIT},
    "small-coca": {"embed_dim": 24, "vision_cfg": VIT | {"output_tokens": True}},
    "small-timm": {
        "embed_dim": 24,
        "vision_cfg": {"timm_model_name": "test_vit", "timm_pool": "", "timm_proj": "linear", "image_size": 160},
    },
    "small-resnet": {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 64, "patch_size": None},
    },
}
SIZES = {"small-vit": 28, "small-coca": 28, "small-timm": 160, "small-resnet": 64}
BLOCKS = {
    "small-vit": tuple(f"transformer.resblocks.{i}" for i in range(3)),
    "small-coca": tuple(f"transformer.resblocks.{i}" for i in range(3)),
    "small-timm": tuple(f"trunk.blocks.{i}" for i in range(6)),
    "small-resnet": ("layer1", "layer2", "layer3", "layer4"),
}


@pytest.fixture(autouse=True)
def _models(monkeypatch):
    for name, config in MODELS.items():
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, config | {"text_cfg": TEXT})


def images_of(size: int) -> Tensor:
    return torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(2))


def normalised(images: Tensor) -> Tensor:
    return (images - torch.tensor(CLIP_MEAN).view(3, 1, 1)) / torch.tensor(CLIP_STD).view(3, 1, 1)


def save(state: dict[str, Tensor], file: Path) -> Path:
    save_file({key: value.clone().contiguous() for key, value in state.items()}, file)
    return file


def library_model(name: str, size: int | None = None) -> nn.Module:
    torch.manual_seed(0)
    model = open_clip.create_model(name, force_image_size=size).eval().requires_grad_(False)
    for key, value in model.named_parameters():  # as open_clip starts them, residual branches give nothing
        if key.endswith("bn3.weight"):
            value.fill_(1.0)
        if key.endswith(("gamma", "gamma_1", "gamma_2")):
            value.fill_(1.0)
    return model


@pytest.mark.parametrize("name", MODELS)
def test_features_are_those_of_open_clip(tmp_path, name):
    model = library_model(name)
    file = save(model.state_dict(), tmp_path / "clip.safetensors")
    backbone = create_backbone(f"open-clip:{name}", file, SIZES[name])
    images = images_of(SIZES[name])
    expected = model.encode_image(normalised(images))
    expected = expected[0] if isinstance(expected, tuple) else expected
    torch.testing.assert_close(backbone(images), expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(expected[0], expected[1], rtol=1e-3), "different images must have different features"
    assert backbone.blocks == BLOCKS[name]
    assert all(dropout_sites(backbone.model.get_submodule(block)) for block in backbone.blocks)


@pytest.mark.parametrize("name", ["small-vit", "small-timm"])
def test_projection_is_all_that_lies_between_the_two_features(tmp_path, name):
    model = library_model(name)
    file = save(model.state_dict(), tmp_path / "clip.safetensors")
    projected = create_backbone(f"open-clip:{name}:features=projected", file, SIZES[name])
    before = create_backbone(f"open-clip:{name}:features=pre-projection", file, SIZES[name])
    assert (projected.name, before.name) == (f"open-clip:{name}", f"open-clip:{name}:features=pre-projection")
    images = images_of(SIZES[name])
    matrix = model.visual.proj if name == "small-vit" else model.visual.head.proj.weight.T
    torch.testing.assert_close(before(images) @ matrix, projected(images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "size"), [("small-vit", 42), ("small-timm", 96)])
def test_another_size_is_resampled_as_open_clip_does(tmp_path, name, size):
    file = save(library_model(name).state_dict(), tmp_path / "clip.safetensors")
    backbone = create_backbone(f"open-clip:{name}", file, size)
    if name == "small-vit":
        larger = library_model(name, size)
        open_clip.load_checkpoint(larger, str(file))
    else:
        larger = library_model(name)
        larger.visual.set_input_size(size)
    expected = larger.encode_image(normalised(images_of(size)))
    torch.testing.assert_close(backbone(images_of(size)), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("whole", [True, False])
def test_weights_of_transformers_are_taken_for_a_plain_clip(tmp_path, whole):
    """CLIP as transformers saves it, with quick GELU: the same features from its own code and from open_clip's."""
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 128}
    config = CLIPVisionConfig(**size, image_size=28, patch_size=7, projection_dim=24)
    tower = CLIPVisionModelWithProjection(config).eval().requires_grad_(False)
    for key, value in tower.named_parameters():
        value.normal_(1.0 if "norm" in key and key.endswith("weight") else 0.0, 0.2)
    state = {key if whole else key.removeprefix("vision_model."): value for key, value in tower.state_dict().items()}
    extra = {"logit_scale": torch.zeros(()), "text_model.embeddings.token_embedding.weight": torch.zeros(2, 2)}
    file = save(state | (extra if whole else {}), tmp_path / "hf.safetensors")
    backbone = create_backbone("open-clip:small-vit", file, 28)
    expected = tower(normalised(images_of(28))).image_embeds
    torch.testing.assert_close(backbone(images_of(28)), expected, rtol=1e-5, atol=1e-5)


def test_the_normalisation_is_that_of_the_tag(tmp_path, monkeypatch):
    tag = {"hf_hub": "some/model/", "mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25), "quick_gelu": True}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "small-vit", {"mine": tag})
    file = save(library_model("small-vit").state_dict(), tmp_path / "clip.safetensors")
    for name in ("open-clip:small-vit/mine", "open-clip:small-vit"):
        backbone = create_backbone(name, file, 28)
        assert (backbone.mean.flatten().tolist(), backbone.std.flatten().tolist()) == ([0.5] * 3, [0.25] * 3)
        assert backbone.name == name
    other = tag | {"mean": CLIP_MEAN}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "small-vit", {"mine": tag, "other": other})
    with pytest.raises(OptionError, match=r"differ in their normalisation: name .*open-clip:small-vit/TAG \(mine, oth"):
        create_backbone("open-clip:small-vit", file, 28)
    assert create_backbone("open-clip:small-vit/mine", file, 28).mean.flatten()[0] == 0.5


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("open-clip:", OptionError, "names no model: write open-clip:MODEL/TAG"),
        ("open-clip:ViT-B-1/openai", UnknownNameError, "Unknown open_clip model 'ViT-B-1'. Did you mean 'ViT-B-1"),
        ("open-clip:ViT-B-16-quickgelu/openia", UnknownNameError, "Unknown weights of ViT-B-16-q.* mean 'openai'"),
        ("open-clip:ViT-B-16/openai", OptionError, "openai of ViT-B-16 were trained with QuickGELU: take the model"),
        ("open-clip:ViT-B-16-quickgelu", WeightsNotFoundError, "names no weights: write open-clip:MODEL/TAG"),
        ("open-clip:small-vit:feature=x", UnknownNameError, "Unknown option of open-clip 'feature'. Did you mean"),
        ("open-clip:small-vit:features=x", UnknownNameError, "Unknown features of open-clip 'x'"),
    ],
)
def test_mistakes_in_a_name_are_told_in_one_line(name, error, message):
    with pytest.raises(error, match=message) as told:
        create_backbone(name)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("small-vit", 30, "a multiple of 7 px, got 30"),
        ("small-resnet", 96, "takes images of 64 px, got 96"),
        ("small-resnet:features=pre-projection", 64, "has no projection that could be left out"),
    ],
)
def test_what_a_model_cannot_do_is_told_in_one_line(tmp_path, name, size, message):
    file = save(library_model(name.partition(":")[0]).state_dict(), tmp_path / "clip.safetensors")
    with pytest.raises(OptionError, match=message):
        create_backbone(f"open-clip:{name}", file, size)


def test_weights_that_do_not_fit_are_counted_and_named(tmp_path):
    state = library_model("small-vit").state_dict()
    state["visual.ln_extra.weight"] = state.pop("visual.ln_post.weight")
    file = save(state, tmp_path / "clip.safetensors")
    with pytest.raises(WeightsError, match=r"1 missing \(such as ln_post.weight\), 1 unexpected \(such as ln_extra"):
        create_backbone("open-clip:small-vit", file, 28)


def test_without_network_one_line_says_what_is_missing(hub_cache):
    name = "open-clip:ViT-B-32-quickgelu/openai"
    with pytest.raises(WeightsNotFoundError) as error:
        create_backbone(name)
    assert f"The weights of {name} (timm/vit_base_patch32_clip_224.openai/open_clip_model.safetensors)" in str(
        error.value
    )
    assert "\n" not in str(error.value)
    info = find_backbone(name)
    assert (info.repository, info.here) == ("timm/vit_base_patch32_clip_224.openai", False)
    file_named = find_backbone("open-clip:ViTamin-S/datacomp1b")
    assert (file_named.repository, file_named.files) == ("jienengchen/ViTamin-S", ("pytorch_model.bin",))
    assert not find_backbone("open-clip:ViT-B-32-quickgelu").here


@pytest.mark.parametrize("detector", ["wepe", "rigid", "mc-dropout"])
@pytest.mark.parametrize("name", ["small-vit", "small-resnet"])
def test_detectors_run_on_it(tmp_path, name, detector):
    file = save(library_model(name).state_dict(), tmp_path / "clip.safetensors")
    backbone = create_backbone(f"open-clip:{name}", file, SIZES[name])
    options = {"rule": "tensor_std", "blocks": 2} if detector == "wepe" else {}
    scores = create_detector(detector, backbone, **options)(images_of(SIZES[name]), torch.arange(3))
    assert scores.shape == (3,)
    assert len(set(scores.tolist())) == 3
    if name == "small-vit":
        assert {len(backbone.block_parameters(block)) for block in range(3)} == {12}, "open_clip's, without LayerScale"
