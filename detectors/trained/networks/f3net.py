"""The frequency-aware branch of F3-Net: images decomposed by bands of their cosine transform, then an Xception.

Layer names, shapes, band edges and order follow yyk-wew/F3Net at 01942ca, ``models.py`` with ``mode='FAD'``, a personal
implementation: the authors published no code, and no checkpoint was found.
"""

import timm
import torch
from torch import Tensor, nn

from detectors.trained.spectra import cosine_matrix

SIDE = 299
LOW, MIDDLE = 106, 149
"""Band edges of that copy for 299 pixels, 299 // 2.82 and 299 // 2. Edges belong to both bands."""
COLOURS = 3


class FrequencyNetwork(nn.Module):
    """Frequency-aware decomposition in front of an Xception, with one logit.

    An image's cosine transform is multiplied by four masks (low, middle, high and all), each the fixed band plus a
    learned ``2 sigmoid(w) - 1``, and transformed back: twelve channels.

    Args:
        side: Height and width of the images in pixels.
    """

    def __init__(self, side: int = SIDE) -> None:
        super().__init__()
        self.FAD_head = Decomposition(side)
        # The copy keeps Xception's own classifier, which nothing uses, in the file.
        self.FAD_xcep = timm.create_model("legacy_xception", num_classes=1, in_chans=4 * COLOURS)
        self.fc = nn.Linear(2048, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits.

        Args:
            images: ``(B, 3, side, side)`` in [-1, 1].

        Returns:
            ``(B, 1)``; higher means more likely generated.
        """
        features = self.FAD_xcep.forward_features(self.FAD_head(images))  # rectified at its end
        logits: Tensor = self.fc(features.mean(dim=(2, 3)))
        return logits


class Decomposition(nn.Module):
    """Splits images into four bands of their cosine transform; the transform's matrix is stored in the file."""

    def __init__(self, side: int) -> None:
        super().__init__()
        matrix = cosine_matrix(side)
        self._DCT_all = nn.Parameter(matrix, requires_grad=False)
        self._DCT_all_T = nn.Parameter(matrix.T.clone(), requires_grad=False)
        low, middle = LOW * side // SIDE, MIDDLE * side // SIDE
        edges = [(0, low), (low, middle), (middle, 2 * side), (0, 2 * side)]
        self.filters = nn.ModuleList(Band(side, start, end) for start, end in edges)

    def forward(self, images: Tensor) -> Tensor:
        """Maps ``(B, 3, H, W)`` to ``(B, 12, H, W)``."""
        spectrum = self._DCT_all @ images @ self._DCT_all_T
        return torch.cat([self._DCT_all_T @ band(spectrum) @ self._DCT_all for band in self.filters], dim=1)


class Band(nn.Module):
    """A fixed band of frequencies and a learned correction in (-1, 1)."""

    def __init__(self, side: int, start: int, end: int) -> None:
        super().__init__()
        frequency = torch.arange(side)[:, None] + torch.arange(side)
        self.base = nn.Parameter(((frequency >= start) & (frequency <= end)).float(), requires_grad=False)
        self.learnable = nn.Parameter(torch.zeros(side, side))

    def forward(self, spectrum: Tensor) -> Tensor:
        """Weights ``(B, 3, H, W)`` coefficients."""
        return spectrum * (self.base + 2 * torch.sigmoid(self.learnable) - 1)
