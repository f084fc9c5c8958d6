"""Attacks: a matrix of whom pictures were made against and whom they were shown to."""

from typing import Any

from bench.report.numbers import cell
from bench.report.table import Table
from bench.results.attacks import ITSELF, attack_matrices
from bench.results.summary import Summary

EACH_ITSELF = "each detector itself"
NOTE = (
    "AUROC of generated pictures that were changed to lower the score of the detector in the row, against real "
    "pictures as they are. The attack knows the source, its weights and its seed; it draws crops and noise anew in "
    "each step. Whether a stronger attack would do more is not known: what withstands is not proven safe."
)


def attack_tables(summary: Summary) -> list[Table]:
    """Makes a table for each attack; none without attacks."""
    tables = []
    for matrix in attack_matrices(summary):
        lines = {"(clean images)": matrix.clean}
        for source in matrix.sources:
            shown = {name: matrix.rows[source, name] for name in matrix.detectors if (source, name) in matrix.rows}
            lines[source or EACH_ITSELF] = shown
        rows = [
            [name, *(cell(row.numbers["auroc"]) if (row := line.get(label)) else "" for label in matrix.detectors)]
            for name, line in lines.items()
        ]
        tables.append(Table(matrix.settings, ("made against", *matrix.detectors), rows, NOTE))
    return tables


def attack_records(summary: Summary) -> list[dict[str, Any]]:
    """Makes a record for each attack, source and detector."""
    return [
        {
            "attack": matrix.settings,
            "source": detector if source == ITSELF else source,
            "detector": detector,
            "condition": row.condition,
            **row.numbers["auroc"].columns("auroc"),
            "reason": row.numbers["auroc"].remark,
        }
        for matrix in attack_matrices(summary)
        for (source, detector), row in matrix.rows.items()
    ]
