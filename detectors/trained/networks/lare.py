"""LaRE's classifier: CLIP's ResNet-50, whose third block's features are weighted by a map of losses, twice."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MAP_CHANNELS = 4
STRIDE = 16
"""Pixels of the image in a pixel of the third block's features."""


class LareNetwork(nn.Module):
    """Two logits, of real and generated, from an image and the map of its losses.

    Three features are joined: CLIP's own, an attention over the third block's pixels to which the map adds, and the
    block's mean with a weight for each channel, which the map's means give.

    Args:
        width: Channels of the ResNet's stem, 64 for CLIP's RN50.
        layers: Its blocks.
        features: Length of CLIP's features.
        heads: Heads of the attention with the map.
        head_width: Channels of each.
        side: Of the images in pixels.
    """

    def __init__(
        self,
        width: int = 64,
        layers: tuple[int, ...] = (3, 4, 6, 3),
        features: int = 1024,
        heads: int = 8,
        head_width: int = 64,
        side: int = 224,
    ) -> None:
        from open_clip.modified_resnet import ModifiedResNet  # seconds, which a list of detectors does without

        super().__init__()
        channels = width * 16
        self.visual = ModifiedResNet(list(layers), features, width * 32 // 64, side, width)
        self.conv = nn.Conv2d(MAP_CHANNELS, heads, 1)
        self.attn_pool = MapAttention(channels, heads, head_width, side // STRIDE)
        self.channel_align = nn.ModuleDict(
            {
                "fc": nn.Sequential(
                    nn.Linear(MAP_CHANNELS, 128, bias=False),
                    nn.ReLU(),
                    nn.Linear(128, channels, bias=False),
                    nn.Sigmoid(),
                )
            }
        )
        self.fc = nn.Linear(features + 2 * channels, 2)

    def forward(self, images: Tensor, maps: Tensor) -> Tensor:
        """Judges images.

        Args:
            images: ``(B, 3, side, side)``, normalised.
            maps: ``(B, 4, 32, 32)``.

        Returns:
            ``(B, 2)``.
        """
        visual = self.visual
        block = visual.layer3(visual.layer2(visual.layer1(visual.stem(images))))
        biases = self.conv(F.adaptive_avg_pool2d(maps, block.shape[2:]))
        weights = self.channel_align["fc"](maps.mean(dim=(2, 3)))
        joined = [
            visual.attnpool(visual.layer4(block)),
            self.attn_pool(block, biases),
            block.mean(dim=(2, 3)) * weights,
        ]
        logits: Tensor = self.fc(torch.cat(joined, dim=1))
        return logits


class MapAttention(nn.Module):
    """The mean over a map's pixels asks them and itself; a bias for each head and pixel adds to what they answer.

    Args:
        channels: Of the map.
        heads: Number of heads.
        head_width: Channels of each.
        side: Of the map in pixels.
    """

    def __init__(self, channels: int, heads: int, head_width: int, side: int) -> None:
        super().__init__()
        inner = heads * head_width
        self.heads = heads
        self.attention = nn.ModuleDict({name: nn.Linear(channels, inner) for name in ("fc_q", "fc_k", "fc_v")})
        self.attention["fc_o"] = nn.Linear(inner, channels)
        self.layer_norm = nn.LayerNorm(channels)
        self.positional_embedding = nn.Parameter(torch.zeros(side**2 + 1, channels))

    def forward(self, features: Tensor, biases: Tensor) -> Tensor:
        """Pools ``(B, channels, side, side)`` with biases ``(B, heads, side, side)`` to ``(B, channels)``."""
        tokens = _with_mean(features).transpose(1, 2) + self.positional_embedding
        queries, keys, values = (
            self.attention[name](part).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for name, part in (("fc_q", tokens[:, :1]), ("fc_k", tokens), ("fc_v", tokens))
        )
        answers = F.scaled_dot_product_attention(queries, keys, values, _with_mean(biases).unsqueeze(2))
        pooled: Tensor = self.layer_norm(tokens[:, 0] + self.attention["fc_o"](answers.transpose(1, 2).flatten(1)))
        return pooled


def used_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Takes CLIP's text encoder and a layer that no pass uses out of a file's tensors; names that are unknown stay."""
    unused = ("transformer.", "token_embedding.", "positional_embedding", "ln_final.", "text_projection", "logit_scale")
    prefixes = (*(f"clip_model.{name}" for name in unused), "conv_align.")
    return {name.removeprefix("clip_model."): tensor for name, tensor in state.items() if not name.startswith(prefixes)}


def _with_mean(features: Tensor) -> Tensor:
    """Puts the mean over pixels before them: ``(B, C, h, w)`` to ``(B, C, 1 + h * w)``."""
    pixels = features.flatten(2)
    return torch.cat([pixels.mean(dim=2, keepdim=True), pixels], dim=2)
