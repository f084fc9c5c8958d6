"""The network of several published detectors: torchvision's ResNet-50 with one logit."""

from torch import nn
from torchvision import models  # type: ignore[import-untyped]


def resnet50() -> nn.Module:
    """Builds a ResNet-50 with one logit and torchvision's names: ``conv1``, ``bn1``, ``layer1`` to ``layer4``, ``fc``.

    The copies of the network in PeterWang512/CNNDetection@ea0b562, ZhendongWang6/DIRE@1f89fff and
    chuangchuangtan/LGrad@7cb5973 have the same names and shapes.
    """
    network: nn.Module = models.resnet50(weights=None, num_classes=1)
    return network
