"""The exit code of a run in which not one image could be read."""

import sys
from typing import TYPE_CHECKING

UNREAD = "not one image could be read"
"""What exit code 1 says of most commands."""
if TYPE_CHECKING:
    from bench.results.unread import NothingRead


def exit_code(nothing: "NothingRead | None") -> int:
    """Returns 1 where nothing could be read, after a line that says why."""
    if nothing is None:
        return 0
    from bench.report.notes import nothing_words

    print(nothing_words(nothing), file=sys.stderr)
    return 1
