"""The images of one table in the order of its rows, whatever they are: for scores that are given back beside them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datamodules.errors import DataOptionError, DatasetNotFoundError
from datamodules.files import FilesData
from datamodules.tables.columns import Columns
from datamodules.tables.row_groups import Places, stored_bytes
from datamodules.tables.table import ENDINGS, Table


@dataclass(frozen=True)
class TableRows:
    """The rows of a table.

    Args:
        table: The table.
        base: Folder that the paths of files are relative to.
        paths: The item of each row; two rows may have one.
        places: Where items lie that the table holds itself.
    """

    table: Table
    base: Path
    paths: list[str]
    places: Places

    @property
    def images(self) -> list[str]:
        """The items, each once, in the order of the rows."""
        return list(dict.fromkeys(self.paths))

    @property
    def files(self) -> list[str]:
        """The files of the images that are files."""
        return [str(self.base / path) for path in self.images if path.rpartition("#")[0] not in self.places]


def read_rows_of(file: Path, given: Columns, image_root: Path | None) -> TableRows:
    """Reads which image each row of a table is; labels are not needed.

    Raises:
        DatasetNotFoundError: There is no such file.
        DataOptionError: It is no table of one image a row.
    """
    if not file.is_file():
        raise DatasetNotFoundError(f"There is no file {file}; --append takes one manifest or Parquet file.")
    if file.suffix.lower() not in ENDINGS:
        raise DataOptionError(f"{file} is no table: its name must end in {', '.join(ENDINGS)} for --append.")
    table = Table(file, file.name, file.parent, image_root, given)
    rows = table.read(with_place=False)
    if table.generators:
        raise DataOptionError(
            f"{file} has several images in a row; name one of their columns with --columns image={table.generators[0]}."
        )
    return TableRows(table, image_root or file.parent, rows["path"].to_list(), table.images)


class RowsData(FilesData):
    """Images of a table's rows, of which nothing else is known.

    Args:
        files: Items, each once.
        rows: The table's rows.
        **options: As for :class:`~datamodules.files.FilesData`.
    """

    def __init__(self, files: list[str], rows: TableRows, **options: Any) -> None:  # noqa: ANN401 - the base's
        super().__init__(files, **options)
        self.base, self.places = rows.base, rows.places

    def read_bytes(self, path: str) -> bytes:
        """Reads a file, or what a row of a Parquet file holds."""
        return stored_bytes(self.places, self.base, path)
