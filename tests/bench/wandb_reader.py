"""Reads an offline W&B run back: the ``.wandb`` file is a LevelDB log of protocol buffers.

The file opens with 7 bytes; from its very beginning it is cut into blocks of 32 KiB. A block holds chunks: 4 bytes of
checksum, 2 of length, 1 of kind (whole, first, middle, last), data. A tail too short for a chunk's head is padding.
"""

import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

FILE_HEADER, BLOCK = 7, 32 * 1024
CHUNK_HEADER = struct.Struct("<IHB")
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclass
class OfflineRun:
    """What a run holds."""

    folder: Path
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None

    def table(self, key: str) -> list[dict[str, Any]]:
        """The rows of a logged table or of the table behind a chart."""
        content = json.loads((self.folder / "files" / self.summary[key]["path"]).read_text())
        return [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]

    def files_of(self, artifact: str) -> set[str]:
        """The files that an artifact's manifest lists."""
        return {entry.path for entry in self.artifacts[artifact].manifest.contents}


def read_run(output: Path, patience: float = 20.0) -> OfflineRun:
    """Reads the only offline run under a results' folder.

    W&B's own process writes the file, and on a busy machine its end comes after ``finish`` has returned.

    Args:
        output: The results' folder.
        patience: For how many seconds to wait for the record that ends a run; what is there then is returned.
    """
    (path,) = output.glob("wandb/offline-run-*/run-*.wandb")
    deadline = time.monotonic() + patience
    while (run := _read(path)).exit_code is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return run


def _read(path: Path) -> OfflineRun:
    run = OfflineRun(path.parent)
    for data in payloads(path.read_bytes()):
        record = Record.FromString(data)
        kind = record.WhichOneof("record_type")
        if kind in ("run", "config"):
            _update(run.config, (record.run.config if kind == "run" else record.config).update)
        elif kind == "summary":
            _update(run.summary, record.summary.update)
        elif kind == "history":
            run.history.append(_update({}, record.history.item))
            run.summary |= run.history[-1]  # what the server does with it
        elif kind == "artifact":
            run.artifacts[record.artifact.name] = record.artifact
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
    return run


def payloads(content: bytes) -> Iterator[bytes]:
    """Takes the records out of a log."""
    position, parts = FILE_HEADER, []
    while position + CHUNK_HEADER.size <= len(content):
        left = BLOCK - position % BLOCK
        if left < CHUNK_HEADER.size:
            position += left
            continue
        _, length, kind = CHUNK_HEADER.unpack_from(content, position)
        position += CHUNK_HEADER.size
        if position + length > len(content):  # still being written
            return
        parts.append(content[position : position + length])
        position += length
        if kind in (WHOLE, LAST):
            yield b"".join(parts)
            parts = []


def _update(target: dict[str, Any], items: Any) -> dict[str, Any]:
    for item in items:
        *outer, name = item.nested_key or [item.key]
        place = target
        for key in outer:
            place = place.setdefault(key, {})
        place[name] = json.loads(item.value_json)
    return target
