"""Gradient Cuff as a script of its own: ten steps in the image, and a loop over a folder."""

import argparse
import io
import json
import time
from pathlib import Path

import timm
import torch
from draws import BORROWED, key_of, picture_of, seeded_generator
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


class Images(Dataset[Tensor]):
    """Pictures of the images of a folder."""

    def __init__(self, folder: Path, view: str) -> None:
        self.files = sorted((f for f in folder.glob("*/**/*") if f.is_file()), key=Path.as_posix)
        self.view = view

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        data = self.files[index].read_bytes()
        image, key = Image.open(io.BytesIO(data)).convert("RGB"), key_of(data)
        factor = 256 / min(image.size)
        image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BILINEAR)
        return picture_of(image, key, self.view).float() / 255


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
    parser.add_argument("--view", choices=("common", "method"), default="common")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    model = load_model(args.model, args.weights)
    config = timm.data.resolve_model_data_config(model)
    mean, std = (torch.tensor(config[name]).view(3, 1, 1) for name in ("mean", "std"))
    generators = [seeded_generator("gradient-cuff", args.seed, draw) for draw in range(10)]
    directions = [torch.randn(3, 224, 224, generator=generator) for generator in generators]
    images, scores, passes, started = Images(args.images, args.view), [], 0, time.perf_counter()
    for batch in DataLoader(images, batch_size=32, num_workers=0):
        normalised = (batch - mean) / std
        clean, gradient = model(normalised).double(), torch.zeros(len(batch), 3, 224, 224, dtype=torch.float64)
        for direction in directions:
            moved = model(normalised + 0.02 * direction).double()
            change = (1 - F.cosine_similarity(clean, moved)) / 0.02
            gradient += change.view(-1, 1, 1, 1) * direction / len(directions)
        scores += gradient.flatten(1).norm(dim=1).tolist()
        passes += (1 + len(directions)) * len(batch)
    cost = {"seconds": time.perf_counter() - started, "borrowed": BORROWED, "passes": passes / len(images)}
    names = [file.relative_to(args.images).as_posix() for file in images.files]
    args.output.write_text(json.dumps({"scores": dict(zip(names, scores, strict=True)), **cost}))


if __name__ == "__main__":
    main()
