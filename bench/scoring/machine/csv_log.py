"""The log of a run that scores nothing: the file that Lightning's ``CSVLogger`` writes, without Lightning."""

import csv
from collections.abc import Mapping
from pathlib import Path


class CsvLog:
    """Writes ``logs/version_N/metrics.csv``, as `bench.scoring.machine.trainer.csv_logger` does."""

    def __init__(self, output: Path) -> None:
        self.folder = Path(output) / "logs"
        self.rows: list[dict[str, float]] = []

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Keeps a row."""
        self.rows.append({**metrics, "step": step})

    def finalize(self, status: str) -> None:
        """Writes the rows, in a folder of its own."""
        if not self.rows:
            return
        names = (path.name.partition("_") for path in self.folder.glob("version_*") if path.is_dir())
        version = max((int(number) for _, _, number in names if number.isdigit()), default=-1) + 1
        folder = self.folder / f"version_{version}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "metrics.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, sorted(set[str]().union(*self.rows)))
            writer.writeheader()
            writer.writerows(self.rows)
        self.rows = []
