import os

import numpy as np
import pytest
import torch
from plain_efficientnet import PlainEfficientNet
from released_files import small_network, write_checkpoint
from released_files_two import pictures, spread_out
from released_paper import SMALL

from bench.cli.app import main
from detectors import WeightsError, WeightsNotFoundError, create_detector
from detectors.trained.selfblend import SelfBlend

SIDE = 75


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("selfblend", tmp_path_factory.mktemp("selfblend"))


def create(checkpoint):
    with small_network("selfblend"):
        return create_detector("selfblend", checkpoint=str(checkpoint))


@pytest.fixture(scope="module")
def detector(checkpoint):
    return create(checkpoint)


def crops(*sizes):
    """Makes crops of 8 bits, ``(H, W, 3)``, of the given heights and widths."""
    made = [pictures(1, 200, seed=number)[0, :, :height, :width] for number, (height, width) in enumerate(sizes)]
    return [(one * 255).round().byte().permute(1, 2, 0).numpy() for one in made]


def as_views(images):
    return [torch.from_numpy(image).permute(2, 0, 1) / 255 for image in images]


def plainly_scaled(image, side):
    """Mixes the four nearest pixels in whole numbers, pixel by pixel, as ``cv2.resize`` does for 8 bits."""
    height, width = image.shape[:2]
    places = [np.float32((np.arange(side) + 0.5) * (length / side) - 0.5) for length in (height, width)]
    result = np.zeros((side, side, 3), np.uint8)
    for row, y in enumerate(places[0]):
        top = int(np.floor(y))
        below = round(float(y - np.float32(top)) * 2048)
        for column, x in enumerate(places[1]):
            left = int(np.floor(x))
            right = 0 if left < 0 or left >= width - 1 else round(float(x - np.float32(left)) * 2048)
            parts = 0
            for line, weight in ((top, 2048 - below), (top + 1, below)):
                line = image[min(max(line, 0), height - 1)].astype(int)
                first, second = (line[min(max(at, 0), width - 1)] for at in (left, left + 1))
                parts = parts + ((first * (2048 - right) + second * right) // 16 * weight) // 65536
            result[row, column] = (parts + 2) // 4
    return result


def plain_logits(checkpoint, images):
    network = PlainEfficientNet(**SMALL)
    state = torch.load(checkpoint, weights_only=True)["model"]
    network.load_state_dict({name.removeprefix("net."): tensor for name, tensor in state.items()})
    scaled = np.stack([plainly_scaled(image, SIDE) for image in images])
    return network.eval()(torch.from_numpy(scaled).permute(0, 3, 1, 2) / 255)


@torch.inference_mode()
def test_scores_are_those_of_the_published_way_on_odd_sizes(detector, checkpoint):
    images = crops((97, 61), (75, 75), (31, 143))
    expected = plain_logits(checkpoint, images)
    torch.testing.assert_close(detector.logits(as_views(images)), expected[:, 1] - expected[:, 0], rtol=0, atol=1e-5)
    scores = detector(as_views(images), torch.arange(3))
    torch.testing.assert_close(scores, expected.double().softmax(dim=1)[:, 1], rtol=0, atol=1e-5)
    assert scores.std() > 0.1


@pytest.mark.parametrize(("generated", "above"), [(1, True), (0, False)])
@torch.inference_mode()
def test_the_second_class_is_generated(checkpoint, tmp_path, generated, above):
    content = torch.load(checkpoint, weights_only=True)
    content["model"]["net._fc.weight"].zero_()
    content["model"]["net._fc.bias"] = torch.tensor([1.0 - generated, generated])
    torch.save(content, tmp_path / "biased.tar")
    score = create(tmp_path / "biased.tar")(as_views(crops((80, 90))), torch.arange(1)).item()
    assert score == pytest.approx(1 / (1 + np.exp(-1)) if above else 1 / (1 + np.exp(1)))


def test_a_release_is_known_by_its_name_and_names_its_licence(detector):
    assert detector.trained_on == ("selfblended",)
    assert all("non-commercial" in file.licence for file in SelfBlend.released)


class Bomb:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content["model"].pop("net._fc.bias"), r"1 missing \(such as classifier\.bias\)"),
        (lambda content: content.update(model={"fc.weight": torch.ones(2)}), r"1 unexpected \(such as fc\.weight\)"),
        (lambda content: content.update(more=Bomb()), "code in a file is never run"),
    ],
)
def test_files_that_hold_something_else_are_refused_in_one_line(checkpoint, tmp_path, damage, message):
    content = torch.load(checkpoint, weights_only=True)
    damage(content)
    torch.save(content, tmp_path / "other.tar")
    with pytest.raises(WeightsError, match=message) as caught:
        create(tmp_path / "other.tar")
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_refused_in_one_line(checkpoint, tmp_path):
    (tmp_path / "FFraw.tar").write_bytes(checkpoint.read_bytes()[:9000])
    with pytest.raises(WeightsError, match=r"FFraw\.tar is not a readable weights file") as caught:
        create(tmp_path / "FFraw.tar")
    assert "\n" not in str(caught.value)


def test_without_a_checkpoint_one_line_says_what_is_missing():
    with pytest.raises(WeightsNotFoundError, match=r"FFraw\.tar .*or FFc23\.tar .*--checkpoint selfblend=FILE"):
        create_detector("selfblend")


def test_pictures_that_are_not_declared_as_faces_are_refused(image_folder, checkpoint, tmp_path, capsys):
    words = ["--detectors", "selfblend", "--checkpoint", f"selfblend={checkpoint}", "--dataset", "folder"]
    words += ["--data-root", str(image_folder), "--output", str(tmp_path / "results")]
    assert main(["compare", *words]) == 2
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    assert "takes files of content face-crop, but those of" in error
    assert "are declared as image (--content)" in error


@pytest.mark.heavy
def test_faces_are_scored_by_compare(image_folder, checkpoint, tmp_path, capsys):
    words = ["--detectors", "selfblend", "--checkpoint", f"selfblend={checkpoint}", "--dataset", "folder"]
    words += ["--data-root", str(image_folder), "--content", "face-crop", "--output", str(tmp_path / "results")]
    words += ["--num-workers", "0", "--accelerator", "cpu", "--resize", "none", "--limit", "2"]
    with small_network("selfblend"):
        assert main(["compare", *words]) == 0
    assert "Scored now: 6" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
@torch.inference_mode()
def test_a_pass_of_the_published_size(tmp_path):
    """17.6 million parameters, 70 MB; the pass itself takes about 0.5 GB."""
    torch.manual_seed(0)
    network = PlainEfficientNet()
    spread_out(network, network._fc, pictures(2, 380))
    torch.save({"model": {f"net.{key}": value for key, value in network.state_dict().items()}}, tmp_path / "FFc23.tar")
    detector = create_detector("selfblend", checkpoint=str(tmp_path / "FFc23.tar"))
    (image,) = pictures(1, 380, seed=3)
    image = (image * 255).round() / 255
    expected = network(image[None])
    torch.testing.assert_close(detector.logits([image]), expected[:, 1] - expected[:, 0], rtol=0, atol=1e-4)
    assert sum(one.nbytes for one in detector.parameters()) == 17_552_202 * 4
