"""B-Free's patch embedding: five windows of an image of any size."""

import torch
from timm.layers import PatchEmbed
from torch import Tensor


class FiveCropEmbed(PatchEmbed):  # type: ignore[misc] # timm has no types here
    """Embeds a whole image patch by patch, and cuts five windows out of the grid of patches.

    They are the centre and the corners, each of the size that the transformer takes. A grid that is too low or too
    narrow is repeated in both directions first, and the corner at the top left is all that is then kept of it.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Returns ``(5 B, patches, width)`` of images ``(B, 3, H, W)``, the crops of each place after one another."""
        grid: Tensor = self.proj(images)
        (height, width), (rows, columns) = self.grid_size, grid.shape[2:]
        if rows < height or columns < width:
            grid = grid.repeat(1, 1, -(-height // rows), -(-width // columns))[:, :, :height, :width]
            rows, columns = height, width
        down, right = rows - height, columns - width
        corners = [(down // 2, right // 2), (0, 0), (down, 0), (down, right), (0, right)]
        windows = torch.cat([grid[:, :, top : top + height, left : left + width] for top, left in corners])
        embedded: Tensor = self.norm(windows.flatten(2).transpose(1, 2))
        return embedded
