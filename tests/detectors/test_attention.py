"""Attention is computed by fused kernels, which never hold the matrix of all pairs of tokens."""

import open_clip
import timm
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

FUSED = {"scaled_dot_product_attention", "_native_multi_head_attention"}


class Operations(TorchDispatchMode):
    """Notes the names of the operations that run."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.__name__.partition(".")[0])
        return func(*args, **(kwargs or {}))


def operations(network: nn.Module, size: int) -> set[str]:
    with torch.inference_mode(), Operations() as noted:
        network(torch.zeros(2, 3, size, size))
    return noted.names


def test_transformers_of_timm_and_open_clip_use_fused_attention(vit):
    vision = {"image_size": 28, "layers": 1, "width": 32, "head_width": 8, "patch_size": 7}
    text = {"context_length": 8, "vocab_size": 40, "width": 16, "heads": 2, "layers": 1}
    clip = open_clip.CLIP(24, vision, text, quick_gelu=True).eval()
    small = timm.create_model("test_vit", num_classes=0).eval()
    for network, size in ((vit.model, 56), (clip.visual, 28), (small, 160)):
        names = operations(network, size)
        assert names & FUSED
        assert "_softmax" not in names
