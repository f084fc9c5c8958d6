"""The network that NPR and SAFE share: a ResNet-50 up to its second stage, behind a smaller first convolution."""

from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import resnet50  # type: ignore[import-untyped]


class HalfResNet50(nn.Module):
    """The first half of a ResNet-50 with the published names ``conv1``, ``bn1``, ``layer1``, ``layer2``, ``fc1``.

    chuangchuangtan/NPR-DeepfakeDetection@73cde1c and Ouxiang-Li/SAFE@78b2745 have the same names and shapes, but for
    the number of logits.

    Args:
        outputs: Number of logits.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        whole = resnet50(weights=None)
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
        self.bn1, self.layer1, self.layer2 = whole.bn1, whole.layer1, whole.layer2
        self.fc1 = nn.Linear(512, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits.

        Args:
            images: ``(B, 3, H, W)``, what is left of them by a method's own filter.

        Returns:
            ``(B, outputs)``.
        """
        first = F.relu(self.bn1(self.conv1(images)))
        features = self.layer2(self.layer1(F.max_pool2d(first, 3, stride=2, padding=1)))
        logits: Tensor = self.fc1(features.mean(dim=(2, 3)))
        return logits
