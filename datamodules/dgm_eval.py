"""How the releases of dgm-eval lie on a disk: one folder a generator, nested twice, and the real images' splits."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from datamodules.benchmark import BenchmarkData, Source
from datamodules.items import GENERATED, REAL
from datamodules.listing import DEEPEST, depth_of, find_folders, normalised

RELEASE = {
    "key": "stein2023exposing",
    "author": "Stein, George and Cresswell, Jesse C. and Hosseinzadeh, Rasa and Sui, Yi and Ross, Brendan Leigh and "
    "Villecroze, Valentin and Liu, Zhaoyan and Caterini, Anthony L. and Taylor, J. Eric T. and Loaiza-Ganem, Gabriel",
    "title": "Exposing flaws of generative model evaluation metrics and their unfair treatment of diffusion models",
    "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
    "year": "2023",
    "eprint": "2306.04675",
}
"""Where the generated images were published."""
DOWNLOAD_PAGE = "https://github.com/layer6ai-labs/dgm-eval#data-access"
TOP_FOLDERS = frozenset(("cifar10", "imagenet256", "lsunbedroom", "ffhq256", "toydatasets", "genimage"))
"""Of the release, and of what people keep beside it: a dataset's search passes by those of the others."""


class DgmEvalData(BenchmarkData):
    """A dataset of the dgm-eval release.

    Generators' folders are looked for in the root and one level below, real images in ``<real folder>/<split>``, also
    nested twice. A real folder without splits is taken when no split was asked for; it is then called by the dataset's
    name alone.

    Images have 256 x 256 pixels and are not scaled, unless they have another size. Detectors crop them at random.
    """

    citations: ClassVar[tuple[Mapping[str, str], ...]] = (RELEASE,)
    licence = "MIT (samples, by Layer 6 AI); the real images keep their own terms"
    download_page = DOWNLOAD_PAGE
    real_folders: ClassVar[tuple[str, ...]] = ()
    split_folders: ClassVar[Mapping[str, tuple[str, ...]]] = {"val": ("val", "validation"), "train": ("train",)}

    def find_sources(self) -> Iterator[Source]:
        """Yields what is found, generators' better names first, then nearer to the root, then in alphabetical order."""
        entered: list[str] = []
        found = []
        paths = list(find_folders(self.root, self._wanted, lambda parts: self._enter(parts, entered)))
        for path in paths:
            parts = tuple(re.sub(r"\.npz$", "", path, flags=re.IGNORECASE).split("/"))
            generator, split = self.generator_of(parts[-1]), self._split_of(parts)
            if generator is not None:
                found.append((generator[0], Source(generator[1], GENERATED, path)))
            elif split == self.real_split:
                found.append((0, Source(f"{self.name}-{split}", REAL, path)))
        if not self.split_is_asked_for and not any(source.label == REAL for _, source in found):
            unsplit = [one for one in entered if not any(other.startswith(f"{one}/") for other in (*paths, *entered))]
            found += [(0, Source(self.name, REAL, folder)) for folder in unsplit]
        for _, source in sorted(found, key=lambda one: one[0]):
            yield source

    def looked_for(self, names: Sequence[str]) -> str:
        """Lists the folders' names."""
        if names:
            folders = [folder for one in self.known if one.name in names for folder in one.folders]
            return f"looked for folders or .npz archives named {', '.join(folders)}, in any case"
        other = next(split for split in self.splits if split != self.real_split)
        return (
            f"looked for a folder {self.real_split!r} in a folder named {' or '.join(self.real_folders)}, in any case "
            f"(--real-split {other} takes {other!r} instead)"
        )

    def _wanted(self, parts: tuple[str, ...]) -> bool:
        return self.generator_of(parts[-1]) is not None or self._split_of(parts) is not None

    def _enter(self, parts: tuple[str, ...], entered: list[str]) -> bool:
        name = normalised(parts[-1])
        if name in {normalised(folder) for folder in self.real_folders}:
            entered.append("/".join(parts))
            return len(parts) < DEEPEST
        return depth_of(parts) == 1 and len(parts) < DEEPEST and name not in TOP_FOLDERS - set(self.affixes)

    def _split_of(self, parts: tuple[str, ...]) -> str | None:
        """Says which split of the real images a path means: ``imagenet256/val``, ``val`` or ``imagenet-val``."""
        name, parents = normalised(parts[-1]), {normalised(folder) for folder in self.real_folders}
        under = len(parts) == 1 or normalised(parts[-2]) in parents
        for split, folders in self.split_folders.items():
            for folder in folders:
                if (under and name == folder) or any(name == parent + folder for parent in parents):
                    return split
        return None
