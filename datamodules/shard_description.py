"""``dataset.json``, which lies beside packed shards: the dataset they were made of, as far as scores depend on it.

Scores depend on an image's bytes and on what its dataset does to it before a view is cut. So the dataset's own class is
made again, by name and with the options it had, and asked.
"""

import inspect
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_origin

from datamodules.base import DetectionData
from datamodules.errors import DataOptionError
from datamodules.items import plain_name
from datamodules.registry import find_data
from datamodules.tar_headers import ShardError

FILE = "dataset.json"
FORMAT = "aigi-bench shards 1"


@dataclass(frozen=True)
class Description:
    """What ``dataset.json`` says.

    Args:
        dataset: Name of the dataset that was packed.
        title: What the store and the tables call it.
        options: Those of its options that scores depend on, beside those of every dataset, which are chosen anew when
            the shards are read.
        protocol: What it does to images, likewise.
        contrasts: Which sources of real images face each generator.
        notes: What a reader of the scores must know.
        licence: Of the images.
        citation: Of the dataset.
        shard_bytes: The size that no shard of more than one image exceeds.
        shards: Number of images in each shard, by its file's name.
        left_out: Path and reason of each image that could not be opened.
        complete: Whether packing came to its end.
    """

    dataset: str
    title: str
    options: dict[str, Any]
    protocol: dict[str, Any]
    contrasts: dict[str, list[str]]
    notes: list[str]
    licence: str
    citation: str
    shard_bytes: int
    shards: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    complete: bool = False

    def save(self, folder: Path) -> None:
        """Writes the file, whole or not at all."""
        temporary = folder / f".{FILE}.partial"
        text = json.dumps({"format": FORMAT} | asdict(self), indent=2, ensure_ascii=False)
        temporary.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")  # JSON reads it back
        temporary.replace(folder / FILE)

    def check_same(self, other: "Description", folder: Path) -> None:
        """Raises if another pack into the same folder is of something else; the number of images may differ.

        Raises:
            DataOptionError: It is.
        """
        for name in ("dataset", "title", "options", "protocol", "shard_bytes"):
            old, new = getattr(self, name), getattr(other, name)
            if old != new:
                raise DataOptionError(
                    f"{folder / FILE} is of other shards: {name} is {old!r}, now {new!r}; give another --output."
                )


def describe(datamodule: DetectionData, shard_bytes: int) -> Description:
    """Describes a dataset that is set up."""
    return Description(
        dataset=datamodule.name,
        title=datamodule.title,
        options=_options_of(datamodule),
        protocol=_own_protocol(datamodule),
        contrasts={plain_name(generator): list(reals) for generator, reals in datamodule.facing.items()},
        notes=list(datamodule.notes),
        licence=datamodule.licence,
        citation=datamodule.citation or "; ".join(map(_in_words, datamodule.citations)),
        shard_bytes=shard_bytes,
    )


def _in_words(paper: Mapping[str, str]) -> str:
    """Names a paper in a line.

    Examples:
        >>> _in_words({"author": "Roe, A. and Poe, B.", "title": "On T", "year": "2023", "eprint": "2301.00001"})
        'Roe et al., On T, 2023, arXiv 2301.00001'
    """
    first, _, others = paper["author"].partition(" and ")
    author = first.partition(",")[0] + (" et al." if others else "")
    known = [f"arXiv {paper['eprint']}"] if "eprint" in paper else []
    return ", ".join([author, paper["title"], paper["year"], *known])


def load_description(folder: Path) -> Description | None:
    """Reads the file; None where there is none.

    Raises:
        ShardError: It is not what :meth:`Description.save` writes.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
            raise ShardError(f"{file} does not say that it is of the format {FORMAT!r}.")
        found = Description(**values)
    except (ValueError, TypeError, RecursionError) as error:
        if isinstance(error, ShardError):
            raise
        raise ShardError(f"{file} is damaged: {str(error).splitlines()[0][:100]}") from error
    reason = _fault_of(found)
    if reason is not None:
        raise ShardError(f"{file} is damaged: {reason}.")
    return found


def make_source(found: Description, root: Path, **options: Any) -> DetectionData:  # noqa: ANN401
    """Makes the datamodule of the dataset that was packed; it lists nothing.

    Args:
        found: The description.
        root: Where the shards are.
        options: Those of every dataset.

    Raises:
        UnknownDataNameError: There is no such dataset here.
        ShardError: It would not do to the images what the packed one did.
    """
    cls = find_data(found.dataset)
    unknown = set(found.options) - _own_options(cls)
    if unknown:
        raise ShardError(f"{root / FILE}: dataset {found.dataset!r} has no option {sorted(unknown)[0]!r}.")
    try:
        source = cls(root, **found.options, **options)
    except TypeError as error:
        raise ShardError(
            f"{root / FILE}: dataset {found.dataset!r} cannot have the options {found.options}."
        ) from error
    if _own_protocol(source) != found.protocol:
        raise ShardError(
            f"{root / FILE}: dataset {found.dataset!r} had the protocol {found.protocol} when it was packed, and comes "
            f"to {_own_protocol(source)} here; pack it again."
        )
    return source


def _own_protocol(datamodule: DetectionData) -> dict[str, Any]:
    base = DetectionData.protocol.fget(datamodule)  # type: ignore[attr-defined] # a property is a descriptor
    return {name: value for name, value in datamodule.protocol.items() if name not in base}


def _own_options(cls: type[DetectionData]) -> set[str]:
    """Names the options that a dataset has beside those of every dataset."""
    names: set[str] = set()
    for one in cls.__mro__:
        if issubclass(one, DetectionData) and "__init__" in vars(one):
            parameters = inspect.signature(one.__init__).parameters.values()
            names |= {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
    return names - set(inspect.signature(DetectionData.__init__).parameters)


def _options_of(datamodule: DetectionData) -> dict[str, Any]:
    """Finds the values of a dataset's own options in its protocol, or else among its attributes."""
    found = {}
    for name in sorted(_own_options(type(datamodule))):
        value = datamodule.protocol.get(name, getattr(datamodule, name, ...))
        if value is None or isinstance(value, str | int | float | bool):
            found[name] = value
    return found


def _fault_of(found: Description) -> str | None:
    for one in fields(found):
        expected = get_origin(one.type) or one.type
        if type(getattr(found, one.name)) is not expected:
            return f"{one.name} must be of type {getattr(expected, '__name__', expected)}"
    if not found.title or found.title in (".", "..") or set(found.title) & set("/\0"):
        return f"the title {found.title[:80]!r} cannot name a folder"
    names = [*found.shards]
    if any("/" in name or "\\" in name or not name.endswith(".tar") or name.startswith(".") for name in names):
        return "a shard's name is no plain name that ends in .tar"
    if not all(isinstance(note, str) for note in found.notes) or not all(type(n) is int for n in found.shards.values()):
        return "notes must be texts and shards numbers of images"
    return None
