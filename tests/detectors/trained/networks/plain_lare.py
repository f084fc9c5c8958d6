"""LaRE's classifier in plain torch, CLIP's ResNet among it, with the names of a checkpoint of the published code."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def conv(channels_in, channels_out, kernel=1, stride=1):
    return nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False)


class Bottleneck(nn.Module):
    """Where it halves the sides it averages pixels, in place of skipping them."""

    def __init__(self, channels_in, channels, halves):
        super().__init__()
        for number, (before, after, kernel) in enumerate(
            [(channels_in, channels, 1), (channels, channels, 3), (channels, 4 * channels, 1)], start=1
        ):
            self.add_module(f"conv{number}", conv(before, after, kernel))
            self.add_module(f"bn{number}", nn.BatchNorm2d(after))
        self.halves = halves
        self.downsample = None
        if halves or channels_in != 4 * channels:
            self.downsample = nn.ModuleDict({"0": conv(channels_in, 4 * channels), "1": nn.BatchNorm2d(4 * channels)})

    def forward(self, images):
        def smaller(values):
            return F.avg_pool2d(values, 2) if self.halves else values

        values = torch.relu(self.bn1(self.conv1(images)))
        values = smaller(torch.relu(self.bn2(self.conv2(values))))
        values = self.bn3(self.conv3(values))
        beside = images
        if self.downsample is not None:
            beside = self.downsample["1"](self.downsample["0"](smaller(images)))
        return torch.relu(values + beside)


def attend(query, tokens, projections, heads, biases=0.0):
    """Attends from ``(B, C)`` to ``(B, N, C)`` with projections of queries, keys and values, and joins the heads."""
    project_query, project_key, project_value = projections
    queries, keys, values = project_query(query), project_key(tokens), project_value(tokens)
    width = queries.shape[1] // heads
    joined = []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        agreement = (keys[:, :, part] * queries[:, None, part]).sum(dim=2) / math.sqrt(width)
        agreement = agreement + (biases[:, head] if isinstance(biases, torch.Tensor) else biases)
        joined.append((agreement.softmax(dim=1)[:, :, None] * values[:, :, part]).sum(dim=1))
    return torch.cat(joined, dim=1)


def tokens_of(features):
    pixels = features.flatten(2).transpose(1, 2)
    return torch.cat([pixels.mean(dim=1, keepdim=True), pixels], dim=1)


class AttentionPool(nn.Module):
    def __init__(self, side, channels, heads, features):
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.randn(side**2 + 1, channels) / channels**0.5)
        for name in ("k_proj", "q_proj", "v_proj"):
            self.add_module(name, nn.Linear(channels, channels))
        self.c_proj = nn.Linear(channels, features)
        self.heads = heads

    def forward(self, images):
        tokens = tokens_of(images) + self.positional_embedding
        projections = (self.q_proj, self.k_proj, self.v_proj)
        return self.c_proj(attend(tokens[:, 0], tokens, projections, self.heads))


class Visual(nn.Module):
    def __init__(self, width, layers, features, side):
        super().__init__()
        for number, (before, after) in enumerate([(3, width // 2), (width // 2, width // 2), (width // 2, width)], 1):
            self.add_module(f"conv{number}", conv(before, after, 3, 2 if number == 1 else 1))
            self.add_module(f"bn{number}", nn.BatchNorm2d(after))
        channels = width
        for stage, count in enumerate(layers):
            inner = width * 2**stage
            blocks = []
            for number in range(count):
                blocks.append(Bottleneck(channels, inner, halves=stage > 0 and number == 0))
                channels = 4 * inner
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.attnpool = AttentionPool(side // 32, channels, channels // 64, features)

    def forward(self, images):
        for number in (1, 2, 3):
            images = torch.relu(getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(images)))
        third = self.layer3(self.layer2(self.layer1(F.avg_pool2d(images, 2))))
        return self.attnpool(self.layer4(third)), third


class Clip(nn.Module):
    """Its image encoder, and what stands for its text encoder, of which no pass makes use."""

    def __init__(self, *sizes):
        super().__init__()
        self.visual = Visual(*sizes)
        self.positional_embedding = nn.Parameter(torch.randn(77, 4))
        self.text_projection = nn.Parameter(torch.randn(4, 4))
        self.logit_scale = nn.Parameter(torch.ones([]))
        self.token_embedding = nn.Embedding(8, 4)
        self.ln_final = nn.LayerNorm(4)
        self.transformer = nn.ModuleDict({"resblocks": nn.Sequential(nn.Linear(4, 4))})


class MapAttention(nn.Module):
    def __init__(self, channels, heads, head_width, side):
        super().__init__()
        inner = heads * head_width
        self.attention = nn.ModuleDict({f"fc_{name}": nn.Linear(channels, inner) for name in "qkv"})
        self.attention["fc_o"] = nn.Linear(inner, channels)
        self.layer_norm = nn.LayerNorm(channels)
        self.positional_embedding = nn.Parameter(torch.randn(side**2 + 1, channels) / channels**0.5)
        self.heads = heads

    def forward(self, features, biases):
        tokens = tokens_of(features) + self.positional_embedding
        projections = [self.attention[f"fc_{name}"] for name in "qkv"]
        answers = attend(tokens[:, 0], tokens, projections, self.heads, tokens_of(biases).transpose(1, 2))
        return self.layer_norm(tokens[:, 0] + self.attention["fc_o"](answers))


class PlainLare(nn.Module):
    def __init__(self, width=64, layers=(3, 4, 6, 3), features=1024, heads=8, head_width=64, side=224):
        super().__init__()
        channels = 16 * width
        self.clip_model = Clip(width, layers, features, side)
        self.fc = nn.Linear(features + 2 * channels, 2)
        self.conv = nn.Conv2d(4, heads, 1)
        self.conv_align = nn.Conv2d(4, channels, 1)
        self.attn_pool = MapAttention(channels, heads, head_width, side // 16)
        weights = nn.ModuleDict({"0": nn.Linear(4, 128, bias=False), "2": nn.Linear(128, channels, bias=False)})
        self.channel_align = nn.ModuleDict({"fc": weights})

    def forward(self, inputs):
        images, maps = inputs
        features, third = self.clip_model.visual(images)
        biases = self.conv(F.adaptive_avg_pool2d(maps, third.shape[2:]))
        weights = self.channel_align["fc"]
        shares = torch.sigmoid(weights["2"](torch.relu(weights["0"](maps.mean(dim=(2, 3))))))
        means = third.mean(dim=(2, 3))
        return self.fc(torch.cat([features, self.attn_pool(third, biases), means * shares], dim=1))
