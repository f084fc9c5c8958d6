import pytest
import torch
from released_files import is_trained

from bench.scoring.images import image_batches
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting
from bench.studies.features import timing
from bench.studies.features.timing import TimingStudy
from bench.studies.wepe import PAPER
from datamodules import FolderDataModule
from detectors import View, WePe


def test_times_are_summed_up_by_their_median_and_are_another_machines():
    line = timing.timing_line("rigid", [3.0, 1.0, 2.0], "a machine", PAPER)
    assert (line.ours.value, line.ours.seeds_sd, line.reported.value) == (2.0, 1.0, 3.7)
    assert line.verdict.reasons[0] == "other machine (a machine, paper RTX 3090 or 4090 with PyTorch 1.12.1)"
    assert timing.timing_line("gradient-cuff", [1.0], "a machine", PAPER).verdict is None


@pytest.mark.slow
def test_every_detector_is_timed_on_the_same_images(image_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "REPEATS", 2)
    options = RunOptions(dataset="folder", data_root=str(image_folder), limit=1, num_workers=0, output=tmp_path / "out")
    result = TimingStudy("table12", "seconds", "Table 12", dataset="imagenet", paper=PAPER).run(options)
    lines = {line.row: line for line in result.lines}
    assert {"wepe", "rigid", "aeroblade", "mc-dropout", "gradient-cuff"} <= set(lines)
    for name, line in lines.items():
        if is_trained(name):
            assert "cannot be built here" in line.ours.reason
            continue
        assert line.ours.value > 0
        assert min(line.ours.seeds) <= line.ours.value <= max(line.ours.seeds)
    assert lines["wepe"].reported.value == 4.5
    assert lines["wepe"].verdict.kind == "not comparable"
    assert lines["wepe"].verdict.reasons[0].startswith("other machine (")
    assert lines["mc-dropout"].reported is None
    assert "3 images, scaled to 100" in result.notes[0]


def test_a_repeat_passes_the_clean_network_again(image_folder, vit):
    view = View(56, "random-crop")
    datamodule = FolderDataModule(image_folder, batch_size=5, num_workers=0)
    datamodule.setup()
    setting = Setting(datamodule, vit, torch.device("cpu"), view)
    (*batches,) = image_batches(setting.datamodule, (view,), setting.device, range(4))
    detector = WePe(setting.backbone)
    detector.view = view
    before = setting.backbone.counter.images
    seconds = timing.time_detector(detector, batches, setting.device)
    assert len(seconds) == timing.REPEATS
    assert setting.backbone.counter.images - before == 2 * 4 * (timing.REPEATS + 1)
