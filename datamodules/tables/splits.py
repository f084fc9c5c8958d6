"""Which split a table belongs to, by its name, as published data sets name their files."""

import re
from pathlib import PurePosixPath

_NUMBERED = re.compile(r"(.+?)-\d+-of-\d+(?:-[0-9a-f]+)?", re.IGNORECASE)
_KNOWN = frozenset(("train", "training", "val", "valid", "validation", "dev", "test", "testing", "eval", "evaluation"))


def split_of(path: str) -> str | None:
    """Finds the split that a file's name, or the nearest folder above it, states.

    Args:
        path: With forward slashes, below the folder of the data.

    Examples:
        >>> split_of("data/CompEval-00000-of-00007.parquet"), split_of("default/test/0000.parquet")
        ('CompEval', 'test')
        >>> split_of("val.csv"), split_of("metadata.csv")
        ('val', None)
    """
    place = PurePosixPath(path)
    numbered = _NUMBERED.fullmatch(place.stem)
    if numbered:
        return numbered[1]
    names = (place.stem, *(folder.name for folder in place.parents))
    return next((name for name in names if name.casefold() in _KNOWN), None)
