"""Names of the same tensors in different libraries: DINOv2's and CLIP's own code, timm, open_clip and transformers.

A row of a table holds the name of a tensor in the authors' layout and the names in transformers'; where these are
three, the authors keep queries, keys and values in one tensor, and transformers in three. ``#`` stands for the number
of a block.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

Row = tuple[str, tuple[str, ...]]
_BLOCK, _LAYER = "blocks.#.", "encoder.layer.#."
_RESBLOCK, _VISION_LAYER = "transformer.resblocks.#.", "encoder.layers.#."


def _affine(*rows: Row) -> list[Row]:
    """Writes rows of modules out as those of their weights and biases."""
    return [
        (f"{own}{leaf}", tuple(f"{name}.{leaf}" for name in names))
        for own, names in rows
        for leaf in ("weight", "bias")
    ]


DINOV2: Sequence[Row] = [
    ("cls_token", ("embeddings.cls_token",)),
    ("mask_token", ("embeddings.mask_token",)),
    ("pos_embed", ("embeddings.position_embeddings",)),
    ("register_tokens", ("embeddings.register_tokens",)),
    (f"{_BLOCK}ls1.gamma", (f"{_LAYER}layer_scale1.lambda1",)),
    (f"{_BLOCK}ls2.gamma", (f"{_LAYER}layer_scale2.lambda1",)),
    *_affine(
        ("patch_embed.proj.", ("embeddings.patch_embeddings.projection",)),
        ("norm.", ("layernorm",)),
        (f"{_BLOCK}norm1.", (f"{_LAYER}norm1",)),
        (f"{_BLOCK}norm2.", (f"{_LAYER}norm2",)),
        (f"{_BLOCK}attn.qkv.", tuple(f"{_LAYER}attention.attention.{part}" for part in ("query", "key", "value"))),
        (f"{_BLOCK}attn.proj.", (f"{_LAYER}attention.output.dense",)),
        (f"{_BLOCK}mlp.fc1.", (f"{_LAYER}mlp.fc1",)),
        (f"{_BLOCK}mlp.fc2.", (f"{_LAYER}mlp.fc2",)),
        (f"{_BLOCK}mlp.w12.", (f"{_LAYER}mlp.weights_in",)),
        (f"{_BLOCK}mlp.w3.", (f"{_LAYER}mlp.weights_out",)),
    ),
]
CLIP: Sequence[Row] = [
    ("class_embedding", ("embeddings.class_embedding",)),
    ("positional_embedding", ("embeddings.position_embedding.weight",)),
    ("conv1.weight", ("embeddings.patch_embedding.weight",)),
    ("proj", ("visual_projection.weight",)),
    *_affine(
        ("ln_pre.", ("pre_layrnorm",)),
        ("ln_post.", ("post_layernorm",)),
        (f"{_RESBLOCK}ln_1.", (f"{_VISION_LAYER}layer_norm1",)),
        (f"{_RESBLOCK}ln_2.", (f"{_VISION_LAYER}layer_norm2",)),
        (f"{_RESBLOCK}attn.in_proj_", tuple(f"{_VISION_LAYER}self_attn.{part}_proj" for part in "qkv")),
        (f"{_RESBLOCK}attn.out_proj.", (f"{_VISION_LAYER}self_attn.out_proj",)),
        (f"{_RESBLOCK}mlp.c_fc.", (f"{_VISION_LAYER}mlp.fc1",)),
        (f"{_RESBLOCK}mlp.c_proj.", (f"{_VISION_LAYER}mlp.fc2",)),
    ),
]
# What transformers 5 calls in memory what it keeps in files under the names above.
_IN_MEMORY = {
    ".attention.q_proj.": ".attention.attention.query.",
    ".attention.k_proj.": ".attention.attention.key.",
    ".attention.v_proj.": ".attention.attention.value.",
    ".attention.o_proj.": ".attention.output.dense.",
}


def dinov2_from_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Gives a DINOv2 of transformers the names of torch.hub; what has other names is left as it is.

    Args:
        state: Tensors by name, of the model alone or with a classifier, which is left out.
    """
    state = {key.removeprefix("dinov2.").removeprefix("dinov2_with_registers."): state[key] for key in state}
    if "embeddings.cls_token" not in state or "encoder.layer.0.layer_scale1.lambda1" not in state:
        return dict(state)
    named = {_in_files(key): value for key, value in state.items() if not key.startswith("classifier.")}
    return _gathered(named, DINOV2)


def dinov2_to_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Gives a DINOv2 of torch.hub or timm the names of transformers' files; what has other names is left as it is.

    timm keeps no ``mask_token``, which no pass here uses (zeros stand for it), and adds the position of the class token
    to the token itself where there are registers.
    """
    if "blocks.0.norm1.weight" not in state or "patch_embed.proj.weight" not in state:
        return dict(state)
    hub = dict(state)
    if "reg_token" in hub:
        hub["register_tokens"] = hub.pop("reg_token")
        hub["pos_embed"] = torch.cat([torch.zeros_like(hub["pos_embed"][:, :1]), hub["pos_embed"]], dim=1)
    if "mask_token" not in hub:
        hub["mask_token"] = torch.zeros_like(hub["cls_token"][0])
        width, hidden = hub["blocks.0.mlp.fc2.weight"].shape
        if hub["blocks.0.mlp.fc1.weight"].shape == (2 * hidden, width):
            hub = {key.replace(".mlp.fc1.", ".mlp.w12.").replace(".mlp.fc2.", ".mlp.w3."): hub[key] for key in hub}
    return _spread(hub, DINOV2)


def clip_from_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Gives the image encoder of a CLIP of transformers the names of OpenAI and open_clip, without ``visual.``.

    Args:
        state: Tensors by name, of the whole model or of its image encoder.

    Returns:
        The image encoder's tensors; what has other names is left as it is.
    """
    whole = any(key.startswith("vision_model.") for key in state)
    if not whole and "embeddings.class_embedding" not in state:
        return dict(state)
    own = {key.removeprefix("vision_model."): value for key, value in state.items() if _is_visual(key) or not whole}
    own.pop("embeddings.position_ids", None)  # older files carry indices that are no weights
    named = _gathered(own, CLIP)
    return named | ({"proj": named["proj"].T} if "proj" in named else {})


def clip_to_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Gives the image encoder of a CLIP of OpenAI or open_clip the names of transformers' files.

    Args:
        state: Tensors by name, of the whole model or of its image encoder.

    Returns:
        The image encoder's tensors without the projection; what has other names is left as it is.
    """
    whole = any(key.startswith("visual.") for key in state)
    own = {key.removeprefix("visual."): value for key, value in state.items() if key.startswith("visual.") or not whole}
    if "transformer.resblocks.0.ln_1.weight" not in own or "conv1.weight" not in own:
        return dict(state)
    own.pop("proj", None)
    return _spread(own, CLIP)


def _is_visual(key: str) -> bool:
    return key.startswith(("vision_model.", "visual_projection."))


def _in_files(key: str) -> str:
    for name, published in _IN_MEMORY.items():
        key = key.replace(name, published)
    return key


def _spread(state: Mapping[str, Tensor], table: Iterable[Row]) -> dict[str, Tensor]:
    """Renames tensors from a table's left to its right, in pieces where these are several."""
    rows = [(_pattern(own), names) for own, names in table]
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        matches = ((pattern.fullmatch(key), names) for pattern, names in rows)
        match, names = next(((match, names) for match, names in matches if match), (None, (key,)))
        block = match.groupdict().get("block", "") if match else ""
        for name, part in zip(names, value.chunk(len(names)), strict=True):
            renamed[name.replace("#", block)] = part
    return renamed


def _gathered(state: Mapping[str, Tensor], table: Iterable[Row]) -> dict[str, Tensor]:
    """Renames tensors from a table's right to its left, one after the other where several make one."""
    rows = [(_pattern(names[0]), own, names) for own, names in table]
    rest, renamed = dict(state), {}
    for key in state:
        for pattern, own, names in rows:
            if (match := pattern.fullmatch(key)) is None:
                continue
            block = match.groupdict().get("block", "")
            parts = [name.replace("#", block) for name in names]
            if all(part in rest for part in parts):
                renamed[own.replace("#", block)] = torch.cat([rest.pop(part) for part in parts])
    return renamed | rest


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(re.escape(name).replace(r"\#", r"(?P<block>\d+)"))
