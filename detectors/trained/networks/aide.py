"""The network of AIDE: noise of four patches and the content of the whole image."""

from collections.abc import Sequence

import timm
import torch
from timm.layers import Mlp
from torch import Tensor, nn
from torchvision import models  # type: ignore[import-untyped]

FILTERS, NOISE_FEATURES = 30, 2048


class AideNetwork(nn.Module):
    """Two ResNet-50 on filtered patches, and the image encoder of an OpenCLIP ConvNeXt; the published names.

    The high-pass filters of steganalysis (SRM, Fridrich and Kodovsky 2012) in front of the ResNets are constants, and
    stored like weights.

    Args:
        blocks: Number of blocks in each stage of the ResNets.
        depths: Number of blocks in each stage of the ConvNeXt.
        dims: Width of each stage of the ConvNeXt.
        projected: Length of the projected features of the ConvNeXt.
        hidden: Length of the hidden layer before the logits.
    """

    def __init__(
        self, blocks: Sequence[int], depths: Sequence[int], dims: Sequence[int], projected: int, hidden: int
    ) -> None:
        super().__init__()
        self.hpf = nn.ModuleDict({"hpf": nn.Conv2d(3, FILTERS, 5, padding=2, bias=False)})
        self.model_min, self.model_max = _resnet(blocks), _resnet(blocks)
        self.fc = Mlp(NOISE_FEATURES + projected, hidden, 2)
        self.openclip_convnext_xxl = timm.create_model(
            "convnext_xxlarge", num_classes=0, global_pool="", depths=depths, dims=dims
        )
        self.convnext_proj = nn.Sequential(nn.Linear(dims[-1], projected))

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits.

        Args:
            images: ``(B, 5, 3, 256, 256)``: the patch with the least details, that with the most, the second of either
                kind, and the whole image, normalised for CLIP.

        Returns:
            ``(B, 2)`` logits of real and generated.
        """
        patches = self.hpf["hpf"](images[:, :4].flatten(0, 1)).unflatten(0, (-1, 4))
        noise = [
            resnet(patches[:, kind])
            for kind, resnet in enumerate((self.model_min, self.model_max, self.model_min, self.model_max))
        ]
        content = self.convnext_proj(self.openclip_convnext_xxl(images[:, 4]).mean(dim=(2, 3)))
        logits: Tensor = self.fc(torch.cat([content, torch.stack(noise).mean(dim=0)], dim=1))
        return logits


def _resnet(blocks: Sequence[int]) -> nn.Module:
    network = models.ResNet(models.resnet.Bottleneck, list(blocks))
    network.conv1 = nn.Conv2d(FILTERS, 64, 7, stride=2, padding=3, bias=False)
    network.fc = nn.Identity()
    built: nn.Module = network
    return built
