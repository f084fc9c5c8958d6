import io
from dataclasses import replace
from xml.etree import ElementTree

import polars as pl
import pytest
import torch
from rich.console import Console

from bench.errors import BenchError
from bench.report.block_probe import cost_words, print_probe, write_probe
from bench.results.block_probe import BlockProbe, probe_dataset
from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detector
from datamodules import FolderDataModule
from datamodules.conditions import CLEAN, Picture
from detectors import OptionError, Perturbation, WePe, create_detector
from detectors.probing import Probe, probe

pytestmark = pytest.mark.usefixtures("small_views")


@pytest.fixture
def options(image_folder, tmp_path) -> RunOptions:
    return RunOptions(
        dataset="folder", data_root=str(image_folder), limit=3, batch_size=2, num_workers=0, output=tmp_path / "out"
    )


def small_probe(similarities: tuple[float, ...], perturbation: Perturbation | None = None) -> BlockProbe:
    """A probe without a backbone."""
    return BlockProbe(
        dataset="folder",
        backbone="none",
        weights="0" * 64,
        modules=tuple(f"blocks.{i}" for i in range(len(similarities))),
        probe=Probe(similarities, 1, True),
        perturbation=perturbation or Perturbation(),
        seed=0,
        device="cpu",
        unreadable=(),
    )


@pytest.mark.heavy
def test_the_command_gives_the_probe_of_the_real_images_and_the_same_files_each_time(options, cnn):
    block_probe = probe_dataset(options, Perturbation(ratio=0.05), seed=3)
    files = write_probe(block_probe, options.output)
    assert [file.name for file in files] == ["probe.csv", "probe.svg"]
    first = [file.read_bytes() for file in files]

    data = FolderDataModule(options.data_root, limit=3, num_workers=0)
    data.setup()
    data.views = (WePe.view,)
    (batch,) = data.test_dataloader()
    images = batch.to("cpu").views[Picture(CLEAN, WePe.view)][batch.label == 0]
    by_hand = probe(cnn, images.split(2), Perturbation(ratio=0.05), seed=3)
    assert block_probe.probe == by_hand
    assert block_probe.probe.images == 3

    table = pl.read_csv(files[0])
    assert table["similarity"].to_list() == pytest.approx(by_hand.similarities, abs=1e-12)
    assert table["rank"].to_list() == [rank for _, _, rank in by_hand.rows()]
    assert table["ratio"].unique().to_list() == [0.05]
    assert ElementTree.fromstring(first[1]).tag == "{http://www.w3.org/2000/svg}svg"
    assert b"dc:date" not in first[1]
    again = write_probe(probe_dataset(options, Perturbation(ratio=0.05), seed=3), options.output)
    assert [file.read_bytes() for file in again] == first


@pytest.mark.heavy
def test_the_printed_table_says_what_was_saved_and_the_printed_detector_can_be_built(options, image_folder, cnn):
    (image_folder / "real" / "camera" / "broken.png").write_bytes(b"no picture")
    block_probe = probe_dataset(replace(options, limit=None), Perturbation(ratio=0.05, family="laplace"))
    out = io.StringIO()
    print_probe(block_probe, Console(file=out, width=60))
    text = out.getvalue()
    assert "12 real images of folder" in text
    assert "Unreadable, left out: real/camera/broken.png (" in text
    assert (
        f"{block_probe.probe.block_passes} block passes an image instead of {block_probe.probe.full_block_passes}"
        in text
    )
    assert block_probe.probe.split
    spec = parse_detector(block_probe.detector)
    detector = create_detector(spec.name, cnn, **spec.options)
    assert block_probe.detector in text
    assert detector.chosen_blocks == block_probe.top
    assert (detector.ratio, detector.family) == (0.05, "laplace")


def test_a_single_block_is_not_written_as_the_first_so_many():
    block_probe = small_probe((0.5, 0.9))
    assert block_probe.top == (1,)
    assert parse_detector(block_probe.detector).options["blocks"] == "1-1"


def test_where_no_prefix_is_reused_the_cost_says_so():
    block_probe = small_probe((0.5, 0.9))
    whole = replace(block_probe, probe=replace(block_probe.probe, split=False))
    assert "no clean prefix could be re-used" in cost_words(whole)
    assert cost_words(block_probe).startswith("5 block passes an image instead of 6 (83%)")


def test_a_folder_without_a_readable_real_image_is_refused(options, image_folder):
    for file in (image_folder / "real" / "camera").iterdir():
        file.write_bytes(b"no picture")
    with pytest.raises(OptionError, match="needs real images"):
        probe_dataset(options, Perturbation())


@pytest.mark.parametrize("changed", [{"conditions": ("jpeg:75",)}, {"seeds": 2}, {"precision": "bf16-mixed"}])
def test_an_option_without_meaning_is_refused(options, changed):
    with pytest.raises(BenchError, match=f"--{next(iter(changed))} does not apply to probe"):
        probe_dataset(replace(options, **changed), Perturbation())


def test_a_device_that_is_not_there_is_refused(options):
    missing = "mps" if torch.cuda.is_available() else "gpu"
    with pytest.raises(BenchError, match=f"--accelerator {missing}: there is no such device"):
        probe_dataset(replace(options, accelerator=missing), Perturbation())
    with pytest.raises(BenchError, match="must be one of"):
        probe_dataset(replace(options, accelerator="tpu"), Perturbation())
