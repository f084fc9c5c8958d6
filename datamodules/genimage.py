"""GenImage: eight generators, each with ImageNet photographs of its own."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from datamodules.benchmark import BenchmarkData, Count, Generator, Source
from datamodules.errors import DataOptionError
from datamodules.items import GENERATED, REAL
from datamodules.listing import DEEPEST, depth_of, find_folders, normalised
from datamodules.view_spec import resize_short_side

PROTOCOLS = ("paper", "matched")
FITS = ("square", "short-side")
NATURE = "nature-"
POOLED = "nature"
POOLS = ("nature", "real")
_DERIVED = "from the published totals: 162 + 6 images a class, 166 + 8 for SD 1.5"
_COUNTS = {"val": Count(6_000, _DERIVED), "train": Count(162_000, _DERIVED)}
_SD15_COUNTS = {"val": Count(8_000, _DERIVED), "train": Count(166_000, _DERIVED)}


class GenImageData(BenchmarkData):
    """GenImage, as ``<archive>/<folder>/{train,val}/{ai,nature}``.

    A generator faces the photographs in its own ``nature`` folder, here ``nature-adm`` and so on. One that has none
    faces those of a folder ``nature`` (or ``real``) beside the generators', here ``nature``; its split may then hold
    the generated images alone. Photographs are JPEG of many sizes, generated images PNG of one size for each generator.

    Protocol ``paper``: photographs are scaled to ``resize`` pixels, generated images keep their native scale, and
    detectors crop both at random; a smaller image (BigGAN) is padded by the detector's view, with zeros by default. The
    paper adjusts the photographs' format too, which changes no pixel once they are scaled. So photographs of 400 px
    are shrunk and generated images of 1,024 px are not: a difference that detectors can see. Protocol ``matched``
    scales both classes alike.

    Args:
        root: The folder that the archives were unpacked in.
        protocol: ``paper`` or ``matched``.
        real_fit: ``square`` scales to ``resize`` x ``resize`` whatever the aspect, bicubic, as "we resize the image to
            256 x 256" reads, following dgm-eval; ``short-side`` keeps the aspect (bilinear). Both are antialiased.
        options: Those of :class:`~datamodules.benchmark.BenchmarkData`; ``real_split`` is here the split of both
            classes.
    """

    name = "genimage"
    full_name = "GenImage"
    licence = "CC BY-NC-SA 4.0; the photographs are ImageNet's and keep its terms"
    citations = (
        {
            "key": "zhu2023genimage",
            "author": "Zhu, Mingjian and Chen, Hanting and Yan, Qiangyu and Huang, Xudong and Lin, Guanyu and Li, Wei "
            "and Tu, Zhijun and Hu, Hailin and Hu, Jie and Wang, Yunhe",
            "title": "GenImage: A Million-Scale Benchmark for Detecting AI-Generated Image",
            "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
            "year": "2023",
            "eprint": "2306.08571",
        },
    )
    download_page = "https://github.com/GenImage-Dataset/GenImage"
    affixes = ("imagenetai", "imagenet")
    known = (
        Generator("midjourney", "Midjourney", ("Midjourney", "imagenet_midjourney"), 1024, _COUNTS),
        Generator(
            "sd14", "SD 1.4", ("stable_diffusion_v_1_4", "imagenet_ai_0419_sdv4", "sdv1.4", "sdv4"), 512, _COUNTS
        ),
        Generator(
            "sd15", "SD 1.5", ("stable_diffusion_v_1_5", "imagenet_ai_0424_sdv5", "sdv1.5", "sdv5"), 512, _SD15_COUNTS
        ),
        Generator("adm", "ADM", ("ADM", "imagenet_ai_0508_adm"), 256, _COUNTS),
        Generator("glide", "GLIDE", ("glide", "imagenet_glide"), 256, _COUNTS),
        Generator("wukong", "Wukong", ("wukong", "imagenet_ai_0424_wukong"), 512, _COUNTS),
        Generator("vqdm", "VQDM", ("VQDM", "imagenet_ai_0419_vqdm"), 256, _COUNTS),
        Generator("biggan", "BigGAN", ("BigGAN", "imagenet_ai_0419_biggan"), 128, _COUNTS),
    )

    def __init__(
        self,
        root: str | Path,
        *,
        protocol: str = "paper",
        real_fit: str = "square",
        **options: Any,  # noqa: ANN401 - the base's
    ) -> None:
        super().__init__(root, **options)
        for option, value, choices in (("protocol", protocol, PROTOCOLS), ("real-fit", real_fit, FITS)):
            if value not in choices:
                raise DataOptionError(f"--{option} must be one of {', '.join(choices)}, got {value!r}.")
        self.variant, self.real_fit = protocol, real_fit

    @property
    def protocol(self) -> dict[str, Any]:
        """The base's, the protocol's name and how images are scaled."""
        return super().protocol | {"protocol": self.variant, "real_fit": self.real_fit}

    @property
    def preprocessing(self) -> str:
        """What is done to either class."""
        if self.resize is None:
            return "native scale"
        size = f"{self.resize} x {self.resize} px" if self.real_fit == "square" else f"a short side of {self.resize} px"
        return f"{'photographs' if self.variant == 'paper' else 'all images'} scaled to {size}"

    def faces(self, generator: str, real: str) -> bool:
        """Lets a generator face its own photographs, and one that has none those that were pooled."""
        return real == NATURE + generator or (real == POOLED and NATURE + generator not in self.sources(REAL))

    def expected(self, name: str) -> Count | None:
        """How many images a source should have; of photographs, only the validation split's number is known."""
        if name.startswith(NATURE) and self.real_split != "val":
            return None
        return super().expected(name.removeprefix(NATURE))

    def preprocess(self, image: Image.Image, label: int, generator: str) -> Image.Image:
        """Scales photographs, and in the matched protocol every image."""
        if self.resize is None or (label == GENERATED and self.variant == "paper"):
            return image
        if self.real_fit == "short-side":
            return resize_short_side(image, self.resize)
        return image.resize((self.resize, self.resize), Image.Resampling.BICUBIC)

    def find_sources(self) -> Iterator[Source]:
        """Yields the two folders of every generator's split, and the photographs of those that have none."""
        folders = find_folders(self.root, lambda parts: self.generator_of(parts[-1]) is not None, _is_shallow)
        ranked = sorted((*self._match(folder), folder) for folder in folders)
        pooled, needed = self._pooled(), False
        for _, name, folder in ranked:
            for split in find_folders(self.root / folder, self._is_split, _is_shallow):
                whole = f"{folder}/{split}"
                generated, photographs = self._inside(whole, "ai"), self._inside(whole, "nature")
                if pooled and not generated and not photographs:
                    generated = whole
                if generated:
                    yield Source(name, GENERATED, generated)
                if photographs:
                    yield Source(NATURE + name, REAL, photographs)
                lacking = "ai" if not generated else "nature" if not photographs and not pooled else None
                if lacking:
                    self.incomplete.setdefault(name, f"{self.root / whole} has no folder {lacking!r}")
                needed |= not photographs
        if pooled and needed:
            yield Source(POOLED, REAL, pooled)

    def looked_for(self, names: Sequence[str]) -> str:
        """Lists the folders' names."""
        folders = [folder for one in self.known if one.name in names for folder in one.folders]
        return (
            f"looked for folders named {', '.join(folders)}, in any case, with {self.real_split}/ai and "
            f"{self.real_split}/nature inside, or a folder nature beside them"
        )

    def _match(self, folder: str) -> tuple[int, str]:
        found = self.generator_of(folder.rpartition("/")[2])
        return found if found is not None else (0, "")

    def _is_split(self, parts: tuple[str, ...]) -> bool:
        return normalised(parts[-1]) == self.real_split

    def _inside(self, folder: str, name: str) -> str | None:
        inside = find_folders(self.root / folder, lambda parts: normalised(parts[-1]) == name, lambda _: False)
        found = next(inside, None)
        return None if found is None else f"{folder}/{found}"

    def _pooled(self) -> str | None:
        """Finds photographs that lie beside the generators' folders, in their split where they have splits."""
        folder = next(find_folders(self.root, lambda parts: normalised(parts[-1]) in POOLS, self._is_around), None)
        if folder is None:
            return None
        splits = [name for name in ("train", "val") if self._inside(folder, name)]
        return self._inside(folder, self.real_split) if splits else folder

    def _is_around(self, parts: tuple[str, ...]) -> bool:
        return _is_shallow(parts) and self.generator_of(parts[-1]) is None


def _is_shallow(parts: tuple[str, ...]) -> bool:
    return depth_of(parts) == 1 and len(parts) < DEEPEST and normalised(parts[-1]) not in ("train", "val")
