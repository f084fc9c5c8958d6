"""Finds the columns of a table by the names that published data sets use, or by those that the user gives."""

from collections.abc import Collection, Mapping, Sequence

from datamodules.errors import DataOptionError, did_you_mean

NAMES: Mapping[str, tuple[str, ...]] = {
    "image": (
        *("image", "img", "jpg", "png", "image_data", "pixel_values"),
        *("file_name", "filename", "image_path", "path", "filepath", "file"),
    ),
    "label": ("label", "labels", "binary_label", "Label_A", "class", "target", "is_fake", "typ"),
    "generator": ("generator", "model", "model_name", "Label_B", "source", "architecture"),
    "group": ("group", "prompt", "caption", "img_id", "key", "id"),
    "split": ("split",),
    "mask": ("mask",),
    "release_date": ("release_date",),
    "real_source": ("real_source",),
}
"""The names of each column, those that are taken first in front. Case does not matter."""
ALSO = {"path": "image", "prompt": "group"}
"""Other words for two of the columns, for ``--columns``."""
PLACES = ("__url__", "__key__", "key", "file_name", "filename", "image_path", "path", "filepath", "file")
"""Columns that say where an image comes from: what ``--label-from-path`` looks at."""
SEVERAL = "image_gen"
"""What the columns of one image a generator begin with: ``image_gen0``, ``image_gen1``, ..."""

Columns = dict[str, str]
"""The column of each of some roles."""


def read_columns(words: Sequence[str]) -> Columns:
    """Reads ``image=Image label=Label_A``; a role without a column, as in ``group=``, has none.

    Raises:
        DataOptionError: A word is not of this form, or names no role, or one twice.
    """
    given: Columns = {}
    roles = [*NAMES, *ALSO]
    for word in words:
        role, equals, column = word.partition("=")
        if not equals:
            raise DataOptionError(f"--columns takes words such as label=Label_A, got {word!r}.")
        if role not in roles:
            raise DataOptionError(f"--columns: {role!r} is none of {', '.join(roles)}.{did_you_mean(role, roles)}")
        role = ALSO.get(role, role)
        if role in given:
            raise DataOptionError(f"--columns names the column of the {role} twice, the second time as {word!r}.")
        given[role] = column
    return given


def find_columns(names: Sequence[str], given: Mapping[str, str], table: str) -> Columns:
    """Finds the column of each role.

    Args:
        names: The table's columns.
        given: Those that the user names by role; they must be there.
        table: What the table is called, for a message.

    Returns:
        The columns of the roles that have one.

    Raises:
        DataOptionError: A column that the user names is not there.
    """
    by_case: dict[str, str] = {}
    for name in names:
        by_case.setdefault(name.casefold(), name)
    found: Columns = {}
    for role, known in NAMES.items():
        if role in given:
            if given[role] and given[role] not in names:
                raise DataOptionError(
                    f"{table} has no column {given[role]!r} (--columns {role}={given[role]})."
                    f"{did_you_mean(given[role], names)} Its columns: {shown(names)}."
                )
            found[role] = given[role]
            continue
        column = next((by_case[name.casefold()] for name in known if name.casefold() in by_case), "")
        if column not in found.values():
            found[role] = column
    return {role: column for role, column in found.items() if column}


def image_columns(names: Sequence[str]) -> list[str]:
    """Returns the columns of a table that has an image of each of several generators in a row."""
    return sorted(name for name in names if name.startswith(SEVERAL) and name.removeprefix(SEVERAL).isdigit())


def places_in(names: Collection[str]) -> list[str]:
    """Returns the columns that say where an image comes from, the widest place first."""
    return [name for name in PLACES if name in names]


def known_names(given: Mapping[str, str]) -> frozenset[str]:
    """Returns every name of a column that may matter, in lower case; a text file's other columns are not kept."""
    known = (name.casefold() for names in NAMES.values() for name in names)
    return frozenset([*known, *PLACES, *(name.casefold() for name in given.values())])


def shown(names: Sequence[str]) -> str:
    """Writes names down, the first of many."""
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") if names else "none"
