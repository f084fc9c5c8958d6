"""Words that many sentences share."""

from collections.abc import Sequence

MOST_NAMED = 5


def named(texts: Sequence[str], count: bool = False) -> str:
    """Names the first few of many, and says how many more there are."""
    more = len(texts) - MOST_NAMED
    words = "; ".join(texts[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
    return f"{len(texts)} ({words})" if count else words
