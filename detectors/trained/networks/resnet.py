"""Networks of several published detectors: torchvision's ResNet-50, as it is and with fewer strides."""

from collections.abc import Sequence

from torch import nn
from torchvision import models  # type: ignore[import-untyped]


def resnet50() -> nn.Module:
    """Builds a ResNet-50 with one logit and torchvision's names: ``conv1``, ``bn1``, ``layer1`` to ``layer4``, ``fc``.

    The copies of the network in PeterWang512/CNNDetection@ea0b562, ZhendongWang6/DIRE@1f89fff and
    chuangchuangtan/LGrad@7cb5973 have the same names and shapes.
    """
    network: nn.Module = models.resnet50(weights=None, num_classes=1)
    return network


def resnet50_without_first_strides(blocks: Sequence[int]) -> nn.Module:
    """Builds a ResNet-50 with one logit whose first convolution and pooling keep every pixel; the names are the same.

    grip-unina/DMimageDetection@4e89d55 (``res50stride1``) averages the logits of all places, and
    grip-unina/ClipBased-SyntheticImageDetection@3247cae (``res50nodown``) takes the logit of the averaged features, as
    here: the same number, as the last layer is linear.

    Args:
        blocks: Number of blocks in each of the four stages.
    """
    network = models.ResNet(models.resnet.Bottleneck, list(blocks), num_classes=1)
    network.conv1.stride, network.maxpool.stride = (1, 1), 1
    built: nn.Module = network
    return built
