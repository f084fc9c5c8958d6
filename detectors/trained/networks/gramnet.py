"""Gram-Net's network: a ResNet-18 with Gram matrices of six of its stages beside it.

Layer names, shapes and order follow Ekko-zn/AIGCDetectBenchmark at cf3015c, ``networks/resnet_gram.py``, a copy of
liuzhengzhe/Global_Texture_Enhancement_for_Fake_Face_Detection_in_the-Wild at 7597ed1 with one logit in place of two.
"""

import torch
from torch import Tensor, nn
from torchvision.models import resnet18  # type: ignore[import-untyped]

GRAM_WIDTH = 32
STAGES = {
    "i": ("conv_interi_0", "gi_fc1", "gi_fc2", 3),
    "0": ("conv_inter0_0", "g0_fc1", "g0_fc2", 64),
    "1": ("conv_inter1_0", "g_fc1r", "g_fc2r", 64),
    "2": ("conv_inter2_0", "g2_fc1", "g2_fc2", 64),
    "3": ("conv_inter3_0", "g3_fc1", "g3_fc2", 128),
    "4": ("conv_inter4_0", "g4_fc1", "g4_fc2", 256),
}
"""The stages in the order of the classifier's columns: names of their three layers, as stored, and their channels."""


class GramNetwork(nn.Module):
    """Gram-Net with one logit.

    A stage's Gram matrix is ``F F^T / (C H W)`` of its 32 normalised and rectified channels; two strided convolutions
    and a mean make 32 features of it. The image itself, the first convolution before and after pooling, and layers 1 to
    3 are the stages.
    """

    def __init__(self) -> None:
        super().__init__()
        body = resnet18(weights=None)
        for name in ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"):
            self.add_module(name, getattr(body, name))
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        for reduce, first, second, channels in STAGES.values():
            self.add_module(reduce, _normalised(channels, GRAM_WIDTH, stride=1))
            self.add_module(first, _normalised(1, GRAM_WIDTH // 2, stride=2))
            self.add_module(second, _normalised(GRAM_WIDTH // 2, GRAM_WIDTH, stride=2))
        self.scale = Scale()
        width = 512 + GRAM_WIDTH * len(STAGES)
        self.fcnewr = nn.Sequential(nn.Linear(width, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits.

        Args:
            images: ``(B, 3, H, W)``, normalised.

        Returns:
            ``(B, 1)``; higher means more likely generated.
        """
        first = torch.relu(self._run("bn1", self._run("conv1", images)))
        stages = [images, first, self.maxpool(first)]
        for name in ("layer1", "layer2", "layer3"):
            stages.append(self._run(name, stages[-1]))
        features = [self._run("layer4", stages[-1]).mean(dim=(2, 3))]
        features += [self._texture(stage, hidden) for stage, hidden in zip(STAGES, stages, strict=True)]
        logits: Tensor = self.fcnewr(torch.cat(features, dim=1))
        return logits

    def _texture(self, stage: str, hidden: Tensor) -> Tensor:
        reduce, first, second, _ = STAGES[stage]
        gram = gram_matrix(self._run(reduce, hidden))[:, None]
        texture: Tensor = self.scale(self._run(second, self._run(first, gram)).mean(dim=(2, 3)))
        return texture

    def _run(self, name: str, hidden: Tensor) -> Tensor:
        result: Tensor = self.get_submodule(name)(hidden)
        return result


class Scale(nn.Module):
    """One learned factor for all Gram features."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, features: Tensor) -> Tensor:
        """Scales ``(B, C)``."""
        return features * self.scale


def gram_matrix(hidden: Tensor) -> Tensor:
    """Multiplies channels with each other.

    Args:
        hidden: ``(B, C, H, W)``.

    Returns:
        ``(B, C, C)`` sums over the pixels, divided by ``C H W``.

    Examples:
        >>> gram_matrix(torch.tensor([[[[1.0, 2.0]], [[0.0, 3.0]]]]))
        tensor([[[1.2500, 1.5000],
                 [1.5000, 2.2500]]])
    """
    rows = hidden.flatten(2)
    return rows @ rows.transpose(1, 2) / rows[0].numel()


def _normalised(width_in: int, width_out: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(width_in, width_out, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width_out), nn.ReLU())
