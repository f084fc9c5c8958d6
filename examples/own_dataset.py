"""A dataset of your own, in one file: which images there are, and how to read one. Here they lie in a SQLite file.

    python -m bench compare --plugin examples/own_dataset.py --dataset my-data --data-root FILE --detectors rigid

``FILE`` has a table ``pictures`` with the columns ``name``, ``model`` (empty of photographs), ``prompt`` and ``data``.

An :class:`~datamodules.Item` may say more: what shares its ``group`` is not independent. Where its ``bytes`` and
``mtime_ns`` are not said, a stored score holds for an image as long as it has the same sha256. Images that lie in
files need no ``read_bytes``: ``path`` then counts from ``--data-root``. An option ``--dataset my-data:limit_to=cats``
is a keyword of ``__init__(self, root, *, limit_to: str = "", **options)``.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from datamodules import GENERATED, REAL, DetectionDataModule, Item, register_dataset


@register_dataset
class MyData(DetectionDataModule):
    """The pictures of a database."""

    name = "my-data"

    def list_items(self) -> Iterator[Item]:
        """Yields every picture, with those of one prompt in one group."""
        for name, model, prompt in self._rows("SELECT name, model, prompt FROM pictures"):
            yield Item(name, GENERATED if model else REAL, model or "photographs", group=prompt)

    def read_bytes(self, path: str) -> bytes:
        """Reads a picture as it is stored."""
        return bytes(self._rows("SELECT data FROM pictures WHERE name = ?", path)[0][0])

    def _rows(self, query: str, *values: str) -> list[Any]:
        with closing(sqlite3.connect(self.root)) as database:  # opened anew: several processes read
            return database.execute(query, values).fetchall()
