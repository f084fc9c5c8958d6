"""``--dataset manifest``: files that name images, as CSV, TSV, JSON Lines or Parquet, a row an image."""

from datamodules.tables.module import TableDataModule
from datamodules.tables.table import ENDINGS


class ManifestDataModule(TableDataModule):
    """Images that a manifest names; of a folder, every manifest below it."""

    name = "manifest"
    endings = ENDINGS
    what = "manifest"
