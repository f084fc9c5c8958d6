"""CLIP's image encoder from its stored tensors, step by step as OpenAI's code has it, for tests."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F


def norm_outputs(state: Mapping[str, Tensor], images: Tensor, heads: int) -> list[Tensor]:
    """Computes what the second norm of every block gives.

    Args:
        state: Tensors of the image encoder with OpenAI's names.
        images: Normalised.
        heads: Of the attention.

    Returns:
        A tensor ``(tokens, B, width)`` a block: OpenAI's blocks have the images in the second dimension.
    """
    patches = F.conv2d(images, state["conv1.weight"], stride=state["conv1.weight"].shape[-1]).flatten(2)
    first = state["class_embedding"].expand(len(images), 1, -1)
    tokens = torch.cat([first, patches.transpose(1, 2)], dim=1) + state["positional_embedding"]
    tokens = _norm(state, "ln_pre", tokens).transpose(0, 1)
    given = []
    for block in range(sum(name.endswith("ln_2.weight") for name in state)):
        name = f"transformer.resblocks.{block}"
        normed = _norm(state, f"{name}.ln_1", tokens)
        tokens = tokens + _attention(state, f"{name}.attn", normed, heads)
        given.append(_norm(state, f"{name}.ln_2", tokens))
        hidden = F.linear(given[-1], state[f"{name}.mlp.c_fc.weight"], state[f"{name}.mlp.c_fc.bias"])
        hidden = hidden * torch.sigmoid(1.702 * hidden)
        tokens = tokens + F.linear(hidden, state[f"{name}.mlp.c_proj.weight"], state[f"{name}.mlp.c_proj.bias"])
    return given


def _norm(state: Mapping[str, Tensor], name: str, tokens: Tensor) -> Tensor:
    return F.layer_norm(tokens, tokens.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])


def _attention(state: Mapping[str, Tensor], name: str, tokens: Tensor, heads: int) -> Tensor:
    length, count, width = tokens.shape
    triple = F.linear(tokens, state[f"{name}.in_proj_weight"], state[f"{name}.in_proj_bias"])
    query, key, value = triple.reshape(length, count, 3, heads, width // heads).permute(2, 1, 3, 0, 4)
    weights = (query @ key.transpose(2, 3) / (width // heads) ** 0.5).softmax(dim=-1)
    mixed = (weights @ value).permute(2, 0, 1, 3).reshape(length, count, width)
    return F.linear(mixed, state[f"{name}.out_proj.weight"], state[f"{name}.out_proj.bias"])
