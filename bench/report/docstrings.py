"""What a docstring of Google's style says: its text, its sections, and the meaning of each argument."""

import inspect
import re


def docstring_sections(text: str) -> tuple[str, dict[str, str]]:
    r"""Takes a docstring, cleaned of its indentation, apart.

    Returns:
        What stands before the first section, and the sections' texts, cleaned of theirs.

    Examples:
        >>> docstring_sections("Title.\n\nArgs:\n    a: One.\n\nReturns:\n    Two.")
        ('Title.', {'Args': 'a: One.', 'Returns': 'Two.'})
    """
    head, *rest = re.split(r"^(\w+):\n(?= )", text, flags=re.MULTILINE)
    names, bodies = rest[::2], rest[1::2]
    return head.strip(), {name: inspect.cleandoc("\n" + body) for name, body in zip(names, bodies, strict=True)}


def argument_meanings(section: str) -> dict[str, str]:
    r"""Reads an ``Args`` section: a line for each name, its continuations indented.

    Examples:
        >>> argument_meanings("a: One\n    more.\nb: Two.")
        {'a': 'One more.', 'b': 'Two.'}
    """
    entries = re.split(r"^(?=\S)", section, flags=re.MULTILINE)
    pairs = (entry.partition(":") for entry in entries if entry)
    return {name: " ".join(meaning.split()) for name, _, meaning in pairs}
