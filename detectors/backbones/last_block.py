"""The last block of a vision transformer whose features are the class token: most of its tokens lead nowhere.

All tokens give keys and values there, but what becomes of the others after the attention is thrown away. So only the
first ones go on: five sixths of a block's work less, 6 % of a ViT-S or ViT-B and 3 % of a ViT-L, for every method.
"""

import torch
from timm.models.vision_transformer import Attention, Block, VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from detectors.backbones.compiling import has_hooks

TOKENS = 16
"""Tokens that go on. Products with fewer rows take other kernels, which move last bits; with 16 no bit was seen to."""


class LastBlock(Block):  # type: ignore[misc] # timm has no types here
    """A block that gives the first 16 tokens alone, where nobody looks at the others.

    It gives all of them on an accelerator, in another precision than float32, where a gradient is wanted, and where
    something hooks into the block (taps, MC-Dropout's masks): there equal bits have not been shown, or are not enough.
    """

    def forward(self, x: Tensor, attn_mask: Tensor | None = None, **options: bool) -> Tensor:
        """Computes ``(B, 16, C)`` of ``(B, N, C)``, or all."""
        if attn_mask is not None or any(options.values()) or not self._spares(x):
            whole: Tensor = Block.forward(self, x, attn_mask, **options)
            return whole
        attended = self.ls1(_attended(self.attn, self.norm1(x)))
        x = x[:, :TOKENS] + attended
        given: Tensor = x + self.ls2(self.mlp(self.norm2(x)))
        return given

    def _spares(self, x: Tensor) -> bool:
        plain = x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        return plain and x.shape[1] > TOKENS and not x.requires_grad and not has_hooks(self)


def _attended(attention: Attention, x: Tensor) -> Tensor:
    """Does what timm's attention does, with queries of the first tokens alone."""
    batch, tokens, _ = x.shape
    heads, width = attention.num_heads, attention.head_dim
    weight, bias = attention.qkv.weight, attention.qkv.bias
    inner = heads * width
    ours, others = (None, None) if bias is None else (bias[:inner], bias[inner:])
    query = F.linear(x[:, :TOKENS], weight[:inner], ours).view(batch, TOKENS, heads, width).transpose(1, 2)
    pair = F.linear(x, weight[inner:], others).view(batch, tokens, 2, heads, width).permute(2, 0, 3, 1, 4)
    key, value = pair.unbind(0)
    mixed = F.scaled_dot_product_attention(attention.q_norm(query), attention.k_norm(key), value)
    projected: Tensor = attention.proj(attention.norm(mixed.transpose(1, 2).reshape(batch, TOKENS, inner)))
    return projected


def spare_last_block(model: nn.Module) -> None:
    """Has a timm vision transformer compute no more of its last block than its features need, if they are a token.

    Args:
        model: In evaluation mode; a model of another kind is left as it is.
    """
    if type(model) is not VisionTransformer or model.global_pool != "token" or model.attn_pool is not None:
        return
    block = model.blocks[-1]
    # Those of other makes (parallel branches, norms after the layers, gates) compute something else.
    if type(block) is Block and type(block.attn) is Attention and getattr(block.attn, "gate", None) is None:
        block.__class__ = LastBlock


def keep_whole(block: nn.Module) -> None:
    """Undoes it for a block, whose code is then that of all others."""
    if isinstance(block, LastBlock):
        block.__class__ = Block
