"""``--dataset parquet``: shards as the library ``datasets`` writes them, with the bytes of the images in them.

Rows are read where they lie, with pyarrow alone; what is hashed and examined are the bytes that are stored.
"""

from datamodules.tables.module import TableData
from datamodules.tables.table import PARQUET


class ParquetData(TableData):
    """Images in the Parquet files of a folder, such as a downloaded repository of a data set."""

    name = "parquet"
    endings = (PARQUET,)
    what = "Parquet file"
