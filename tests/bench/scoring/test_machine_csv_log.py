"""The file of a run that scores nothing is the one that Lightning writes."""

from lightning.pytorch.loggers import CSVLogger

from bench.scoring.machine.csv_log import CsvLog

ROWS = [{"epoch": 0, "rigid/b/auroc": 0.6732012033462524, "rigid/a/auroc": float("nan")}, {"rigid/mean/auroc": 0.25}]


def test_the_file_is_that_of_lightning(tmp_path):
    (tmp_path / "ours" / "logs" / "version_3").mkdir(parents=True)
    ours, theirs = CsvLog(tmp_path / "ours"), CSVLogger(tmp_path / "theirs", name="logs", version=4)
    for logger in (ours, theirs):
        for row in ROWS:
            logger.log_metrics(row, step=0)
        logger.finalize("success")
    written = [tmp_path / name / "logs" / "version_4" / "metrics.csv" for name in ("ours", "theirs")]
    assert written[0].read_bytes() == written[1].read_bytes()


def test_without_numbers_there_is_no_file(tmp_path):
    CsvLog(tmp_path).finalize("success")
    assert list(tmp_path.iterdir()) == []
