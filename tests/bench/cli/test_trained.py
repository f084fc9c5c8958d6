"""Trained detectors through the command line, with small networks."""

import polars as pl
import pytest
import timm
import torch
from released_files import write_checkpoint

from bench.cli.app import main
from detectors import create_detector

pytestmark = [pytest.mark.usefixtures("small_views"), pytest.mark.heavy]

SMALL = "test_resnet"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A ResNet of timm for 160 px with two logits, in a script's layout."""
    torch.manual_seed(0)
    network = timm.create_model(SMALL, num_classes=2)
    file = tmp_path_factory.mktemp("timm") / "own.pth"
    torch.save({"model": {f"module.{key}": value for key, value in network.state_dict().items()}}, file)
    return file


def arguments(command, root, output, *more):
    small = ["--num-workers", "0", "--resize", "none"]
    small += [] if command == "audit" else ["--accelerator", "cpu", "--batch-size", "8"]
    return [command, *more, "--dataset", "folder", "--data-root", str(root), *small, "--output", str(output)]


def scores_of(output):
    files = sorted(output.glob("scores/**/*.parquet"))
    return pl.concat([pl.read_parquet(one) for one in files if one.name.startswith("part-")], how="diagonal")


def test_compare_takes_the_checkpoint_of_a_trained_detector_alone_and_in_an_ensemble(
    image_folder, photograph, tmp_path, file, capsys
):
    for number in range(20):  # an ensemble leaves real images out
        photograph(500 + number).save(image_folder / "real" / "camera" / f"more-{number}.png")
    asked = ["--detectors", f"timm:{SMALL}", "rigid", f"timm:{SMALL}+rigid", "--checkpoint", f"timm={file}"]
    assert main(arguments("compare", image_folder, tmp_path, *asked)) == 0
    rows = scores_of(tmp_path)
    label = f"timm:{SMALL},checkpoint=own.pth"
    assert label in rows["detector"].unique().to_list()
    assert str(file.parent) not in "".join((tmp_path / name).read_text() for name in ("compare.csv", "compare.md"))
    mine = rows.filter(pl.col("detector") == label)
    assert len(mine) == 56
    assert mine["score"].is_between(0, 1).all()
    assert mine["fingerprint"].n_unique() == 1
    assert mine["fingerprint"][0] != rows.filter(pl.col("detector") == "rigid")["fingerprint"][0]
    assert "Scored now: 112" in " ".join(capsys.readouterr().out.split())


def test_the_same_weights_elsewhere_are_found_in_the_store(image_folder, tmp_path, file, capsys):
    moved = tmp_path / "elsewhere.pth"
    moved.write_bytes(file.read_bytes())
    output = tmp_path / "results"
    assert main(arguments("compare", image_folder, output, "--detectors", f"timm:{SMALL}@{file}")) == 0
    capsys.readouterr()
    assert main(arguments("compare", image_folder, output, "--detectors", f"timm:{SMALL}@{moved}")) == 0
    assert "Scored now: 0." in " ".join(capsys.readouterr().out.split())


def test_native_views_of_several_sizes_go_through_the_command(photograph, tmp_path, capsys):
    for number in range(4):
        for source in ("real/camera", "generated/gan"):
            folder = tmp_path / "images" / source
            folder.mkdir(parents=True, exist_ok=True)
            seed = 10 * number + (source == "real/camera")
            photograph(seed, (40 + 7 * number, 60 - 3 * number)).save(folder / f"{number}.png")
    npr = write_checkpoint("npr", tmp_path)
    asked = ["--detectors", "npr:preprocessing=native", "--checkpoint", f"npr={npr}"]
    assert main(arguments("compare", tmp_path / "images", tmp_path / "results", *asked)) == 0
    rows = scores_of(tmp_path / "results")
    assert len(rows) == rows["score"].n_unique() == 8
    from PIL import Image
    from torchvision.transforms.v2.functional import to_dtype, to_image

    detector = create_detector("npr", checkpoint=str(npr), preprocessing="native")
    for row in rows.iter_rows(named=True):
        image = to_dtype(
            to_image(Image.open(tmp_path / "images" / row["path"]).convert("RGB")), torch.float32, scale=True
        )
        assert row["score"] == pytest.approx(detector([image], torch.zeros(1)).item(), rel=1e-5)


@pytest.mark.parametrize("command", ["compare", "robustness", "audit"])
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--detectors", "npr"], "npr needs its trained weights: NPR.pth (17,393,733 bytes"),
        (["--detectors", "npr", "--checkpoint", "npr=nowhere.pth"], "there is no file nowhere.pth"),
        (["--detectors", "rigid", "--checkpoint", "npr={file}"], "npr is not among --detectors rigid"),
        (["--detectors", "npr", "--checkpoint", "npr={file}"], "does not fit NprNetwork"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(image_folder, tmp_path, file, capsys, command, more, message):
    words = [one.format(file=file) for one in more]
    assert main(arguments(command, image_folder, tmp_path / "results", *words)) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert error.splitlines()[-1].startswith("error: ")
    assert len(error.splitlines()) == 1
