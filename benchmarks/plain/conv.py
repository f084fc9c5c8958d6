"""ConV as a script of its own: five crops and their transforms, and a loop over a folder."""

import argparse
import io
import json
import time
from pathlib import Path

import numpy as np
import timm
import torch
from draws import BORROWED, key_of, seeded_generator
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import functional as transforms


class Images(Dataset[tuple[Tensor, int]]):
    """The centred squares of the images of a folder."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted((f for f in folder.glob("*/**/*") if f.is_file()), key=Path.as_posix)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        data = self.files[index].read_bytes()
        image = Image.open(io.BytesIO(data)).convert("RGB")
        factor = 256 / min(image.size)
        image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BILINEAR)
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
        return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255, key_of(data)


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


def two_views(image: Tensor, key: int, seed: int, number: int) -> tuple[Tensor, Tensor]:
    """Draws a crop, and mirrors it, changes its colours in a random order and blurs it."""
    generator = seeded_generator("conv", seed, number, key)
    top, left = (int(torch.randint(side - 223, (), generator=generator)) for side in image.shape[1:])
    crop = image[:, top : top + 224, left : left + 224]
    order = torch.randperm(4, generator=generator).tolist()
    changes = [most * (2 * torch.rand((), generator=generator).item() - 1) for most in (0.18, 0.24, 0.12, 0.03)]
    sigma = 0.7 + 0.3 * torch.rand((), generator=generator).item()
    picture = transforms.to_pil_image((crop.flip(-1) * 255).round().to(torch.uint8))
    for index in order:
        if index == 3:
            picture = transforms.adjust_hue(picture, changes[3])
        else:
            name = ("adjust_brightness", "adjust_contrast", "adjust_saturation")[index]
            picture = getattr(transforms, name)(picture, 1 + changes[index])
    return crop, transforms.to_tensor(transforms.gaussian_blur(picture, [9, 9], [sigma, sigma]))


@torch.no_grad()
def main() -> None:
    """Scores a folder and writes a JSON file: the scores by path, the seconds and the passes an image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--model", default="vit_small_patch14_dinov2")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    model = load_model(args.model, args.weights)
    config = timm.data.resolve_model_data_config(model)
    mean, std = (torch.tensor(config[name]).view(3, 1, 1) for name in ("mean", "std"))
    images, scores, passes, started = Images(args.images), [], 0, time.perf_counter()
    for batch, keys in DataLoader(images, batch_size=32, num_workers=0):
        distances = []
        for number in range(5):
            pairs = [two_views(*one, args.seed, number) for one in zip(batch, keys.tolist(), strict=True)]
            views = (torch.stack(one) for one in zip(*pairs, strict=True))
            first, second = (model((one - mean) / std).double() for one in views)
            distances.append(1 - F.cosine_similarity(first, second))
            passes += 2 * len(batch)
        scores += torch.stack(distances).mean(dim=0).tolist()
    cost = {"seconds": time.perf_counter() - started, "borrowed": BORROWED, "passes": passes / len(images)}
    names = [file.relative_to(args.images).as_posix() for file in images.files]
    args.output.write_text(json.dumps({"scores": dict(zip(names, scores, strict=True)), **cost}))


if __name__ == "__main__":
    main()
