"""The leaderboard's files, Markdown, CSV and JSON: the same bytes from the same scores."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.report.across import across_json, across_markdown, across_texts
from bench.report.generator_sample import sample_texts
from bench.report.leaderboard import COLUMNS, BoardReport
from bench.report.table import csv_text, write_texts
from bench.results.across.findings import AcrossSets

HEAD = """# Leaderboard

Made by `python -m bench leaderboard` from the score store alone. AUROC with 95 % interval over images and seeds; higher
scores mean *more likely generated*, and no AUROC is flipped. Detectors that share a letter are *not separated* by the
paired test (Holm over all pairs of a table at 5 %); what this says is about these generators. The worst cue is the most
telling of file ending, format, size, quality, brightness and their like, cross-fitted. *Above*: a paired test at 5 %
puts the detector above every cue, and above all together; *below*: below one of them (Holm over the cues). A detector
that is not above may have measured nothing else. *Seen*: a trained detector's weights were trained on images of this
generator.
"""


def boards_json(reports: Sequence[BoardReport], across: Sequence[AcrossSets] = ()) -> dict[str, Any]:
    """Returns all boards as plain values, for ``leaderboard.json`` and ``--json``: `docs/leaderboard.schema.json`."""
    return {"boards": [report.facts() for report in reports], "across": [across_json(sets) for sets in across]}


def write_boards(
    reports: Sequence[BoardReport], output: Path, raw_names: bool = False, across: Sequence[AcrossSets] = ()
) -> tuple[Path, ...]:
    """Writes ``LEADERBOARD.md`` and the files ``leaderboard*`` beside it; ``raw_names`` as for `csv_line`."""
    return write_texts(board_texts(reports, HEAD, (), boards_json(reports, across), raw_names, across), output)


def board_texts(
    reports: Sequence[BoardReport],
    head: str,
    sections: Sequence[Sequence[str]],
    facts: Mapping[str, Any],
    raw_names: bool = False,
    across: Sequence[AcrossSets] = (),
) -> dict[str, str]:
    """Makes the files' texts, by name.

    Args:
        reports: A board each.
        head: What the Markdown begins with.
        sections: Lines of Markdown behind the boards.
        facts: What the JSON holds.
        raw_names: As for :func:`bench.report.escaping.csv_line`.
        across: What several data sets say together.
    """
    everything = [*(report.markdown() for report in reports), *map(across_markdown, across), *sections]
    return {
        "LEADERBOARD.md": head + "".join("\n" + "\n".join(lines).rstrip("\n") + "\n" for lines in everything),
        "leaderboard.csv": csv_text((record for report in reports for record in report.records()), COLUMNS, raw_names),
        "leaderboard.json": json.dumps(facts, indent=1) + "\n",
        **sample_texts([report.board for report in reports], raw_names),
        **across_texts(across, raw_names),
    }
