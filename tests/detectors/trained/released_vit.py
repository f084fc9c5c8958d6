"""Writes checkpoints of detectors that are transformers: CLIP's and DINOv2's.

Random weights at a small size, in the released layout; the layouts are stated here name by name.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from plain_vit import State, plain_clip, plain_vit
from released_files_two import SPREAD, pictures
from safetensors.torch import save_file
from torch import Tensor
from torchvision import transforms

Shapes = dict[str, tuple[int, ...]]
CLIP_NORMALISE = transforms.Normalize([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
IMAGENET_NORMALISE = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
SMALL_CLIP = {"image_size": 224, "patch_size": 56, "width": 64, "layers": 2, "heads": 2, "output_dim": 32}
ARCHITECTURES: dict[str, Mapping[str, Any]] = {
    "community-forensics": {"patch_size": 56, "embed_dim": 32, "depth": 2, "num_heads": 2},
    "c2p-clip": SMALL_CLIP,
    "effort": SMALL_CLIP,
    "dda": {"crop": 336, "img_size": 392, "patch_size": 56, "embed_dim": 48, "depth": 2, "num_heads": 3},
}
"""Small sizes of the network, by the detector's name: few and large patches, so that images have the published size."""


def with_bias(name: str, *shape: int) -> Shapes:
    """States a layer's weight and bias."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def vit_shapes(width: int, depth: int, patch: int, tokens: int) -> Shapes:
    """States a plain vision transformer without its head, with the names of timm."""
    shapes = {"cls_token": (1, 1, width), "pos_embed": (1, tokens, width)}
    shapes |= with_bias("patch_embed.proj", width, 3, patch, patch) | with_bias("norm", width)
    for number in range(depth):
        block = f"blocks.{number}"
        shapes |= with_bias(f"{block}.norm1", width) | with_bias(f"{block}.norm2", width)
        shapes |= with_bias(f"{block}.attn.qkv", 3 * width, width) | with_bias(f"{block}.attn.proj", width, width)
        shapes |= with_bias(f"{block}.mlp.fc1", 4 * width, width) | with_bias(f"{block}.mlp.fc2", width, 4 * width)
    return shapes


def clip_shapes(width: int, depth: int, patch: int, tokens: int) -> Shapes:
    """States CLIP's image encoder with the names of transformers, from ``embeddings.`` on."""
    shapes: Shapes = {
        "embeddings.class_embedding": (width,),
        "embeddings.patch_embedding.weight": (width, 3, patch, patch),
        "embeddings.position_embedding.weight": (tokens, width),
    }
    shapes |= with_bias("pre_layrnorm", width) | with_bias("post_layernorm", width)
    for number in range(depth):
        layer = f"encoder.layers.{number}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= with_bias(f"{layer}.self_attn.{part}", width, width)
        shapes |= with_bias(f"{layer}.layer_norm1", width) | with_bias(f"{layer}.layer_norm2", width)
        shapes |= with_bias(f"{layer}.mlp.fc1", 4 * width, width) | with_bias(f"{layer}.mlp.fc2", width, 4 * width)
    return shapes


def commfor_layout(side: int, patch_size: int, embed_dim: int, depth: int, num_heads: int) -> Shapes:
    """States the file of Community Forensics."""
    shapes = vit_shapes(embed_dim, depth, patch_size, (side // patch_size) ** 2 + 1) | with_bias("head", 1, embed_dim)
    return {f"vit.{name}": shape for name, shape in shapes.items()}


def c2p_layout(image_size: int, patch_size: int, width: int, layers: int, heads: int, output_dim: int) -> Shapes:
    """States the file of C2P-CLIP."""
    shapes = clip_shapes(width, layers, patch_size, (image_size // patch_size) ** 2 + 1)
    shapes = {f"vision_model.{name}": shape for name, shape in shapes.items()}
    shapes |= {"visual_projection.weight": (output_dim, width)} | with_bias("fc", 1, output_dim)
    return {f"model.{name}": shape for name, shape in shapes.items()}


def effort_layout(image_size: int, patch_size: int, width: int, layers: int, heads: int, output_dim: int) -> Shapes:
    """States the file of Effort: attention weights in a frozen part and one singular component."""
    shapes = clip_shapes(width, layers, patch_size, (image_size // patch_size) ** 2 + 1)
    parts: Shapes = {
        "weight_main": (width, width),
        "S_residual": (1,),
        "U_residual": (width, 1),
        "V_residual": (1, width),
    }
    for name in [name for name in shapes if name.endswith("_proj.weight")]:
        del shapes[name]
        shapes |= {f"{name.removesuffix('.weight')}.{part}": shape for part, shape in parts.items()}
    shapes = {f"backbone.{name}": shape for name, shape in shapes.items()} | with_bias("head", 2, width)
    return {f"module.{name}": shape for name, shape in shapes.items()}


def dda_layout(
    crop: int, img_size: int, patch_size: int, embed_dim: int, depth: int, num_heads: int, rank: int = 8
) -> Shapes:
    """States the network of DDA's file: a DINOv2 of torch.hub with LoRA on its linear layers."""
    plain = vit_shapes(embed_dim, depth, patch_size, (img_size // patch_size) ** 2 + 1) | {"mask_token": (1, embed_dim)}
    plain |= {f"blocks.{number}.ls{half}.gamma": (embed_dim,) for number in range(depth) for half in (1, 2)}
    shapes: Shapes = {}
    for name, shape in plain.items():
        layer, _, leaf = name.rpartition(".")
        if layer.endswith(("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")):
            shapes[f"{layer}.original_layer.{leaf}"] = shape
            if leaf == "weight":
                shapes |= {f"{layer}.lora.lora_A": (rank, shape[1]), f"{layer}.lora.lora_B": (shape[0], rank)}
        else:
            shapes[name] = shape
    shapes = {f"model.{name}": shape for name, shape in shapes.items()} | with_bias("fc", 1, embed_dim)
    return {f"base_model.{name}": shape for name, shape in shapes.items()}


def random_state(shapes: Shapes, seed: int) -> State:
    """Draws weights of a layout, of a size that keeps patches, positions and blocks from drowning each other."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        noise = torch.randn(shape, generator=generator)
        if ("norm" in name and name.endswith("weight")) or name.endswith("gamma"):
            state[name] = 1 + 0.1 * noise
        elif "embed" in name and not name.endswith(("proj.weight", "patch_embedding.weight")):
            state[name] = noise  # of positions and the class
        else:
            state[name] = noise * (1.5 / math.sqrt(noise[0].numel()) if len(shape) > 1 else 0.1)
    return state


def without(prefix: str, state: State) -> State:
    """Takes the beginning of names away, and what has other names."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def commfor_logits(state: State, inputs: Tensor, heads: int = 2) -> Tensor:
    """Computes Community Forensics' logits of normalised images, ``(B,)``."""
    vit = without("vit.", state)
    return (plain_vit(vit, inputs, heads) @ vit["head.weight"].T + vit["head.bias"]).flatten()


def c2p_logits(state: State, inputs: Tensor, heads: int = 2) -> Tensor:
    """Computes C2P-CLIP's logits of normalised images, ``(B,)``."""
    pooled = plain_clip(without("model.vision_model.", state), inputs, heads)
    features = pooled @ state["model.visual_projection.weight"].T
    features = features / features.norm(dim=1, keepdim=True)
    return (features @ state["model.fc.weight"].T + state["model.fc.bias"]).flatten()


def effort_logits(state: State, inputs: Tensor, heads: int = 2) -> Tensor:
    """Computes Effort's two logits of normalised images, ``(B, 2)``."""
    pooled = plain_clip(without("module.backbone.", state), inputs, heads)
    return pooled @ state["module.head.weight"].T + state["module.head.bias"]


def dda_logits(state: State, inputs: Tensor, heads: int = 3) -> Tensor:
    """Computes DDA's logits of normalised images, ``(B,)``, the positions scaled as DINOv2's code does."""
    own = without("base_model.model.", state)
    before = math.isqrt(own["pos_embed"].shape[1])
    after = inputs.shape[-1] // own["patch_embed.proj.weight"].shape[-1]
    grid = own["pos_embed"][:, 1:].unflatten(1, (before, before)).permute(0, 3, 1, 2)
    factor = (after + 0.1) / before
    grid = torch.nn.functional.interpolate(grid, scale_factor=(factor, factor), mode="bicubic")
    assert grid.shape[2:] == (after, after)
    positions = torch.cat([own["pos_embed"][:, :1], grid.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)
    features = plain_vit(own, inputs, heads, positions)
    return (features @ state["base_model.fc.weight"].T + state["base_model.fc.bias"]).flatten()


def spread(state: State, last: str, logits: Callable[[State], Tensor]) -> State:
    """Scales the last layer so that the logits of some inputs spread around 0."""
    state[f"{last}.weight"] *= SPREAD / logits(state).std(dim=0)[..., None]
    state[f"{last}.bias"] -= logits(state).mean(dim=0)
    return state


def commfor_state() -> State:
    """Makes the weights of Community Forensics."""
    state = random_state(commfor_layout(224, **ARCHITECTURES["community-forensics"]), 21)
    inputs = IMAGENET_NORMALISE(pictures(8, 224))
    return spread(state, "vit.head", lambda state: commfor_logits(state, inputs))


def c2p_state() -> State:
    """Makes the weights of C2P-CLIP."""
    inputs = CLIP_NORMALISE(pictures(8, 224))
    return spread(random_state(c2p_layout(**SMALL_CLIP), 22), "model.fc", lambda state: c2p_logits(state, inputs))


def effort_state() -> State:
    """Makes the weights of Effort."""
    inputs = CLIP_NORMALISE(pictures(8, 224))
    state = random_state(effort_layout(**SMALL_CLIP), 23)
    for name in state:
        if name.endswith("S_residual"):
            state[name] += 1  # so that the trained component counts
    return spread(state, "module.head", lambda state: effort_logits(state, inputs))


def dda_state() -> State:
    """Makes the weights of DDA."""
    inputs = CLIP_NORMALISE(pictures(8, 336))
    state = random_state(dda_layout(**ARCHITECTURES["dda"]), 24)
    return spread(state, "base_model.fc", lambda state: dda_logits(state, inputs))


def write_commfor(folder: Path) -> Path:
    """Writes Community Forensics as the Hugging Face hub has it."""
    save_file(commfor_state(), folder / "model.safetensors")
    return folder / "model.safetensors"


def write_c2p(folder: Path) -> Path:
    """Writes C2P-CLIP: a bare state dict."""
    torch.save(c2p_state(), folder / "C2P_CLIP_release_20240901.pth")
    return folder / "C2P_CLIP_release_20240901.pth"


def write_effort(folder: Path) -> Path:
    """Writes Effort: a bare state dict from several devices."""
    torch.save(effort_state(), folder / "effort_clip_L14_trainOn_chameleon.pth")
    return folder / "effort_clip_L14_trainOn_chameleon.pth"


def write_dda(folder: Path) -> Path:
    """Writes DDA: nested, with the optimiser's state and the number of steps beside it."""
    content = {"model": dda_state(), "optimizer": {"state": {}, "param_groups": [{"lr": 1e-4}]}, "total_steps": 7}
    torch.save(content, folder / "DDA_ckpt.pth")
    return folder / "DDA_ckpt.pth"


WRITERS: dict[str, Callable[[Path], Path]] = {
    "community-forensics": write_commfor,
    "c2p-clip": write_c2p,
    "effort": write_effort,
    "dda": write_dda,
}
"""By the detector's name; each writes into a folder and returns the checkpoint."""
