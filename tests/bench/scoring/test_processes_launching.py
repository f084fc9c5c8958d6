"""Lightning, torchrun, srun and two machines: however two processes are launched, they do what one does."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from started_runs import (
    PATIENCE,
    complaints,
    folder_of,
    free_port,
    mistaken,
    run_here,
    separately,
    srun_variables,
    started,
    words_of,
)
from stored_rows import stored_rows

from bench.cli.app import main

pytestmark = pytest.mark.heavy  # whole runs, or networks of the published size

COUNT = 30


@pytest.fixture(scope="module")
def images(photograph, tmp_path_factory):
    return folder_of(photograph, tmp_path_factory.mktemp("data") / "images", COUNT)


@pytest.fixture(scope="module")
def undisturbed(images, tmp_path_factory):
    """The folder of a run on one device that nothing befell."""
    output = tmp_path_factory.mktemp("undisturbed")
    run_here(images, output)
    return output


@dataclass(frozen=True)
class Launched:
    """A run of two processes, and what each of those that were started here printed."""

    output: Path
    told: list[tuple[str, str]]


def by_lightning(root: Path, output: Path) -> list[tuple[str, str]]:
    with started(words_of(root, output, "--devices", "2")) as process:
        told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, told
    return [told]


def by_torchrun(root: Path, output: Path) -> list[tuple[str, str]]:
    launcher = ["-m", "torch.distributed.run", "--master-port", free_port(), "--nproc-per-node", "2"]
    with started([*launcher, *words_of(root, output, "--devices", "2")]) as process:
        told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, told
    return [told]


def by_srun(root: Path, output: Path) -> list[tuple[str, str]]:
    return separately(words_of(root, output, "--devices", "2"), srun_variables(2))


def by_two_machines(root: Path, output: Path) -> list[tuple[str, str]]:
    """Imitates two machines with one device each."""
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    each = [meeting | {"NODE_RANK": str(rank)} for rank in range(2)]
    return separately(words_of(root, output, "--devices", "1", "--num-nodes", "2"), each)


LAUNCHERS = [
    pytest.param(by_lightning, marks=pytest.mark.heavy),
    pytest.param(by_torchrun, marks=pytest.mark.heavy),
    pytest.param(by_srun, marks=pytest.mark.heavy),
    by_two_machines,
]


@pytest.fixture(scope="module", params=LAUNCHERS)
def launched(request, images, tmp_path_factory):
    output = tmp_path_factory.mktemp("launched")
    return Launched(output, request.param(images, output))


def test_however_they_are_launched_two_processes_give_the_rows_of_one(launched, undisturbed):
    one, two = stored_rows(undisturbed), stored_rows(launched.output)
    assert len(two) == len(two.unique(["path", "detector"])) == 2 * COUNT
    facts = ["path", "detector", "sha256", "label", "group", "fingerprint", "condition", "seed", "status"]
    assert two.select(facts).equals(one.select(facts))
    np.testing.assert_allclose(two["score"], one["score"], rtol=1e-5)
    ranks = {part.name[:8] for part in launched.output.glob("scores/*/*/part-*.parquet")}
    assert ranks == {"part-000", "part-001"}


def test_only_the_first_process_prints_and_writes_tables(launched, undisturbed):
    (printed, complained), *others = launched.told
    assert printed.count(f"Scored now: {2 * COUNT}.") == printed.count("mean AUROC") == 1
    assert complaints(complained) == ""
    assert others in ([], [("", "")])
    assert (launched.output / "compare.md").read_text() == (undisturbed / "compare.md").read_text()


def test_torchmetrics_live_values_over_two_devices_are_those_of_the_store(launched):
    logged = pl.read_csv(launched.output / "logs" / "version_0" / "metrics.csv")
    table = pl.read_csv(launched.output / "compare.csv")
    for detector in ("wepe", "rigid"):
        for generator in ("model0", "model1"):
            for metric in ("auroc", "ap_real", "ap_generated"):
                live = logged[f"{detector}/{generator}/{metric}"].drop_nulls().item()
                (value,) = table.filter(detector=detector, generator=generator, metric=metric)["value"]
                assert live == pytest.approx(value, abs=1e-6), (detector, generator, metric)


def test_a_mistake_is_told_once(tmp_path):
    code, complained = mistaken(words_of(tmp_path / "nowhere", tmp_path / "results", "--devices", "2"))
    assert code == 2
    assert complained.splitlines() == [
        f"error: There is no folder {tmp_path / 'nowhere'}. Give the folder, or a .zip or .tar, with --data-root DIR."
    ]


@pytest.mark.parametrize("absent", ["MASTER_ADDR", "MASTER_PORT", "NODE_RANK"])
def test_machines_that_cannot_find_each_other_do_not_wait(photograph, tmp_path, monkeypatch, capsys, absent):
    for name, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "NODE_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(absent)
    folder_of(photograph, tmp_path / "images", 3)
    assert main(words_of(tmp_path / "images", tmp_path / "results", "--num-nodes", "2")[2:]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: --num-nodes 2: {absent} must be set for each machine")
    assert not list((tmp_path / "results").glob("scores/**/*.parquet"))


@pytest.mark.parametrize(("processes", "devices"), [(2, 1), (2, 3)])
def test_torchrun_with_another_number_of_processes_is_told_once(images, tmp_path, processes, devices):
    launcher = ["-m", "torch.distributed.run", "--master-port", free_port(), "--nproc-per-node", str(processes)]
    _, complained = mistaken([*launcher, *words_of(images, tmp_path / "results", "--devices", str(devices))])
    lines = [line for line in complained.splitlines() if line.startswith("error:")]
    assert lines == [
        f"error: torchrun started {processes} processes, but --devices {devices} --num-nodes 1 are {devices}: give as "
        f"many as it starts."
    ]
    assert re.search(r"exitcode\s*: 2\b", complained), complained
