"""Names as a page shows them: short ones, which break between their parts and never inside words."""

import re
from collections.abc import Iterable, Mapping

from markupsafe import Markup, escape

from bench.report.escaping import printable
from bench.report.folding import shortened

SHORT = 32
"""Letters of a name; the full one is then its title."""
LONG_PART = 16
_PARTS = re.compile(r"(?<=[:,|@])(?=\D)|(?<=\w\+)(?=[^\W\d])")
"""Between a detector and its options, between options, between members of an ensemble."""
_PIECES = re.compile(r"(?<=[=_/])|(?<=[^\W\d]-)")
"""Inside a long part."""


class Names:
    """What to show for each of some names.

    Args:
        names: Of detectors and generators, each once or several times.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.short: Mapping[str, str] = shortened(names, SHORT)

    def __call__(self, text: str) -> Markup:
        """Writes a name, or any other text of a table, as an element that may break where it should.

        Examples:
            >>> print(Names([])("wepe:rule=tensor_std"))
            <bdi>wepe:<wbr>rule=tensor_std</bdi>
        """
        shown = self.short.get(text, text)
        title = Markup(' title="{}"').format(printable(text)) if shown != text else Markup()
        return Markup("<bdi{}>{}</bdi>").format(title, _breakable(shown))


def _breakable(text: str) -> Markup:
    """Marks the places where a text may go on in the next line."""
    words = [Markup("<wbr>").join(map(escape, _places(word))) for word in printable(text, lines=True).split(" ")]
    return Markup(" ").join(words)


def _places(word: str) -> Iterable[str]:
    for part in _PARTS.split(word):
        yield from [part] if len(part) <= LONG_PART else _PIECES.split(part)
