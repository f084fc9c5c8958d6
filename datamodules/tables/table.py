"""One table, of whatever format, as a frame of the facts about each image."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from datamodules.errors import DataOptionError
from datamodules.shard_reading import Shard
from datamodules.tables.columns import Columns, find_columns, image_columns, known_names, places_in, shown
from datamodules.tables.parquet_schema import Stored, class_names, is_nested, open_parquet, stored_images
from datamodules.tables.paths import Resolver
from datamodules.tables.row_groups import Places
from datamodules.tables.splits import split_of
from datamodules.tables.text_files import ENDINGS as TEXT_ENDINGS
from datamodules.tables.text_files import LINE, read_text

ROW = "row"
FACTS = {
    **{"path": pl.String, "bytes": pl.Int64, "mtime_ns": pl.Int64},
    **{"label": pl.String, "generator": pl.String, "group": pl.String, "split": pl.String},
    **{"release_date": pl.String, "real_source": pl.String, "mask": pl.String, "place": pl.String},
    **{"edited": pl.Boolean},
}
"""What is known of an image beside its `ROW`; ``place`` is what a label may be read off, ``mask`` where its mask is."""
CHUNK = 1 << 14
PARQUET = ".parquet"
NEUTRAL = "source"
"""A column of this name holds sources of either class, others of generators the names of generators."""

ENDINGS = (*TEXT_ENDINGS, PARQUET)
"""Of tables, in lower case."""
_FILE = {name: FACTS[name] for name in ("path", "bytes", "mtime_ns")}


@dataclass
class Table:
    """A manifest, or a Parquet file.

    Args:
        file: Where it is.
        name: Its path below the folder of the data.
        root: Folder that the paths of items are relative to.
        image_root: Folder that the paths in it count from; its own by default.
        given: ``--columns``.

    Attributes:
        columns: The column of each role.
        classes: The names of the numbers in its columns.
        images: Where bytes of images lie in it; empty where it has paths.
        masks: Where bytes of masks lie in it.
        stored_names: Where the names of the files that the images were lie in it.
        names: Of all columns.
        generators: For a table of several images in a row, the columns of images: each is a generator.
    """

    file: Path
    name: str
    root: Path
    image_root: Path | None
    given: Columns
    names: list[str] = field(default_factory=list)
    columns: Columns = field(default_factory=dict)
    classes: Mapping[str, list[str]] = field(default_factory=dict)
    images: Places = field(default_factory=dict)
    masks: Places = field(default_factory=dict)
    stored_names: Places = field(default_factory=dict)
    generators: list[str] = field(default_factory=list)

    @property
    def is_parquet(self) -> bool:
        """Whether rows are counted from 0, as no line has a number."""
        return self.file.suffix.lower() == PARQUET

    @property
    def neutral(self) -> bool:
        """Whether the column of generators holds the sources of real images, too."""
        column = self.columns.get("generator")
        return column is not None and (column.casefold() == NEUTRAL or column == self.columns.get("real_source"))

    def where(self, row: int) -> str:
        """Names a row, for a message."""
        return f"{self.file}, {'row' if self.is_parquet else 'line'} {row}"

    def named(self, role: str) -> dict[str, str]:
        """Returns what the numbers in a role's column are called."""
        names = self.classes.get(self.columns.get(role, ""), ())
        return {str(number): name for number, name in enumerate(names)}

    def read(self, with_place: bool) -> pl.DataFrame:
        """Reads the rows.

        Args:
            with_place: Whether a label may be read off where an image comes from.

        Returns:
            `ROW` and those of the `FACTS` that the table has.

        Raises:
            DataOptionError: It cannot be read, has no images, or a path leads outside.
        """
        return self._read_parquet(with_place) if self.is_parquet else self._read_text(with_place)

    def _read_text(self, with_place: bool) -> pl.DataFrame:
        names, frame = read_text(self.file, known_names(self.given))
        self._find(names)
        frame = frame.rename({LINE: ROW})
        frame = self._roles(frame, with_place, self.columns["image"])
        return self._with_files(self._with_mask_files(frame) if "mask" in frame.columns else frame)

    def _read_parquet(self, with_place: bool) -> pl.DataFrame:
        with open_parquet(self.file) as parquet:
            names = parquet.schema_arrow.names
            self.classes = class_names(parquet.schema_arrow)
            self.generators = image_columns(names) if "image" not in self.given else []
            if self.generators:
                self.given = {"image": self.generators[0], **self.given}
            self._find(names)
            columns = self.generators or [self.columns["image"]]
            stored = [stored_images(parquet, column, self.file) for column in columns]
            mask = stored_images(parquet, self.columns["mask"], self.file) if "mask" in self.columns else None
            wanted = {column for role, column in self.columns.items() if role not in ("image", "mask")}
            wanted |= set(places_in(names)) if with_place or mask else set()
            leaves = {column for column in wanted if not is_nested(parquet, column)}
            self._check_nested(wanted - leaves)
            paths = {one.path for one in (*stored, mask) if one and one.path and (with_place or one.data is None)}
            table = parquet.read(sorted(leaves | paths), use_threads=False)
            rows = parquet.metadata.num_rows
        frame = pl.DataFrame({ROW: pl.arange(0, rows, eager=True, dtype=pl.Int64)})
        for name in table.column_names:
            series = pl.Series(name, pl.from_arrow(table.column(name)))
            frame = frame.with_columns(series if series.dtype == pl.Struct else series.cast(pl.String))
        frame = _unnested(frame)
        parts = [
            self._images(frame, one, column, mask, with_place) for one, column in zip(stored, columns, strict=True)
        ]
        return pl.concat(parts, how="diagonal")

    def _images(
        self, frame: pl.DataFrame, stored: Stored, column: str, mask: Stored | None, with_place: bool
    ) -> pl.DataFrame:
        """Makes the facts of the images of one column."""
        frame = self._roles(frame, with_place, column)
        if self.generators:
            frame = frame.with_columns(generator=pl.lit(column.removeprefix("image_")))
        key = self._key(column if self.generators else None)
        digits = max(6, len(str(max(len(frame) - 1, 0))))
        numbered = pl.format("{}#{}", pl.lit(key), pl.col(ROW).cast(pl.String).str.zfill(digits))
        shard = Shard.of(self.file)
        if mask is not None and mask.data:
            self.masks[key] = (shard, mask.data)
            frame = frame.with_columns(mask=numbered)
        elif "mask" in frame.columns:
            frame = self._with_mask_files(frame)
        if stored.data is None:
            return self._with_files(frame)
        self.images[key] = (shard, stored.data)
        if stored.path:
            self.stored_names[key] = (shard, stored.path)
        return frame.with_columns(path=numbered, mtime_ns=pl.lit(shard.mtime_ns)).drop("image", strict=False)

    def _key(self, column: str | None) -> str:
        folder, slash, name = self.name.rpartition("/")
        return self.name if column is None else f"{folder}{slash}{column}@{name}"

    def _find(self, names: list[str]) -> None:
        self.names, self.columns = names, find_columns(names, self.given, str(self.file))
        if "image" not in self.columns:
            raise DataOptionError(
                f"{self.file} has no column of images or their paths; its columns: {shown(names)}. Name it with "
                "--columns image=COLUMN. A pattern leaves other files out: --data-root 'DIR/**/NAME.csv'."
            )

    def _check_nested(self, columns: Collection[str]) -> None:
        """Goes without columns that hold lists or structs, unless they were asked for or have the labels."""
        for role, column in list(self.columns.items()):
            if column not in columns:
                continue
            if role == "label" or role in self.given:
                raise DataOptionError(
                    f"{self.file}: the column {column} holds no text and no number; name another with --columns "
                    f"{role}=COLUMN."
                )
            del self.columns[role]

    def _roles(self, frame: pl.DataFrame, with_place: bool, image: str) -> pl.DataFrame:
        """Names columns by their roles, cuts blanks off, and puts together what a label may be read off."""
        chosen = {role: pl.col(column) for role, column in self.columns.items() if column in frame.columns}
        chosen |= {"image": pl.col(image)} if image in frame.columns else {}
        facts = {role: column if role in ("image", "mask") else _cut(column) for role, column in chosen.items()}
        places = [name for name in places_in(frame.columns) if name != image or "image" in facts]
        if "mask" in self.columns and places:
            key = pl.concat_str(places, separator="/", ignore_nulls=True).str.to_lowercase()
            facts["edited"] = key.str.contains(r"(^|[^a-z])partial([^a-z]|$)")
        if with_place:
            parts = [
                pl.lit(self.name),
                *(pl.col(name) for name in dict.fromkeys([*places, image]) if name in frame.columns),
            ]
            facts["place"] = pl.concat_str(parts, separator="/", ignore_nulls=True)
        frame = frame.select(ROW, **facts)
        if "split" not in frame.columns and (split := split_of(self.name)):
            frame = frame.with_columns(split=pl.lit(split))
        return frame

    def _with_files(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Finds the file that each row names."""
        empty = frame.filter(pl.col("image").is_null())
        if len(empty):
            raise DataOptionError(
                f"{self.where(empty[ROW][0])}: the {self.columns['image']} is empty; take out a row that has no image."
            )
        resolver = self._resolver()
        found = [pl.DataFrame(schema=_FILE)]
        for part in frame.select("image", ROW).iter_slices(CHUNK):
            files = [resolver.find(path, row) for path, row in part.iter_rows()]
            found.append(pl.DataFrame(files, _FILE, orient="row"))
        return pl.concat([frame.drop("image"), pl.concat(found)], how="horizontal")

    def _with_mask_files(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Finds the file of each row's mask."""
        resolver = self._resolver()
        masks = [path and resolver.find(path, row)[0] for path, row in frame.select("mask", ROW).iter_rows()]
        return frame.with_columns(mask=pl.Series(masks, dtype=pl.String))

    def _resolver(self) -> Resolver:
        base, root = (self.image_root, self.image_root) if self.image_root else (self.file.parent, self.root)
        return Resolver(base, root, self.where)


def _as_text(series: pl.Series) -> pl.Series:
    return series if series.dtype == pl.Struct else series.cast(pl.String, strict=False)


def _unnested(frame: pl.DataFrame) -> pl.DataFrame:
    """Has the path of a struct stand for it; of those that hold images, nothing else was read."""
    structs = [name for name, kind in frame.schema.items() if kind == pl.Struct]
    return frame.with_columns(pl.col(name).struct.field("path").cast(pl.String).alias(name) for name in structs)


def _cut(column: pl.Expr) -> pl.Expr:
    text = column.str.strip_chars()
    return pl.when(text != "").then(text)
