"""``--dataset manifest``: files that name images, as CSV, TSV, JSON Lines or Parquet, a row an image."""

from datamodules.tables.module import TableData
from datamodules.tables.table import ENDINGS


class ManifestData(TableData):
    """Images that a manifest names; of a folder, every manifest below it."""

    name = "manifest"
    endings = ENDINGS
    what = "manifest"
