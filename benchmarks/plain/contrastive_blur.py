"""Contrastive blur as a script of its own: a blurred and a sharpened picture, and a loop over a folder."""

import argparse
import io
import json
import time
from pathlib import Path

import numpy as np
import timm
import torch
from draws import BORROWED
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.v2 import functional as transforms


class Images(Dataset[Tensor]):
    """The centres of the images of a folder."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted((f for f in folder.glob("*/**/*") if f.is_file()), key=Path.as_posix)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        data = self.files[index].read_bytes()
        image = Image.open(io.BytesIO(data)).convert("RGB")
        factor = 256 / min(image.size)
        image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BILINEAR)
        width, height = (int(224 * side / min(image.size)) for side in image.size)
        left, top = round((width - 224) / 2), round((height - 224) / 2)
        image = image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + 224, top + 224))
        return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def load_model(name: str, weights: Path) -> nn.Module:
    """Builds the network for 224 pixels; DINOv2's position embedding is resampled as in its own code."""
    model, state = timm.create_model(name, num_classes=0).eval(), torch.load(weights, weights_only=True)
    model.load_state_dict({key: value for key, value in state.items() if key != "mask_token"})
    old, side = model.pos_embed.detach(), model.patch_embed.grid_size[0]
    model.set_input_size((224, 224))
    if "dinov2" in name:
        grid = F.interpolate(old[:, 1:].mT.reshape(1, -1, side, side), scale_factor=16.1 / side, mode="bicubic")
        model.pos_embed = nn.Parameter(torch.cat([old[:, :1], grid.flatten(2).mT], dim=1))
    return model


@torch.no_grad()
def main() -> None:
    """Scores a folder and writes a JSON file: the scores by path, the seconds and the passes an image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--model", default="vit_small_patch14_dinov2")
    parser.add_argument("--seed", type=int, default=0, help="nothing is drawn")
    args = parser.parse_args()
    model = load_model(args.model, args.weights)
    config = timm.data.resolve_model_data_config(model)
    mean, std = (torch.tensor(config[name]).view(3, 1, 1) for name in ("mean", "std"))
    images, scores, passes, started = Images(args.images), [], 0, time.perf_counter()
    for batch in DataLoader(images, batch_size=32, num_workers=0):
        soft = transforms.gaussian_blur(batch, [3, 3], [0.55, 0.55])
        sharp = (2 * batch - soft).clamp(0, 1)
        first, second = (model((one - mean) / std).double() for one in (soft, sharp))
        scores += (1 - F.cosine_similarity(first, second)).tolist()
        passes += 2 * len(batch)
    cost = {"seconds": time.perf_counter() - started, "borrowed": BORROWED, "passes": passes / len(images)}
    names = [file.relative_to(args.images).as_posix() for file in images.files]
    args.output.write_text(json.dumps({"scores": dict(zip(names, scores, strict=True)), **cost}))


if __name__ == "__main__":
    main()
