"""Notes a change of reported numbers in the changelog."""

from pathlib import Path

from bench.errors import BenchError
from bench.store.files import write_atomically

CHANGED = "### Changed"


def note_change(file: Path, line: str) -> None:
    """Adds a line under *Changed* in the top section.

    Args:
        file: A changelog in the format of Keep a Changelog.
        line: Without its dash.

    Raises:
        BenchError: It cannot be read or written, or has no section.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise BenchError(f"Cannot read {file}: {error.strerror}.") from error
    write_atomically(file, with_change(text, line, str(file)).encode("utf-8"))


def with_change(text: str, line: str, name: str = "The changelog") -> str:
    """Returns the text of a changelog with one more line under *Changed* in its top section.

    Args:
        text: The changelog.
        line: Without its dash.
        name: What to call the changelog in an error.

    Raises:
        BenchError: It has no section.
    """
    lines = text.splitlines()
    sections = [number for number, one in enumerate(lines) if one.startswith("## ")]
    if not sections:
        raise BenchError(f"{name} has no section: it needs a line such as '## Unreleased'.")
    end = sections[1] if len(sections) > 1 else len(lines)
    heading = next((number for number in range(sections[0], end) if lines[number] == CHANGED), None)
    if heading is None:
        while not lines[end - 1]:
            end -= 1
        lines[end:end] = ["", CHANGED, "", f"- {line}"]
    else:
        at = heading + 1
        if at < len(lines) and not lines[at]:
            at += 1
        lines[at:at] = [f"- {line}"]
    return "\n".join(lines) + "\n"
