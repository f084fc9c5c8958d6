"""WePe as a script of its own: a clean network, one with noise on its weights, and a loop over a folder."""

import argparse
import copy
import io
import json
import time
from pathlib import Path

import numpy as np
import timm
import torch
from draws import BORROWED, key_of, noisy_picture, picture_of, seeded_generator
from PIL import Image
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


class Images(Dataset[Tensor]):
    """Pictures of the images of a folder, degraded if asked for."""

    def __init__(self, folder: Path, view: str, condition: str) -> None:
        self.files = sorted((f for f in folder.glob("*/**/*") if f.is_file()), key=Path.as_posix)
        self.view, self.condition = view, condition

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        data = self.files[index].read_bytes()
        image, key = Image.open(io.BytesIO(data)).convert("RGB"), key_of(data)
        factor = 256 / min(image.size)
        image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BILINEAR)
        return picture_of(degrade(image, self.condition, key), key, self.view).float() / 255


def degrade(image: Image.Image, condition: str, key: int) -> Image.Image:
    """Applies ``clean``, ``jpeg:QUALITY``, ``blur:SIGMA`` or ``noise:STD``."""
    kind, _, amount = condition.partition(":")
    if kind == "jpeg":
        image.save(buffer := io.BytesIO(), "JPEG", quality=int(amount))
        return Image.open(buffer).convert("RGB")
    if kind == "blur":
        pixels, radius = np.asarray(image, dtype=np.float32), int(np.ceil(3 * float(amount)))
        pixels = ndimage.gaussian_filter(pixels, float(amount), radius=radius, axes=(0, 1), mode="mirror")
        return Image.fromarray(np.rint(pixels).astype(np.uint8))
    return noisy_picture(image, float(amount), key) if kind == "noise" else image


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


def perturb(model: nn.Module, seed: int) -> nn.Module:
    """Copies the network with noise on its first 19 of 24 parts, a tenth of each tensor's mean."""
    noisy = copy.deepcopy(model)
    first = tuple(f"blocks.{block}." for block in range(max(1, len(model.blocks) * 19 // 24)))
    for name, value in noisy.named_parameters():
        if name.startswith(first):
            noise = torch.randn(value.shape, generator=seeded_generator("perturbation", seed, 0, name))
            value.data += 0.1 * value.data.mean().abs() * noise
    return noisy


@torch.no_grad()
def main() -> None:
    """Scores a folder and writes a JSON file: the scores by path, the seconds and the passes an image."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("images", "weights", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--model", default="vit_small_patch14_dinov2")
    parser.add_argument("--condition", default="clean")
    parser.add_argument("--view", choices=("common", "method"), default="common")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    model = load_model(args.model, args.weights)
    noisy, config = perturb(model, args.seed).to(args.device), timm.data.resolve_model_data_config(model)
    model.to(args.device)
    mean, std = (torch.tensor(config[name], device=args.device).view(3, 1, 1) for name in ("mean", "std"))
    images, scores, passes, started = Images(args.images, args.view, args.condition), [], 0, time.perf_counter()
    for batch in DataLoader(images, batch_size=32, num_workers=0):
        batch = batch.to(args.device)
        clean, moved = model((batch - mean) / std), noisy((batch - mean) / std)
        scores += (1 - F.cosine_similarity(clean.double(), moved.double())).tolist()
        passes += 2 * len(batch)
    cost = {"seconds": time.perf_counter() - started, "borrowed": BORROWED, "passes": passes / len(images)}
    names = [file.relative_to(args.images).as_posix() for file in images.files]
    args.output.write_text(json.dumps({"scores": dict(zip(names, scores, strict=True)), **cost}))


if __name__ == "__main__":
    main()
