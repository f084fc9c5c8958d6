"""What an examination of the store found, and what was done about it."""

import shlex
from typing import Any

from rich.console import Console

from bench.report.table import Table, print_line, print_tables
from bench.store.check import StoreCheck, StoreFault
from bench.store.merging import MergedStores

WORDS = {
    "damaged": "damaged",
    "cache": "a damaged cache",
    "leftover": "left by a killed write",
    "claim": "claim of a killed run",
}
COLUMNS = ("file", "what it is", "reason", "done")


def print_check(check: StoreCheck, console: Console) -> None:
    """Prints a table of what is wrong, and a line that sums it up."""
    rows = [[_name(fault, check), WORDS[fault.kind], fault.reason, _done(fault)] for fault in check.faults]
    if rows:
        print_tables([Table(f"Store in {check.output}", COLUMNS, rows, names=len(COLUMNS))], console)
    print_line(_verdict(check), console)
    if check.aside:
        print_line(
            f"Set aside earlier: {', '.join(str(file.relative_to(check.output)) for file in check.aside)}.", console
        )


def check_json(check: StoreCheck) -> dict[str, Any]:
    """Returns everything as plain values, for ``--json``."""
    return {
        "sound": check.is_sound,
        "parts": check.parts,
        "caches": check.caches,
        "faults": [
            {"file": str(fault.file), "kind": fault.kind, "reason": fault.reason, "mended": fault.mended}
            for fault in check.faults
        ],
        "set_aside_earlier": list(map(str, check.aside)),
    }


def print_merge(merged: MergedStores, console: Console) -> None:
    """Prints what was copied."""
    counts = ", ".join(f"{runs:,} from {output}" for output, runs in merged.runs.items())
    there = f" {merged.there:,} were there already." if merged.there else ""
    print_line(f"Runs copied into {merged.output}: {counts}.{there}", console)
    print_line(f"Boards: python -m bench leaderboard --output {shlex.quote(str(merged.output))}", console)


def merge_json(merged: MergedStores) -> dict[str, Any]:
    """Returns everything as plain values, for ``--json``."""
    runs = {str(output): count for output, count in merged.runs.items()}
    return {"output": str(merged.output), "runs": runs, "there": merged.there}


def _name(fault: StoreFault, check: StoreCheck) -> str:
    return str(fault.file.relative_to(check.output))


def _done(fault: StoreFault) -> str:
    if not fault.mended:
        return ""
    return "set aside as *.damaged" if fault.kind in ("damaged", "cache") else "removed"


def _verdict(check: StoreCheck) -> str:
    examined = f"Examined: parts {check.parts:,}, caches {check.caches:,}"
    if not check.faults:
        return f"{examined}. Nothing is wrong."
    if any(fault.mended for fault in check.faults):
        return f"{examined}. Mended; the next compare makes again what is missing."
    return f"{examined}. --mend sets what is damaged aside and removes the rest; so does the next compare."
