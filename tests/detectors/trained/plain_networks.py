"""Published networks computed from stored tensors alone, and the shapes that these have at the released size."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

State = Mapping[str, Tensor]
Shapes = dict[str, tuple[int, ...]]


def part_of(state: State, prefix: str) -> dict[str, Tensor]:
    """Takes the tensors under a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _linear(state: State, name: str, values: Tensor) -> Tensor:
    return F.linear(values, state[f"{name}.weight"], state[f"{name}.bias"])


def _norm(state: State, name: str, values: Tensor, epsilon: float) -> Tensor:
    weight = state[f"{name}.weight"]
    return F.layer_norm(values, weight.shape, weight, state[f"{name}.bias"], epsilon)


def _norm_of_map(state: State, name: str, maps: Tensor, epsilon: float) -> Tensor:
    return _norm(state, name, maps.movedim(1, -1), epsilon).movedim(-1, 1)


def plain_norm(state: State, name: str, maps: Tensor) -> Tensor:
    """Computes a batch norm from its statistics."""
    means = (state[f"{name}.{leaf}"] for leaf in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(maps, *means, training=False)


def plain_bottleneck(state: State, name: str, maps: Tensor, stride: int) -> Tensor:
    """Computes a block of a ResNet-50, whose second convolution has the stride."""
    hidden = F.relu(plain_norm(state, f"{name}.bn1", F.conv2d(maps, state[f"{name}.conv1.weight"])))
    hidden = F.conv2d(hidden, state[f"{name}.conv2.weight"], stride=stride, padding=1)
    hidden = F.relu(plain_norm(state, f"{name}.bn2", hidden))
    hidden = plain_norm(state, f"{name}.bn3", F.conv2d(hidden, state[f"{name}.conv3.weight"]))
    if f"{name}.downsample.0.weight" in state:
        shortcut = F.conv2d(maps, state[f"{name}.downsample.0.weight"], stride=stride)
        maps = plain_norm(state, f"{name}.downsample.1", shortcut)
    return F.relu(hidden + maps)


def plain_resnet(state: State, images: Tensor, blocks: Sequence[int], stride: int) -> Tensor:
    """Computes the last map of a ResNet-50 whose first convolution and pooling have this stride."""
    maps = F.conv2d(images, state["conv1.weight"], stride=stride, padding=3)
    maps = F.max_pool2d(F.relu(plain_norm(state, "bn1", maps)), 3, stride, 1)
    for stage, count in enumerate(blocks, 1):
        for block in range(count):
            maps = plain_bottleneck(state, f"layer{stage}.{block}", maps, 2 if stage > 1 and block == 0 else 1)
    return maps


def resnet_shapes(blocks: Sequence[int], channels: int, classes: int) -> Shapes:
    """Lists the tensors of a ResNet-50 with the names of torchvision."""
    shapes: Shapes = {"fc.weight": (classes, 2048), "fc.bias": (classes,)}

    def convolution(name: str, norm: str, *shape: int) -> Shapes:
        leaves = ("weight", "bias", "running_mean", "running_var")
        vectors = {f"{norm}.{leaf}": shape[:1] for leaf in leaves}
        return {f"{name}.weight": shape, **vectors, f"{norm}.num_batches_tracked": ()}

    shapes |= convolution("conv1", "bn1", 64, channels, 7, 7)
    before = 64
    for stage, count in enumerate(blocks, 1):
        width = 32 * 2**stage
        for block in range(count):
            name = f"layer{stage}.{block}."
            shapes |= convolution(f"{name}conv1", f"{name}bn1", width, before, 1, 1)
            shapes |= convolution(f"{name}conv2", f"{name}bn2", width, width, 3, 3)
            shapes |= convolution(f"{name}conv3", f"{name}bn3", 4 * width, width, 1, 1)
            if block == 0:
                shapes |= convolution(f"{name}downsample.0", f"{name}downsample.1", 4 * width, before, 1, 1)
            before = 4 * width
    return shapes


def plain_convnext(state: State, images: Tensor, depths: Sequence[int], epsilon: float) -> Tensor:
    """Computes the last map of a ConvNeXt, ``(B, C, H / 32, W / 32)``, before its head."""
    maps = F.conv2d(images, state["stem.0.weight"], state["stem.0.bias"], stride=4)
    maps = _norm_of_map(state, "stem.1", maps, epsilon)
    for stage, depth in enumerate(depths):
        if stage:
            maps = _norm_of_map(state, f"stages.{stage}.downsample.0", maps, epsilon)
            weight, bias = (state[f"stages.{stage}.downsample.1.{leaf}"] for leaf in ("weight", "bias"))
            maps = F.conv2d(maps, weight, bias, stride=2)
        for block in range(depth):
            name = f"stages.{stage}.blocks.{block}"
            weight, bias = (state[f"{name}.conv_dw.{leaf}"] for leaf in ("weight", "bias"))
            hidden = F.conv2d(maps, weight, bias, padding=3, groups=len(weight)).movedim(1, -1)
            hidden = F.gelu(_linear(state, f"{name}.mlp.fc1", _norm(state, f"{name}.norm", hidden, epsilon)))
            maps = maps + (_linear(state, f"{name}.mlp.fc2", hidden) * state[f"{name}.gamma"]).movedim(-1, 1)
    return maps


def convnext_shapes(depths: Sequence[int], dims: Sequence[int]) -> Shapes:
    """Lists the tensors of a ConvNeXt with the names of timm, but for its last linear layer."""
    shapes: Shapes = {"stem.0.weight": (dims[0], 3, 4, 4)}
    shapes |= dict.fromkeys(("stem.0.bias", "stem.1.weight", "stem.1.bias"), (dims[0],))
    for stage, (depth, width) in enumerate(zip(depths, dims, strict=True)):
        if stage:
            before, name = dims[stage - 1], f"stages.{stage}.downsample"
            shapes |= {f"{name}.0.weight": (before,), f"{name}.0.bias": (before,)}
            shapes |= {f"{name}.1.weight": (width, before, 2, 2), f"{name}.1.bias": (width,)}
        for block in range(depth):
            name = f"stages.{stage}.blocks.{block}"
            vectors = ("gamma", "conv_dw.bias", "norm.weight", "norm.bias", "mlp.fc2.bias")
            shapes |= {f"{name}.{leaf}": (width,) for leaf in vectors}
            shapes |= {f"{name}.conv_dw.weight": (width, 1, 7, 7), f"{name}.mlp.fc1.bias": (4 * width,)}
            shapes |= {f"{name}.mlp.fc1.weight": (4 * width, width), f"{name}.mlp.fc2.weight": (width, 4 * width)}
    return shapes | {"head.norm.weight": (dims[-1],), "head.norm.bias": (dims[-1],)}


def plain_clip(state: State, images: Tensor, layers: int, heads: int) -> Tensor:
    """Computes the projected features of CLIP's image encoder from tensors with OpenAI's names."""
    weight = state["conv1.weight"]
    patches = F.conv2d(images, weight, stride=weight.shape[2:]).flatten(2).transpose(1, 2)
    tokens = torch.cat([state["class_embedding"].expand(len(images), 1, -1), patches], dim=1)
    tokens = _norm(state, "ln_pre", tokens + state["positional_embedding"], 1e-5)
    for layer in range(layers):
        name = f"transformer.resblocks.{layer}"
        hidden = _norm(state, f"{name}.ln_1", tokens, 1e-5)
        hidden = F.linear(hidden, state[f"{name}.attn.in_proj_weight"], state[f"{name}.attn.in_proj_bias"])
        queries, keys, values = hidden.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5).softmax(dim=-1)
        tokens = tokens + _linear(state, f"{name}.attn.out_proj", (weights @ values).transpose(1, 2).flatten(2))
        hidden = _linear(state, f"{name}.mlp.c_fc", _norm(state, f"{name}.ln_2", tokens, 1e-5))
        tokens = tokens + _linear(state, f"{name}.mlp.c_proj", hidden * torch.sigmoid(1.702 * hidden))
    return _norm(state, "ln_post", tokens[:, 0], 1e-5) @ state["proj"]


def clip_shapes(layers: int, width: int, patch: int, tokens: int, features: int) -> Shapes:
    """Lists the tensors of CLIP's image encoder with OpenAI's names."""
    shapes: Shapes = {"conv1.weight": (width, 3, patch, patch), "class_embedding": (width,), "proj": (width, features)}
    shapes |= {"positional_embedding": (tokens, width)}
    shapes |= {f"ln_{place}.{leaf}": (width,) for place in ("pre", "post") for leaf in ("weight", "bias")}
    for layer in range(layers):
        name = f"transformer.resblocks.{layer}"
        vectors = ("ln_1.weight", "ln_1.bias", "ln_2.weight", "ln_2.bias", "attn.out_proj.bias", "mlp.c_proj.bias")
        shapes |= {f"{name}.{leaf}": (width,) for leaf in vectors}
        shapes |= {f"{name}.attn.in_proj_weight": (3 * width, width), f"{name}.attn.in_proj_bias": (3 * width,)}
        shapes |= {f"{name}.attn.out_proj.weight": (width, width), f"{name}.mlp.c_fc.bias": (4 * width,)}
        shapes |= {f"{name}.mlp.c_fc.weight": (4 * width, width), f"{name}.mlp.c_proj.weight": (width, 4 * width)}
    return shapes


def text_shapes(layers: int, width: int, words: int, length: int, features: int) -> Shapes:
    """Lists the tensors of CLIP's text encoder with OpenAI's names."""
    whole = clip_shapes(layers, width, 1, length, features)
    shapes = {name: shape for name, shape in whole.items() if name.startswith(("transformer.", "positional"))}
    shapes |= {"token_embedding.weight": (words, width), "text_projection": (width, features), "logit_scale": ()}
    return shapes | {"ln_final.weight": (width,), "ln_final.bias": (width,)}


def drawn(shapes: Shapes, seed: int) -> dict[str, Tensor]:
    """Draws tensors of these shapes: of two and more axes with a variance that keeps that of the inputs."""
    draws = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif len(shape) > 1:
            state[name] = torch.randn(shape, generator=draws) / (torch.Size(shape).numel() / shape[0]) ** 0.5
        else:
            around = 0 if name.endswith(("bias", "running_mean")) else 1
            state[name] = 0.1 * torch.randn(shape, generator=draws) + around
    return state
