"""``--dataset manifest``: files that name images, as CSV, TSV, JSON Lines or Parquet, a row an image."""

from datamodules.tables.module import TableDataModule
from datamodules.tables.table import PARQUET
from datamodules.tables.text_files import ENDINGS


class ManifestDataModule(TableDataModule):
    """Images that a manifest names; of a folder, every manifest below it."""

    name = "manifest"
    endings = (*ENDINGS, PARQUET)
    what = "manifest"
