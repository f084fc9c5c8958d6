"""Writes the leaderboard: Markdown, CSV and JSON, the same bytes from the same store, and tables for a terminal."""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.text import Text

from bench.report.ranks import PAIRS, PAIRS_NOTE, RANKS, RANKS_NOTE, pair_rows, rank_rows
from bench.report.tables import cell, escaped, make_table, markdown_table, print_tables
from bench.results.cues.worst import WORST_CUE
from bench.results.leaderboard import Board, Standing
from bench.results.numbers import MEAN, Number
from bench.results.seen import NOT_KNOWN, SEEN, TRAINED_ON, unseen_note
from bench.statistics.metrics import METRICS
from bench.store.dataset import SHORT
from bench.store.files import write_atomically

NAMES = ("LEADERBOARD.md", "leaderboard.csv", "leaderboard.json")
HEAD = """# Leaderboard

Made by `python -m bench leaderboard` from the score store alone. AUROC with 95 % interval over images and seeds; higher
scores mean *more likely generated*, and no AUROC is flipped. Detectors that share a letter are *not separated* by the
paired test (Holm over all pairs of a table at 5 %); what this says is about these generators. The worst cue is the most
telling of file ending, format, size, quality, brightness and their like, cross-fitted: a detector not separated from it
may have measured nothing else. *Seen*: a trained detector's weights were trained on images of this generator.
"""
REPORTED = ("detector", "generator", "metric", "ours", "reported", "where", "verdict", "because")
REPORTED_NOTE = (
    "A verdict asks whether the paper's number lies in the interval in which it is expected if nothing differs but the "
    "images and seeds; one in twenty then says *differs*. What the paper does not say is never chosen so that it fits."
)
METHODS = ("detector", "fingerprint", "method", "backbone", "weights", "options", "view", "tuned on", "trained on")
SCHEMA = {
    **dict.fromkeys(
        ("dataset", "protocol", "condition", "detector", "fingerprint", "generator", "metric", "letters"), pl.String
    ),
    **dict.fromkeys(("value", "low", "high", "seeds_sd"), pl.Float64),
    **dict.fromkeys(("n_real", "n_generated", "n_unreadable", "scored", "wanted"), pl.Int64),
    **dict.fromkeys(("against_worst_cue", "reason", "seen"), pl.String),
    **dict.fromkeys(("reported", "expected_low", "expected_high"), pl.Float64),
    **dict.fromkeys(("reported_in", "verdict", "because"), pl.String),
}


def write_boards(boards: Sequence[Board], output: Path) -> tuple[Path, ...]:
    """Writes ``LEADERBOARD.md``, ``leaderboard.csv`` and ``leaderboard.json`` into the results' folder."""
    rows = [row for board in boards for row in board_rows(board)]
    texts = (
        HEAD + "".join(f"\n{board_markdown(board)}" for board in boards),
        pl.DataFrame(rows, schema=SCHEMA, orient="row").write_csv(),
        json.dumps({"boards": [board_facts(board) for board in boards]}, indent=1, ensure_ascii=False) + "\n",
    )
    files = tuple(output / name for name in NAMES)
    for file, text in zip(files, texts, strict=True):
        write_atomically(file, text.encode("utf-8", "surrogateescape"))
    return files


def print_boards(boards: Sequence[Board], console: Console) -> None:
    """Prints the boards, and under each its notes."""
    for board in boards:
        tables = [make_table(board.title, board_header(board), board_cells(board), 3)]
        if board.ranking.pairs:
            tables.append(make_table("Paired tests", PAIRS, pair_rows(board.ranking, board.report.views), 2))
        reported = reported_cells(board)
        if reported:
            tables.append(make_table("Reported numbers", REPORTED, reported, 3))
        print_tables(tables, console)
        for note in [*board.dataset.notes, *_unseen_notes(board)]:
            console.print(Text(f"- {note}"), soft_wrap=True)


def board_markdown(board: Board) -> str:
    """Writes one board as Markdown."""
    methods = [method_cells(standing) for standing in board.standings]
    lines = [f"## {escaped(board.title)}", "", *markdown_table(board_header(board), board_cells(board)), ""]
    lines += [
        *(f"- {escaped(note)}" for note in _notes(board)),
        "",
        "### Detectors",
        "",
        *markdown_table(METHODS, methods),
    ]
    if len(board.ranking.order) > 1:
        pairs = pair_rows(board.ranking, board.report.views)
        lines += ["", "### Ranks", "", *markdown_table(RANKS, rank_rows(board.ranking)), "", RANKS_NOTE]
        lines += ["", "### Paired tests", "", *markdown_table(PAIRS, pairs), "", PAIRS_NOTE]
    reported = reported_cells(board)
    if reported:
        lines += ["", "### Reported numbers", "", *markdown_table(REPORTED, reported), "", REPORTED_NOTE]
    return "\n".join(lines) + "\n"


def board_header(board: Board) -> list[str]:
    """Returns the columns of a board."""
    return ["rank", "detector", "backbone", "images", *_columns(board), "against worst cue"]


def board_cells(board: Board) -> list[list[str]]:
    """Returns the rows of a board as text: ranked detectors, those that lack images, and the worst cue."""
    rows = []
    for standing in board.standings:
        label = standing.method.label
        letters = board.ranking.letters.get(label, "") if standing.ranked else "not ranked"
        numbers = [_auroc(standing, name) for name in _of(board)]
        images = f"{standing.coverage.scored:,}" if standing.ranked else str(standing.coverage)
        against = standing.against_cue.get(board.target, "")
        rows.append([letters, label, _backbone(standing), images, *numbers, against])
    if board.cues:
        numbers = [cell(board.cues[name].numbers["auroc"]) if name in board.cues else "" for name in _of(board)]
        named = board.cue_names.get(board.target) or ", ".join(dict.fromkeys(board.cue_names.values()))
        rows.append(["", WORST_CUE, "", "", *numbers, named])
    return rows


def reported_cells(board: Board) -> list[list[str]]:
    """Returns what papers report beside ours, as text."""
    return [
        [
            standing.method.label,
            generator,
            METRICS[metric].title,
            cell(standing.rows[generator].numbers[metric]),
            f"{judged.reported.value:.4f}",
            f"{judged.reported.source}, {judged.reported.table}",
            judged.verdict.kind,
            "; ".join(judged.verdict.reasons) or judged.verdict.assumption,
        ]
        for standing in board.standings
        for (generator, metric), judged in standing.reported.items()
    ]


def method_cells(standing: Standing) -> list[str]:
    """Returns what a detector is, as text under ``METHODS``."""
    facts, fingerprint = standing.method.facts, standing.method.fingerprint[:SHORT]
    if not facts:
        return [standing.method.label, fingerprint, *["not recorded"] * 7]
    backbone = facts.get("backbone") or {}
    return [
        standing.method.label,
        fingerprint,
        f"{facts['name']} {facts['version']} ({facts['paper']})",
        _backbone(standing),
        str(backbone.get("weights", ""))[:SHORT],
        ", ".join(f"{name}={value}" for name, value in facts["options"].items()),
        f"{facts['view']} ({facts['view_mode']})",
        facts.get("tuned_on") or "not known here",
        ", ".join(facts[TRAINED_ON]) or NOT_KNOWN if TRAINED_ON in facts else "nothing",
    ]


def board_rows(board: Board) -> Iterator[dict[str, Any]]:
    """Yields a row for each detector, generator and metric."""
    common = {"dataset": board.dataset.title, "protocol": board.dataset.protocol, "condition": board.condition}
    for standing in board.standings:
        for generator, row in standing.rows.items():
            for metric, number in row.numbers.items():
                yield {
                    **common,
                    "detector": standing.method.label,
                    "fingerprint": standing.method.fingerprint,
                    "generator": generator,
                    "metric": metric,
                    "letters": board.ranking.letters.get(standing.method.label)
                    if (generator, metric) == (board.target, "auroc")
                    else None,
                    **_values(number),
                    "n_real": row.n_real,
                    "n_generated": row.n_generated,
                    "n_unreadable": row.n_unreadable,
                    "scored": standing.coverage.scored,
                    "wanted": standing.coverage.wanted,
                    "against_worst_cue": standing.against_cue.get(generator) if metric == "auroc" else None,
                    "reason": number.reason,
                    "seen": standing.marks.get(generator),
                    **_reported(standing, generator, metric),
                }
    for generator, row in board.cues.items():
        yield {
            **dict.fromkeys(SCHEMA),
            **common,
            "detector": WORST_CUE,
            "generator": generator,
            "metric": "auroc",
            **_values(row.numbers["auroc"]),
            "n_real": row.n_real,
            "n_generated": row.n_generated,
            "reason": board.cue_names.get(generator),
        }


def board_facts(board: Board) -> dict[str, Any]:
    """Returns a board as plain values."""
    return {
        "dataset": board.dataset.title,
        "protocol": board.dataset.protocol,
        "condition": board.condition,
        "generators": [name for name in board.generators if name != MEAN],
        "target": board.target,
        "notes": _notes(board),
        "detectors": [
            {
                "label": standing.method.label,
                "fingerprint": standing.method.fingerprint,
                "ranked": standing.ranked,
                "letters": board.ranking.letters.get(standing.method.label),
                "scored": standing.coverage.scored,
                "wanted": standing.coverage.wanted,
                "seen": dict(standing.marks),
                "unseen_mean": _values(standing.unseen) if standing.unseen else None,
                "facts": dict(standing.method.facts),
            }
            for standing in board.standings
        ],
        "numbers": list(board_rows(board)),
        "pairs": [dict(zip(PAIRS, row, strict=True)) for row in pair_rows(board.ranking, board.report.views)],
    }


def _notes(board: Board) -> list[str]:
    lacking = [
        f"{standing.method.label} has {standing.coverage} and is not ranked."
        for standing in board.standings
        if not standing.ranked
    ]
    unranked = [f"{label} is not ranked: {reason}." for label, reason in board.ranking.unranked.items()]
    return [*board.dataset.notes, *lacking, *unranked, *_unseen_notes(board)]


def _unseen_notes(board: Board) -> list[str]:
    return [unseen_note(one.method.label, one.marks, one.unseen) for one in board.standings if one.unseen]


def _auroc(standing: Standing, generator: str) -> str:
    if generator not in standing.rows:
        return ""
    text = cell(standing.rows[generator].numbers["auroc"])
    return f"{text} ({SEEN})" if standing.marks.get(generator) == SEEN else text


def _of(board: Board) -> list[str]:
    """Returns the generators in the order of the columns: the mean first."""
    return sorted(board.generators, key=lambda name: name != MEAN)


def _columns(board: Board) -> list[str]:
    return [f"{'mean ' if name == MEAN else ''}AUROC{'' if name == MEAN else f', {name}'}" for name in _of(board)]


def _backbone(standing: Standing) -> str:
    backbone = standing.method.facts.get("backbone")
    return str(backbone["name"]) if backbone else ("none" if standing.method.facts else "not recorded")


def _values(number: Number) -> dict[str, float | None]:
    low, high = number.interval or (None, None)
    value = None if math.isnan(number.value) else number.value
    return {"value": value, "low": low, "high": high, "seeds_sd": number.seeds_sd}


def _reported(standing: Standing, generator: str, metric: str) -> dict[str, Any]:
    judged = standing.reported.get((generator, metric))
    if judged is None:
        return dict.fromkeys(("reported", "expected_low", "expected_high", "reported_in", "verdict", "because"))
    verdict = judged.verdict
    comparable = not math.isnan(verdict.low)
    return {
        "reported": judged.reported.value,
        "expected_low": verdict.low if comparable else None,
        "expected_high": verdict.high if comparable else None,
        "reported_in": f"{judged.reported.source}, {judged.reported.table}",
        "verdict": verdict.kind,
        "because": "; ".join(verdict.reasons) or verdict.assumption,
    }
