"""The random numbers that the authors' code of WePe draws, drawn again.

That code (junz-debug/WePe at c27e361, ``wepe.py``) seeds torch once, builds DINOv2 twice through torch's hub, and adds
noise to the second. Loading overwrites what building drew, but the stream has moved on. So all that building draws is
drawn here, in the order of facebookresearch/dinov2, ``models/vision_transformer.py``: the start that torch gives the
patch embedding and each linear layer, then the positions, the class token, and each linear layer's weights anew.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from detectors.errors import OptionError

BLOCK = (
    *("norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias"),
    *("ls1.gamma", "norm2.weight", "norm2.bias", "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias"),
    "ls2.gamma",
)
"""The tensors of a block in the order of its parameters; the code counts 14 a block."""
LINEAR = ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")
HUB_SIDE = 518
"""Side in pixels of the images that torch's hub builds DINOv2 for, whatever size it sees later."""
NETWORKS = 2


def published_noise(model: nn.Module, blocks: int, seed: int) -> dict[str, Tensor]:
    """Draws the noise of the authors' code.

    Args:
        model: A DINOv2 ViT-S, B or L in timm's implementation, without registers.
        blocks: The first so many are perturbed.
        seed: The code's ``--seed``.

    Returns:
        Standard normal noise by the names of the blocks' parameters, on the CPU.

    Raises:
        OptionError: The model is built in another way, so that the code's draws for it are not known.
    """
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    depth = _checked_depth(shapes)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(NETWORKS):
        _build(shapes, depth, generator)
    names = [f"blocks.{block}.{tensor}" for block in range(blocks) for tensor in BLOCK]
    return {name: torch.randn(shapes[name], generator=generator) for name in names}


def _build(shapes: Mapping[str, torch.Size], depth: int, generator: torch.Generator) -> None:
    patches, linear = shapes["patch_embed.proj.weight"], [f"blocks.{b}.{name}" for b in range(depth) for name in LINEAR]
    for name in ("patch_embed.proj", *linear):
        nn.init.kaiming_uniform_(torch.empty(shapes[f"{name}.weight"]), a=5**0.5, generator=generator)
        nn.init.uniform_(torch.empty(shapes[f"{name}.bias"]), generator=generator)
    positions = (HUB_SIDE // patches[-1]) ** 2 + 1
    nn.init.trunc_normal_(torch.empty(1, positions, patches[0]), std=0.02, generator=generator)
    nn.init.normal_(torch.empty(1, 1, patches[0]), generator=generator)
    for name in linear:
        nn.init.trunc_normal_(torch.empty(shapes[f"{name}.weight"]), std=0.02, generator=generator)


def _checked_depth(shapes: Mapping[str, torch.Size]) -> int:
    depth = len({name.split(".")[1] for name in shapes if name.startswith("blocks.")})
    inside = [name for name in shapes if name.startswith("blocks.")]
    outside = {"cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias", "norm.weight", "norm.bias"}
    if inside != [f"blocks.{b}.{tensor}" for b in range(depth) for tensor in BLOCK] or outside != {*shapes} - {*inside}:
        raise OptionError(
            "stream=published is known for DINOv2 ViT-S/14, B/14 and L/14 without registers alone, "
            "with 14 tensors in each block: take one of these, or stream=own."
        )
    return depth
