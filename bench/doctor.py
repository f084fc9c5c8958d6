"""The doctor: reads every image of a dataset once and says what is wrong with the copy at hand.

Wrong, so that the exit code is 1: files that cannot be read; counts and sizes of generated images other than the
published ones; endings that lie about the format; and one picture in both classes, byte for byte or with the same
perceptual hash. Notes are what may be as it should: what was not found or passed by, copies within a class, formats
that differ between the classes, and pictures of both classes whose hashes differ in a few bits. Such pairs are only
noted, for among the ten thousand million pairs of a full benchmark a few are alike by chance. Pictures of one declared
group (a photograph and what was made of it) may look alike. Flat pictures have no hash to compare.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import polars as pl
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from bench.errors import BenchError
from datamodules import GENERATED, REAL, Count, DetectionDataModule, UnreadableImageError
from datamodules.archives import split_item
from datamodules.batch import sha256_of
from datamodules.cues import _header as stored_as
from datamodules.fingerprints import perceptual_hash

WRONG, NOTE = "wrong", "note"
CLASSES = {REAL: "real", GENERATED: "generated"}
RAW = "raw pixels"
EXAMPLES = 5
MAX_BYTES = 1 << 30
"""A larger file is not read: the largest picture that is decoded has a quarter of that."""
FEWEST_BITS = 24
"""A picture's hash has 32 bits set; fewer, because many frequencies tie, where it is flat."""
SAME_FORMAT = {"MPO": "JPEG", "DIB": "BMP"}

FACTS = {
    **{"sha256": pl.String, "hash": pl.UInt64, "format": pl.String},
    **{"width": pl.UInt32, "height": pl.UInt32, "quality": pl.UInt8, "reason": pl.String},
}
Facts = tuple[str | None, int | None, str | None, int | None, int | None, int | None, str | None]
Progress = Callable[[int, int], None]
_BATCH, _CHUNK = 32, 1 << 14
_ENDING = pl.col("path").str.extract(r"(\.[^./#]+)(?:#\d+)?$").fill_null("")
_SIZE = pl.format("{}x{}", "width", "height")


@dataclass(frozen=True)
class Finding:
    """Something about a dataset.

    Args:
        severity: ``wrong`` or ``note``.
        where: Class and source, or the dataset.
        what: In a sentence.
        examples: Up to five paths or pairs of paths.
    """

    severity: str
    where: str
    what: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceFacts:
    """What the images of a generator, or of a source of real images, are like.

    Args:
        label: 0 = real, 1 = generated.
        name: The source's.
        images: Number of images, readable or not.
        expected: The published number, where there is one and all images were looked at.
        unreadable: How many of them cannot be read.
        native_size: The published width and height.
        formats: Number of images of each format, by content, the most frequent first.
        endings: Number of images of each ending as it is written.
        sizes: Number of images of each width and height.
        width: Least, median and greatest; None without a readable image, as for the two below.
        height: Likewise.
        jpeg_quality: Likewise, of the images that are JPEG.
    """

    label: int
    name: str
    images: int
    expected: Count | None
    unreadable: int
    native_size: int | None
    formats: dict[str, int]
    endings: dict[str, int]
    sizes: dict[str, int]
    width: tuple[float, float, float] | None
    height: tuple[float, float, float] | None
    jpeg_quality: tuple[float, float, float] | None


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found.

    Args:
        title: The dataset.
        rows: The sources, real ones first.
        findings: What is wrong first.
    """

    title: str
    rows: tuple[SourceFacts, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.severity != WRONG for finding in self.findings)


def check(datamodule: DetectionDataModule, progress: Progress | None = None) -> Diagnosis:
    """Reads every image of a dataset and says what is wrong.

    Args:
        datamodule: The dataset; with a ``limit`` or ``balance`` the counts are not compared with the published ones.
        progress: Called now and then with the number of images read and of all.

    Raises:
        BenchError: A process that read images was killed.
        DatasetNotFoundError: There are no images.
    """
    datamodule.setup()
    images = pl.concat([datamodule.items, examine(datamodule, progress)], how="horizontal")
    return diagnose(datamodule, images)


def examine(datamodule: DetectionDataModule, progress: Progress | None = None) -> pl.DataFrame:
    """Reads every image once, in ``num_workers`` processes, and returns its `FACTS`, a row for each item."""
    facts, frames = _read(datamodule, progress), [pl.DataFrame(schema=FACTS)]
    while chunk := list(islice(facts, _CHUNK)):
        frames.append(pl.DataFrame(chunk, FACTS, orient="row"))
    return pl.concat(frames)


def diagnose(datamodule: DetectionDataModule, images: pl.DataFrame) -> Diagnosis:
    """Makes the diagnosis.

    Args:
        datamodule: The dataset, set up.
        images: Its items with their `FACTS`.
    """
    images = images.with_columns(
        pl.format("{} {}", pl.col("label").replace_strict(CLASSES, return_dtype=pl.String), "generator").alias("where"),
        _ENDING.alias("ending"),
        _SIZE.alias("size"),
    )
    parts = images.partition_by("label", "generator", as_dict=True)
    rows = tuple(_source_facts(datamodule, parts[key]) for key in sorted(parts))
    return Diagnosis(datamodule.title, rows, find_faults(datamodule, rows, images))


def _read(datamodule: DetectionDataModule, progress: Progress | None) -> Iterator[Facts]:
    total, done = len(datamodule.items), 0
    batches = [list(range(start, min(start + _BATCH, total))) for start in range(0, total, _BATCH)]
    workers = min(datamodule.num_workers, len(batches))
    loader = DataLoader(_Files(datamodule), batch_sampler=batches, num_workers=workers, collate_fn=list)
    try:
        for batch in loader:
            done += len(batch)
            yield from batch
            if progress is not None:
                progress(done, total)
    except RuntimeError as error:  # the loader's own: whatever a file raises is a fact about that file
        path = datamodule.items["path"][min(done, total - 1)]
        raise BenchError(f"A process was killed while reading {path} or an image after it; out of memory?") from error


class _Files(Dataset[Facts]):
    """The facts of each file."""

    def __init__(self, datamodule: DetectionDataModule) -> None:
        self.read_bytes, self.decode = datamodule.read_bytes, datamodule.decode
        # Arrow columns: compact, and safe in forked workers, where polars is not.
        self.paths, self.bytes = datamodule.items["path"].to_arrow(), datamodule.items["bytes"].to_arrow()

    def __getitem__(self, index: int) -> Facts:
        path = self.paths[index].as_py()
        try:
            data = self._read(path, self.bytes[index].as_py())
            image = self.decode(data, path)
            form, quality = (RAW, None) if split_item(path) else stored_as(data)
            return sha256_of(data), _hash_of(image), form, image.width, image.height, quality, None
        except UnreadableImageError as error:
            reason = str(error)
        except OSError as error:
            reason = error.strerror or type(error).__name__
        except Exception as error:  # whatever a broken file does to a decoder, the next file is read
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:100]
        return None, None, None, None, None, None, reason

    def _read(self, path: str, size: int) -> bytes:
        if size == 0:
            raise UnreadableImageError("empty file")  # not opened: a pipe or a device would never end
        if size > MAX_BYTES:
            raise UnreadableImageError(f"larger than {MAX_BYTES:,} bytes")
        return self.read_bytes(path)


def _hash_of(image: Image.Image) -> int | None:
    value = perceptual_hash(image)
    return value if value.bit_count() >= FEWEST_BITS else None
