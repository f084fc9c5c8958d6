"""What building DINOv2 draws, by building its layers as DINOv2 does; written from its description, slowly."""

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width)


class Dinov2(nn.Module):
    """DINOv2 as torch's hub builds it, for images of 518 px, without what draws nothing and without a forward pass."""

    def __init__(self, width: int, depth: int, patch: int) -> None:
        super().__init__()
        self.patch_embed = nn.Sequential(nn.Conv2d(3, width, patch, patch))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, (518 // patch) ** 2 + 1, width))
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.normal_(self.cls_token, std=1e-6)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)


def start_stream_as_the_code_does(model: nn.Module, seed: int = 0) -> None:
    """Seeds torch's global generator and builds two networks of the model's sizes."""
    torch.manual_seed(seed)
    for _ in range(2):
        Dinov2(model.embed_dim, len(model.blocks), model.patch_embed.patch_size[0])
