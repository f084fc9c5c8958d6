"""Labels that stand in a path: ``--label-from-path REGEX``.

The expression is searched in the place of each image: its path as the table has it, with the table's own path in front
and, where a row has them, ``__url__``, ``__key__`` or the like between. Either it has groups named ``real``,
``generated``, ``partial`` or ``skip``, and the one that matches is the class (``skip`` leaves the row out, whatever
else matches); what none matches is then of the class that the expression does not name: with
``(?P<skip>mask)|(?P<real>original)`` all others are generated. Or it captures a word, which must be the name of a
class, as in ``/(real|fake)/``. A place that matches for two classes, or for none where both are named, is a mistake. An
expression that names ``partial`` or ``skip`` alone leaves the rest to the column of labels.
"""

import re
from collections.abc import Callable

from datamodules.class_names import class_of
from datamodules.errors import DataOptionError
from datamodules.tables.labelling import GENERATED, PARTIAL, REAL

SKIP = "skip"
NAMED = (SKIP, REAL, GENERATED, PARTIAL)


class PathLabels:
    """Reads classes off places.

    Args:
        expression: The regular expression.

    Raises:
        DataOptionError: It is none.
    """

    def __init__(self, expression: str) -> None:
        try:
            self.expression = re.compile(expression)
        except re.error as error:
            raise DataOptionError(f"--label-from-path {expression}: {error}.") from error
        self.named = [name for name in NAMED if name in self.expression.groupindex]
        sides = {name == REAL for name in self.named if name != SKIP}
        self.decides = not self.named or REAL in self.named or GENERATED in self.named
        """Whether every row has its class from it, and none from a column."""
        self.rest = None if len(sides) != 1 or not self.decides else (GENERATED if True in sides else REAL)

    def read(self, place: str, where: Callable[[], str]) -> str | None:
        """Returns the class of an image, or ``skip``; None where the column of labels decides.

        Raises:
            DataOptionError: The place is of two classes, or of none.
        """
        classes = self._classes(place, where)
        if SKIP in classes:
            return SKIP
        if len({name == REAL for name in classes}) > 1:
            raise DataOptionError(
                f"{where()}: --label-from-path {self.expression.pattern} finds {' and '.join(sorted(classes))} in "
                f"{place!r}; make it more particular."
            )
        if classes:
            return PARTIAL if PARTIAL in classes else min(classes)
        if self.rest or not self.decides:
            return self.rest
        raise DataOptionError(
            f"{where()}: --label-from-path {self.expression.pattern} finds nothing in {place!r}; name what is to be "
            "left out as (?P<skip>...)."
        )

    def _classes(self, place: str, where: Callable[[], str]) -> set[str]:
        matches = self.expression.finditer(place)
        if self.named:
            return {name for match in matches for name in self.named if match[name] is not None}
        words = [match[1 if self.expression.groups else 0] for match in matches]
        classes = {word: class_of(word) for word in words if word}
        unknown = next((word for word, meaning in classes.items() if meaning is None), None)
        if unknown is not None:
            raise DataOptionError(
                f"{where()}: --label-from-path {self.expression.pattern} captures {unknown!r} in {place!r}, which "
                "names no class; call the groups (?P<real>...) and (?P<generated>...)."
            )
        return {meaning for meaning in classes.values() if meaning is not None}
