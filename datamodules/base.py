"""The contract that every dataset keeps: which images there are, who faces whom, and how a batch is made of them."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from datamodules.conditions import CLEAN_IMAGES, Condition
from datamodules.cores import usable_cores
from datamodules.errors import DataOptionError, DatasetNotFoundError, UnknownDataNameError, hinted
from datamodules.items import (
    GENERATED,
    ITEM_SCHEMA,
    LONGEST_TITLE,
    PARTIAL,
    PARTIAL_MODES,
    REAL,
    Item,
    plain_name,
    separated,
    table_of,
)
from datamodules.pairing import paired, read_pairs
from datamodules.reading import MAX_PIXELS, decode_image, guarded, read_file
from datamodules.sampling import balanced, limited, of_generators
from datamodules.view_spec import ViewSpec, resize_short_side

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from datamodules.batch import Sample
    from datamodules.readers import Readers


class DetectionData(ABC):
    """Images of one dataset, real and generated.

    A subclass states its ``name`` and lists its files; reading, preprocessing, sampling and batching live here.
    Both classes get the same treatment. It needs no Lightning: `datamodules.modules` makes LightningDataModules of it.

    Args:
        root: The dataset's folder.
        generators: The generators to take; all by default.
        limit: At most so many images of each source, chosen by a hash of the path: the same ones on every machine.
        balance: Whether to keep equal numbers of real and generated images in every contrast; see
            :func:`datamodules.sampling.balanced`.
        resize: Length in pixels that the short side is scaled to before a view is cut; None keeps the native scale.
        crop_seed: Seed of random crops; fixed, so that seeds of a method see the same pixels.
        batch_size: Images in a batch.
        num_workers: Processes that decode; by default one for each core that this process may use.
        max_pixels: An image of more pixels is not read: nothing of it is decoded.
        pairs: CSV file that says which real sources face a generator; see :func:`datamodules.pairing.read_pairs`.
        pair_by_name: Whether a generator faces the real source of its own name, where there is one.
        partial: What becomes of edited images; see :func:`datamodules.items.separated`.

    Attributes:
        display_name: What tables call the data set; its own title by default.
        content: What the files hold, for methods that look at something else than images.
        views: What is cut from each image.
        crops: Numbers of the random crops, each with a seed of its own; None for the one of ``crop_seed``.
        conditions: What happens to the images first.
        wanted: ``(n_items, n_conditions)``, which image is needed under which condition; None for all.
        batches: Positions of the images of each batch; None for all images in order.
        ignored: How many files were passed by for their endings, by ending.
        passed_by: Folders beside those of the classes, from which nothing is taken.
        listing: All images of the data set, before any were chosen; nothing in other processes.
        declared_pairs: Real sources that face a generator, as far as the data say so themselves.
        revision: The commit of the data, where they have one.
        pin_memory: Whether batches are put where a GPU takes them from fastest.
        release_dates: When a generator was released, as far as the data say so: YYYY, YYYY-MM or YYYY-MM-DD.
    """

    name = ""
    citation: ClassVar[str] = ""
    citations: ClassVar[tuple[Mapping[str, str], ...]] = ()  # fields as in BibTeX, and a key; none of the user's own
    licence: ClassVar[str] = ""
    takes_text: ClassVar[bool] = False
    """Whether what stands behind the name and a colon is one text, the argument ``source``, and no options."""

    def __init__(
        self,
        root: str | Path,
        *,
        generators: Sequence[str] | None = None,
        limit: int | None = None,
        balance: bool = False,
        resize: int | None = 256,
        crop_seed: int = 0,
        batch_size: int = 32,
        num_workers: int | None = None,
        max_pixels: int = MAX_PIXELS,
        pairs: str | None = None,
        pair_by_name: bool = False,
        partial: str = PARTIAL_MODES[0],
    ) -> None:
        super().__init__()
        counts = {"limit": limit, "resize": resize, "batch-size": batch_size, "max-pixels": max_pixels}
        for option, value in counts.items():
            if value is not None and value < 1:
                raise DataOptionError(f"--{option} must be at least 1, got {value}.")
        if num_workers is not None and num_workers < 0:
            raise DataOptionError(f"--num-workers must be at least 0, got {num_workers}.")
        if partial not in PARTIAL_MODES:
            raise DataOptionError(f"--partial must be one of {', '.join(PARTIAL_MODES)}, got {partial!r}.")
        self.root = Path(root)
        self.generators, self.limit, self.balance = generators, limit, balance
        self.resize, self.crop_seed, self.batch_size, self.max_pixels = resize, crop_seed, batch_size, max_pixels
        self.shares_cores = num_workers is None
        self.num_workers = usable_cores() if num_workers is None else num_workers
        self.given_pairs = read_pairs(Path(pairs)) if pairs else {}
        self.pair_by_name, self.partial = pair_by_name, partial
        self.display_name: str | None = None
        self.content = "image"
        self.views: tuple[ViewSpec, ...] = ()
        self.crops: tuple[int, ...] | None = None
        self.conditions: tuple[Condition, ...] = (CLEAN_IMAGES,)
        self.wanted: NDArray[np.bool_] | None = None
        self.batches: Sequence[Sequence[int] | NDArray[np.intp]] | None = None
        self.items = self.listing = pl.DataFrame(schema=ITEM_SCHEMA)
        self.declared_pairs: dict[str, set[str]] = {}
        self.release_dates: dict[str, str] = {}
        self.revision: str | None = None
        self.pin_memory = False
        self.ignored: Counter[str] = Counter()
        self.passed_by: list[str] = []
        self._readers: Readers | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leaves readers and listing out of what is sent to other processes."""
        return {**self.__dict__, "_readers": None, "listing": self.items.clear()}

    @abstractmethod
    def list_items(self) -> Iterator[Item]:
        """Yields every image of the dataset, whatever ``generators`` and ``limit`` say, in a fixed order.

        Raises:
            DatasetNotFoundError: The root is missing or is laid out otherwise.
        """

    @property
    def title(self) -> str:
        """What the store and the tables call this dataset."""
        return self.display_name or self.default_title

    @property
    def default_title(self) -> str:
        """The title of a dataset that was given none."""
        return self.name

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the scores must know about where the images come from, a sentence each."""
        return ()

    @property
    def contrasts(self) -> dict[str, tuple[str, ...]]:
        """Which sources of real images face each generator where nobody says more: here all of them."""
        return {generator: self.sources(REAL) for generator in self.sources(GENERATED)}

    @property
    def facing(self) -> dict[str, tuple[str, ...]]:
        """Which sources of real images face each generator, as the user or the data say; else the ``contrasts``.

        Raises:
            UnknownDataNameError: A pair names real images that are not there.
            DataOptionError: Pairs by name were asked for and there is none.
        """
        return paired(self.contrasts, self.sources(REAL), self.declared_pairs, self.given_pairs, self.pair_by_name)

    @property
    def apart(self) -> tuple[str, ...]:
        """The generators of edited images, which are shown apart from the others and are in no mean."""
        edited = self.items.filter(pl.col("kind").eq_missing(PARTIAL)) if self.partial == PARTIAL_MODES[0] else None
        return () if edited is None else tuple(edited["generator"].unique().sort())

    @property
    def protocol(self) -> dict[str, Any]:
        """Everything that is done to an image before a view is cut, as part of the scores' fingerprint."""
        return {"resize": self.resize, "crop_seed": self.crop_seed if self.crops is None else "one a seed"}

    @property
    def preprocessing(self) -> str:
        """What :meth:`preprocess` does, in words for a report."""
        return "native scale" if self.resize is None else f"short side scaled to {self.resize} px"

    def sources(self, label: int) -> tuple[str, ...]:
        """Returns the names of the generators, or of the sources of real images, in alphabetical order."""
        return tuple(self.items.filter(pl.col("label") == label)["generator"].unique().sort())

    def missing_class(self) -> str | None:
        """Says which class has no image, and which folders were passed by; nothing where both have some."""
        lacking = [name for label, name in enumerate(("real", "generated")) if not self.sources(label)]
        if not lacking:
            return None
        passed_by = f"; passed by: {', '.join(map(hinted, self.passed_by))}" if self.passed_by else ""
        return f"{self.root} has no {lacking[0]} images{passed_by}"

    def prepare_data(self) -> None:  # noqa: B027 - most have nothing to make
        """Makes what has to be made once for all processes: here nothing."""

    def setup(self, stage: str | None = None) -> None:
        """Lists the images once and samples them.

        Raises:
            DatasetNotFoundError: There are no images.
            UnknownDataNameError: A generator was asked for that is not there.
            DataOptionError: The title is too long to name a folder of results.
        """
        if not self.items.is_empty():
            return
        try:
            self._check_title()
            self.listing = table_of(self.list_items()).sort("path")
        except DatasetNotFoundError:
            raise
        except OSError as error:
            raise DatasetNotFoundError(f"May not read {error.filename}: {error.strerror}.") from error
        self.items = separated(self.listing, self.partial)
        unknown = sorted(self.given_pairs.keys() - {plain_name(name) for name in self.sources(GENERATED)})
        if unknown:
            raise UnknownDataNameError("generator", unknown[0], self.sources(GENERATED))
        if self.generators is not None:
            self.items = of_generators(self.items, self.generators, self.facing)
        if self.limit is not None:
            self.items = limited(self.items, self.limit)
        if self.items.is_empty():
            raise DatasetNotFoundError(f"There is no image under {self.root}.")
        if self.balance:
            self.items = balanced(self.items, self.facing)

    def _check_title(self) -> None:
        size = len(self.title.encode("utf-8", "surrogateescape"))
        if size > LONGEST_TITLE:
            raise DataOptionError(
                f"The data set's title, {self.title[:40]}..., names a folder of results and has {size} bytes, where "
                f"{LONGEST_TITLE} are the most: give a --name."
            )

    def read_bytes(self, path: str) -> bytes:
        """Reads the bytes of one item, which its sha256 is taken from: here a file's."""
        return read_file(self.root / path)

    def file_name(self, path: str) -> str:
        """Names the file that an item is, or was; its ending is a cue."""
        return path

    def edited_share(self, path: str) -> float | None:
        """Returns which share of an edited image's area is generated, 0 to 1; None where it is not known."""
        return None

    def decode(self, data: bytes, path: str) -> Image.Image:
        """Makes an RGB picture of an item's bytes.

        Raises:
            UnreadableImageError: They do not hold a whole picture.
        """
        return decode_image(data, self.max_pixels)

    def picture(self, data: bytes, path: str) -> Image.Image:
        """Decodes an item; whatever its decoder raises, an image that cannot be decoded is an unreadable one.

        Raises:
            UnreadableImageError: With the reason.
        """
        with guarded():
            return self.decode(data, path)

    def preprocess(self, image: Image.Image, label: int, generator: str) -> Image.Image:
        """Applies the dataset's protocol to a decoded image, before a view is cut."""
        return image if self.resize is None else resize_short_side(image, self.resize)

    def share_cores(self, processes: int) -> None:
        """Divides the cores among so many processes of a run, unless the number of workers was given."""
        if self.shares_cores:
            self.num_workers = max(1, usable_cores() // processes)

    def test_dataloader(self) -> "DataLoader[Sample]":
        """Reads the batches that were asked for, or all images in order."""
        from datamodules.image_dataset import create_loader  # imports torch, which listing does without

        batches = self.batches
        if batches is None:
            indices = range(len(self.items))
            batches = [indices[i : i + self.batch_size] for i in range(0, len(indices), self.batch_size)]
        loader, self._readers = create_loader(self, batches)
        return loader

    def lost_images(self, error: BaseException) -> list[str]:
        """Names the images that the processes were on that an error of a test dataloader says were killed."""
        return [self.items["path"][index] for index in self._readers.lost(error)] if self._readers else []
