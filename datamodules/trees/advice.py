"""What reads files that are no images: told in errors, so that each ends with the next step."""

import re
from collections.abc import Mapping
from pathlib import Path

VIDEOS = frozenset((".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"))
TABLES = frozenset((".csv", ".tsv", ".jsonl"))
COMPRESSED = re.compile(r"\.(tar\.\w+|tgz|tbz2?|txz|tzst)$", re.IGNORECASE)
_OTHER_ARCHIVES = frozenset((".7z", ".rar", ".gz", ".bz2", ".xz", ".zst"))


def advice(endings: Mapping[str, int], root: Path | None = None) -> str:
    """Says of files that are no images by their endings what reads them; nothing where nothing does.

    Args:
        endings: Number of files of each ending, in lower case.
        root: Where they lie.
    """
    if root is not None and root.is_file() and root.suffix.lower() in (".tar", ".zip"):
        if root.suffix.lower() == ".tar" and endings.keys() & {".json", ".cls"}:
            return f"--dataset shards --data-root {root.parent} reads WebDataset .tar files"
        return f"unpack {root.name}: in a folder, {inside}" if (inside := advice(endings)) else ""
    at = f" --data-root {root}" if root is not None else ""
    words = []
    if ".parquet" in endings:
        words.append(f"--dataset parquet{at} reads .parquet files")
    if tables := sorted(endings.keys() & TABLES):
        words.append(f"--dataset manifest{at} reads lists of images with labels ({', '.join(tables)})")
    if ".tar" in endings:
        words.append(f"--dataset shards{at} reads WebDataset .tar files, --data-root FILE.tar one that holds folders")
    if ".zip" in endings:
        words.append("--data-root FILE.zip reads one archive, --real FILES --generated FILES several")
    if any(COMPRESSED.search(f"x{ending}") or ending in _OTHER_ARCHIVES for ending in endings):
        words.append("unpack compressed archives")
    if videos := sorted(endings.keys() & VIDEOS):
        words.append(f"{', '.join(videos)}: extract frames first, e.g. ffmpeg -i VIDEO FOLDER/%05d.png")
    return "; ".join(words)
