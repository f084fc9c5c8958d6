"""Miniature copies of the benchmarks in the shapes that they have on people's disks."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

SYNSETS = ("n01440764", "n01443537")


def picture(seed: int, size: tuple[int, int] = (256, 256)) -> Image.Image:
    """A small file of any size: coarse blocks of colour."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST)


def fill(folder: Path, names: Sequence[str], size: tuple[int, int] = (256, 256), seed: int = 0) -> None:
    """Writes one picture for each name, which may have folders in it."""
    for number, name in enumerate(names):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        picture(1000 * seed + number, size).save(file, format="JPEG" if file.suffix.lower() == ".jpeg" else "PNG")


def by_class(per_class: int, form: str) -> list[str]:
    """Names as in the releases: ``<class>/image028.png`` and so on."""
    return [f"{group}/{form.format(number)}" for group in range(2) for number in range(per_class)]


def save_archive(file: Path, count: int, size: int = 256, compressed: bool = False, seed: int = 0) -> np.ndarray:
    """Writes an ADM-style archive, with labels beside the images, and returns the images."""
    file.parent.mkdir(parents=True, exist_ok=True)
    images = np.stack([np.asarray(picture(seed + number, (size, size))) for number in range(count)])
    save = np.savez_compressed if compressed else np.savez
    save(file, images, np.arange(count))
    return images


def make_imagenet(root: Path) -> Path:
    """The dgm-eval release: nested twice, any case, class folders or flat, PNG, one archive; five generators."""
    fill(root / "Imagenet256-ADM/Imagenet256-ADM", by_class(3, "image{:03d}.png"), seed=1)
    fill(root / "imagenet256-DiT-XL-2/imagenet256-DiT-XL-2", by_class(2, "{}.png"), seed=2)
    fill(root / "IMAGENET256-BIGGAN", by_class(2, "image{:03d}.png"), seed=3)
    fill(root / "Imagenet256-Mask-GIT/Imagenet256-Mask-GIT", [f"{number:04d}.png" for number in range(4)], seed=4)
    save_archive(root / "admnet_guided_imagenet256.npz", 5, seed=50)
    names = [f"{group}/{synset}_{number}.png" for group, synset in enumerate(SYNSETS) for number in range(4)]
    fill(root / "imagenet256/imagenet256/val", names, seed=6)
    fill(root / "imagenet256/imagenet256/train", names, seed=7)
    return root


def make_lsun(root: Path) -> Path:
    """The dgm-eval release of LSUN Bedroom, under the release's own top folder, flat."""
    top = root / "LSUN Bedroom"
    for seed, folder in enumerate(
        ("iddpm_lsun_bedroom", "lsun_projected-gan-0.7", "lsun-unleashing_transformers", "lsun_stylegan-0.7", "ADM")
    ):
        fill(top / folder / folder, [f"image{number:05d}.png" for number in range(3)], seed=10 + seed)
    fill(top / "lsun_bedrooms", [f"image{number:05d}.png" for number in range(4)], seed=20)
    return root


GENIMAGE_SHAPES = {
    "midjourney": ("Midjourney/imagenet_midjourney", 1024, "{}_midjourney_92.png"),
    "sd14": ("stable_diffusion_v_1_4/imagenet_ai_0419_sdv4", 512, "{}_sdv4_00145.png"),
    "sd15": ("Stable Diffusion V1.5", 512, "{}_sdv5_00145.png"),
    "adm": ("ADM/imagenet_ai_0508_adm", 256, "{}_adm_74.PNG"),
    "glide": ("imagenet_glide", 256, "{}_glide_00012.png"),
    "wukong": ("GenImage/wukong/imagenet_ai_0424_wukong", 512, "{}_wukong_00012.png"),
    "vqdm": ("VQDM/imagenet_ai_0419_vqdm", 256, "{}_vqdm_00012.png"),
    "biggan": ("BigGAN/imagenet_ai_0419_biggan", 128, "{:03d}_biggan_00143.png"),
}


def make_genimage(root: Path, generators: Sequence[str] = tuple(GENIMAGE_SHAPES)) -> Path:
    """GenImage in each naming variant; photographs of 500 x 375, generated images of their native size."""
    for seed, generator in enumerate(generators):
        folder, size, form = GENIMAGE_SHAPES[generator]
        for split, count in (("train", 2), ("val", 3)):
            place = root / folder / split
            fill(place / "ai", [form.format(number) for number in range(count)], (size, size), 30 + seed)
            real = "ILSVRC2012_val_{:08d}.JPEG" if split == "val" else "n03594945_{}.JPEG"
            # Every generator has photographs of its own.
            fill(place / "nature", [real.format(10 * seed + n) for n in range(count)], (500, 375), 40 + seed)
    return root


def make_folder(root: Path) -> Path:
    """A folder of one's own images."""
    for seed, source in enumerate(("real/camera", "real/phone", "generated/blurry", "generated/sharp")):
        fill(root / source, [f"{number}.png" for number in range(4)], (80, 64), 60 + seed)
    return root


def break_files(folder: Path, count: int) -> list[Path]:
    """Breaks images as downloads do: empty, cut off, or a page of HTML; returns them."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() == ".png")[:count]
    for number, file in enumerate(files):
        data = file.read_bytes()
        file.write_bytes((b"", data[: len(data) // 2], b"<html>Quota exceeded</html>")[number % 3])
    return files


def copy_of(folder: Path, target: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(folder, target, symlinks=True))
