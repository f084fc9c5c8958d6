"""Vision transformers written out in plain torch, on the tensors of a file as their authors keep them."""

import torch
from torch import Tensor
from torch.nn import functional as F

State = dict[str, Tensor]
LORA_ALPHA = 1.0


def plain_linear(state: State, name: str, hidden: Tensor) -> Tensor:
    """Applies a linear layer: a plain one, one with a LoRA beside it, or one in singular components."""
    if f"{name}.lora.lora_A" in state:
        down, up = state[f"{name}.lora.lora_A"], state[f"{name}.lora.lora_B"]
        plain = F.linear(hidden, state[f"{name}.original_layer.weight"], state[f"{name}.original_layer.bias"])
        return plain + LORA_ALPHA / len(down) * (hidden @ down.T @ up.T)
    if f"{name}.weight_main" in state:
        residual = state[f"{name}.U_residual"] @ torch.diag(state[f"{name}.S_residual"]) @ state[f"{name}.V_residual"]
        return F.linear(hidden, state[f"{name}.weight_main"] + residual, state[f"{name}.bias"])
    return F.linear(hidden, state[f"{name}.weight"], state.get(f"{name}.bias"))


def plain_norm(state: State, name: str, hidden: Tensor, eps: float) -> Tensor:
    """Applies a layer norm."""
    centred = hidden - hidden.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    return centred / (variance + eps).sqrt() * state[f"{name}.weight"] + state[f"{name}.bias"]


def plain_attention(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """Attends, ``(B, N, D)`` each."""
    query, key, value = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in (query, key, value))
    weights = torch.softmax(query @ key.transpose(2, 3) / query.shape[-1] ** 0.5, dim=-1)
    return (weights @ value).transpose(1, 2).flatten(2)


def patches(images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Embeds patches, ``(B, N, D)``."""
    return F.conv2d(images, weight, bias, stride=weight.shape[-1]).flatten(2).transpose(1, 2)


def depth(state: State, container: str) -> int:
    """Counts blocks by their names."""
    return len({name.split(f"{container}.")[1].split(".")[0] for name in state if name.startswith(f"{container}.")})


def plain_vit(state: State, images: Tensor, heads: int, positions: Tensor | None = None) -> Tensor:
    """Computes the class token after the last norm, with the names of timm and of DINOv2.

    Args:
        state: Tensors by name.
        images: ``(B, 3, H, W)``, normalised.
        heads: Attention heads.
        positions: Position embedding, where it is not the stored one.
    """
    tokens = patches(images, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"])
    hidden = torch.cat([state["cls_token"].expand(len(tokens), -1, -1), tokens], dim=1)
    hidden = hidden + (state["pos_embed"] if positions is None else positions)
    for number in range(depth(state, "blocks")):
        block = f"blocks.{number}"
        parts = plain_linear(state, f"{block}.attn.qkv", plain_norm(state, f"{block}.norm1", hidden, 1e-6)).chunk(3, -1)
        attended = plain_linear(state, f"{block}.attn.proj", plain_attention(*parts, heads))
        hidden = hidden + attended * state.get(f"{block}.ls1.gamma", 1)
        wide = F.gelu(plain_linear(state, f"{block}.mlp.fc1", plain_norm(state, f"{block}.norm2", hidden, 1e-6)))
        hidden = hidden + plain_linear(state, f"{block}.mlp.fc2", wide) * state.get(f"{block}.ls2.gamma", 1)
    return plain_norm(state, "norm", hidden, 1e-6)[:, 0]


def plain_clip(state: State, images: Tensor, heads: int) -> Tensor:
    """Computes the class token of CLIP's image encoder after the last norm, with the names of transformers.

    Args:
        state: Tensors by name, from ``embeddings.`` on.
        images: ``(B, 3, H, W)``, normalised.
        heads: Attention heads.
    """
    tokens = patches(images, state["embeddings.patch_embedding.weight"], None)
    hidden = torch.cat([state["embeddings.class_embedding"].expand(len(tokens), 1, -1), tokens], dim=1)
    hidden = plain_norm(state, "pre_layrnorm", hidden + state["embeddings.position_embedding.weight"], 1e-5)
    for number in range(depth(state, "encoder.layers")):
        layer = f"encoder.layers.{number}"
        before = plain_norm(state, f"{layer}.layer_norm1", hidden, 1e-5)
        parts = [plain_linear(state, f"{layer}.self_attn.{part}_proj", before) for part in "qkv"]
        hidden = hidden + plain_linear(state, f"{layer}.self_attn.out_proj", plain_attention(*parts, heads))
        wide = plain_linear(state, f"{layer}.mlp.fc1", plain_norm(state, f"{layer}.layer_norm2", hidden, 1e-5))
        hidden = hidden + plain_linear(state, f"{layer}.mlp.fc2", wide * torch.sigmoid(1.702 * wide))
    return plain_norm(state, "post_layernorm", hidden[:, 0], 1e-5)
