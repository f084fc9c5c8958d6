"""Where a page may be written; nothing that draws is imported to know that."""

from pathlib import Path

from bench.errors import BenchError

DOCTYPE = b"<!doctype html>"


def check_page(target: str | None) -> Path | None:
    """Makes sure, before any work is done for it, that a page can be written.

    Raises:
        BenchError: The folder does not exist, or there is something that is no page, which would be lost.
    """
    if target is None:
        return None
    file = Path(target)
    if file.is_dir() or not file.parent.is_dir():
        what = "is a folder" if file.is_dir() else "lies in a folder that does not exist"
        raise BenchError(f"--html {target} {what}: write for instance report.html.")
    if file.exists() and not (file.is_file() and _is_page(file)):
        raise BenchError(f"--html {target} exists and is no page: name another file.")
    return file


def _is_page(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(DOCTYPE)).lower() in (DOCTYPE, b"")
