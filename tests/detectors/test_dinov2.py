"""DINOv2 against an independent writing of the published code, on small random networks."""

import math
from pathlib import Path

import pytest
import timm
import torch
from timm.layers import SwiGLUPacked
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from detectors import OptionError
from detectors.backbones import dinov2_backbone, resize_position_embedding
from detectors.backbones.base import IMAGENET_MEAN, IMAGENET_STD

HEADS, PATCH = 4, 14
KINDS = ["plain", "registers", "swiglu"]


def timm_model(kind: str = "plain", image_size: int = 98) -> VisionTransformer:
    options = {"reg_tokens": 4, "no_embed_class": True} if kind == "registers" else {}
    if kind == "swiglu":
        options = {"mlp_layer": SwiGLUPacked, "act_layer": nn.SiLU}
    return VisionTransformer(
        img_size=image_size, patch_size=PATCH, embed_dim=48, depth=3, num_heads=HEADS, num_classes=0, init_values=1e-5,
        **options,
    )  # fmt: skip


def published_state(kind: str) -> dict[str, Tensor]:
    """Random weights under the names of the published files, for a grid of 7 x 7 patches."""
    generator = torch.Generator().manual_seed(0)
    state = {
        key: 0.3 * torch.randn(value.shape, generator=generator) for key, value in timm_model().state_dict().items()
    }
    state |= {key: 1 + value for key, value in state.items() if "norm" in key or "gamma" in key}
    state["mask_token"] = torch.randn(1, 48, generator=generator)
    if kind == "registers":
        state["register_tokens"] = torch.randn(1, 4, 48, generator=generator)
    if kind == "swiglu":
        for key in [key for key in state if ".mlp." in key]:
            del state[key]
        for block in range(3):
            for name, shape in (("w12", (192, 48)), ("w3", (48, 96))):
                state[f"blocks.{block}.mlp.{name}.weight"] = 0.3 * torch.randn(shape, generator=generator)
                state[f"blocks.{block}.mlp.{name}.bias"] = 0.3 * torch.randn(shape[0], generator=generator)
    return state


def published_position_embedding(embedding: Tensor, size: int, registers: bool) -> Tensor:
    """Resamples the grid: antialiased to a size with registers, else by a factor with an offset."""
    side, new = math.isqrt(embedding.shape[1] - 1), size // PATCH
    if side == new:
        return embedding
    grid = embedding[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    if registers:
        grid = F.interpolate(grid, size=(new, new), mode="bicubic", antialias=True)
    else:
        grid = F.interpolate(grid, scale_factor=((new + 0.1) / side,) * 2, mode="bicubic", antialias=False)
    return torch.cat([embedding[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)


def published_forward(state: dict[str, Tensor], images: Tensor) -> Tensor:
    """``x_norm_clstoken``, written out from the published code."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    x = F.conv2d((images - mean) / std, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=PATCH)
    x = torch.cat([state["cls_token"].expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], dim=1)
    registers = "register_tokens" in state
    x = x + published_position_embedding(state["pos_embed"], images.shape[-1], registers)
    if registers:
        x = torch.cat([x[:, :1], state["register_tokens"].expand(len(x), -1, -1), x[:, 1:]], dim=1)
    for block in range(3):
        part = {key.removeprefix(f"blocks.{block}."): value for key, value in state.items()}
        x = x + part["ls1.gamma"] * attention(part, norm(part, "norm1", x))
        x = x + part["ls2.gamma"] * feed_forward(part, norm(part, "norm2", x))
    return norm(state, "norm", x)[:, 0]


def norm(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-6)


def linear(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])


def attention(state: dict[str, Tensor], x: Tensor) -> Tensor:
    batch, tokens, width = x.shape
    queries, keys, values = linear(state, "attn.qkv", x).reshape(batch, tokens, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
    weights = (queries @ keys.transpose(-1, -2) * (width // HEADS) ** -0.5).softmax(dim=-1)
    return linear(state, "attn.proj", (weights @ values).transpose(1, 2).reshape(batch, tokens, width))


def feed_forward(state: dict[str, Tensor], x: Tensor) -> Tensor:
    if "mlp.w12.weight" in state:
        gate, hidden = linear(state, "mlp.w12", x).chunk(2, dim=-1)
        return linear(state, "mlp.w3", F.silu(gate) * hidden)
    return linear(state, "mlp.fc2", F.gelu(linear(state, "mlp.fc1", x)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [98, 56, 126])
def test_published_checkpoint_gives_the_published_features(tmp_path: Path, kind, size):
    """The names of the published files load, and the features are the class token after the last norm."""
    state = published_state(kind)
    torch.save(state, tmp_path / "dinov2_pretrain.pth")
    model = timm_model("swiglu" if kind == "swiglu" else kind)
    if kind == "swiglu":
        for block in model.blocks:  # a hidden width that a published network of this size would have
            block.mlp = SwiGLUPacked(48, 192)
    backbone = dinov2_backbone("small", model, tmp_path / "dinov2_pretrain.pth", size)
    images = torch.rand(4, 3, size, size, generator=torch.Generator().manual_seed(1))
    features = backbone(images)
    torch.testing.assert_close(features, published_forward(state, images), rtol=1e-3, atol=1e-4)
    assert torch.pdist(F.normalize(features, dim=-1)).min() > 0.01, "different images must have different features"


def test_timm_names_load_as_well(tmp_path):
    state = published_state("plain")
    del state["mask_token"]
    torch.save(state, tmp_path / "model.pth")
    backbone = dinov2_backbone("small", timm_model(), tmp_path / "model.pth", 98)
    images = torch.rand(2, 3, 98, 98)
    torch.testing.assert_close(backbone(images), published_forward(state, images), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("size", [56, 112, 224])
def test_position_embedding_is_resampled_as_published(size):
    model = timm_model(image_size=518)
    published = torch.randn(1, 1 + 37 * 37, 48, generator=torch.Generator().manual_seed(0))
    model.pos_embed = nn.Parameter(published.clone())
    resize_position_embedding(model, size)
    expected = published_position_embedding(published, size, registers=False)
    torch.testing.assert_close(model.pos_embed, expected, rtol=0, atol=0)


def test_resampling_is_not_the_one_of_timm():
    """Should this fail, timm has come to the published code, and ours can go."""
    model, other = timm_model(image_size=518), timm_model(image_size=518)
    other.pos_embed = nn.Parameter(model.pos_embed.detach().clone())
    resize_position_embedding(model, 224)
    other.set_input_size((224, 224))
    assert (model.pos_embed - other.pos_embed).abs().max() > 0.1 * model.pos_embed.std()


def test_an_unchanged_size_leaves_the_position_embedding():
    model = timm_model()
    before = model.pos_embed.clone()
    resize_position_embedding(model, 98)
    assert torch.equal(model.pos_embed, before)


@pytest.mark.parametrize("size", [0, 13, 100, 225])
def test_a_size_that_is_no_multiple_of_the_patch_is_refused(size):
    with pytest.raises(OptionError, match=f"a multiple of 14 px, got {size}"):
        resize_position_embedding(timm_model(), size)


def test_timm_knows_every_name():
    from detectors.backbones.sources import DINOV2_MODELS, DINOV3_MODELS

    models = {*DINOV2_MODELS.values(), *DINOV3_MODELS.values()}
    assert models <= set(timm.list_models(pretrained=True))
    assert {timm.models.get_pretrained_cfg(model).hf_hub_id for model in models} == {
        f"timm/{model}" for model in models
    }
