import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from plain_efficientnet import PlainEfficientNet
from released_files import small_network, write_checkpoint
from released_files_two import pictures, spread_out
from released_paper import SMALL
from torchvision import transforms

from bench.cli.app import main
from detectors import OptionError, WeightsError, WeightsNotFoundError, create_detector
from detectors.randomness import seeded_generator
from detectors.trained.gandetection import FILES, grid_corners, judgement, random_corners

SIDE, PATCHES = 32, 18


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_checkpoint("gandetection", tmp_path_factory.mktemp("gandetection")).parent


def create(place, **options):
    with small_network("gandetection"):
        return create_detector("gandetection", checkpoint=str(place), **{"patches": PATCHES, **options})


@pytest.fixture(scope="module")
def detector(folder):
    return create(folder)


def images(*sizes):
    """Makes pictures of 8 bits, ``(H, W, 3)``, of the given heights and widths."""
    made = [pictures(1, 160, seed=number)[0, :, :height, :width] for number, (height, width) in enumerate(sizes)]
    return [(one * 255).round().byte().permute(1, 2, 0).numpy() for one in made]


def as_views(pixels):
    return [torch.from_numpy(image).permute(2, 0, 1) / 255 for image in pixels]


def plain_networks(folder):
    for name in FILES:
        network = PlainEfficientNet(**SMALL)
        state = torch.load(folder / name, weights_only=True)
        state = {key.replace("classifier", "_fc"): tensor for key, tensor in state.get("net", state).items()}
        network.load_state_dict({key.removeprefix("efficientnet."): tensor for key, tensor in state.items()})
        yield network.eval()


NORMALISE = transforms.Compose(
    [transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
)


def plain_score(folder, image, corners, parts):
    """Goes the published way: a list of patches for each network, each patch normalised, and the rule in NumPy."""
    height, width = image.shape[:2]
    strides = [((length - SIDE) // part + 7) // 8 * 8 for length, part in zip((height, width), parts, strict=True)]
    grid = [(y, x) for y in range(0, height - SIDE + 1, strides[0]) for x in range(0, width - SIDE + 1, strides[1])]
    scores = []
    for number, network in enumerate(plain_networks(folder)):
        patches = [image[y : y + SIDE, x : x + SIDE] for y, x in (grid if number else corners)]
        logits = network(torch.stack([NORMALISE(Image.fromarray(patch)) for patch in patches])).numpy()
        vote = int(np.any(np.argmax(logits, axis=1)))
        scores.append(logits[:, vote].max() if vote else -logits[:, vote].max())
    return np.mean(scores)


@torch.inference_mode()
@pytest.mark.heavy
def test_scores_are_those_of_the_published_way_on_odd_sizes(detector, folder):
    pixels, keys = images((97, 61), (64, 64), (53, 143)), [7, 8, 9]
    expected = []
    for image, key in zip(pixels, keys, strict=True):
        room = image.shape[0] - SIDE, image.shape[1] - SIDE
        corners = random_corners(*room, PATCHES, seeded_generator("gandetection", 0, key))
        expected.append(plain_score(folder, image, corners, (6, 3)))
    expected = torch.tensor(np.array(expected))
    logits = detector.logits(list(zip(as_views(pixels), keys, strict=True)))
    torch.testing.assert_close(logits.double(), expected.double(), rtol=0, atol=1e-5)
    scores = detector(as_views(pixels), torch.tensor(keys))
    torch.testing.assert_close(scores, torch.sigmoid(expected.double()), rtol=0, atol=1e-5)
    assert expected.std() > 0.01


def test_one_patch_that_is_called_generated_decides_by_hand():
    calm = torch.tensor([[3.0, -2.0], [1.0, 0.5], [0.25, 0.125]])
    assert judgement(calm).item() == -3.0
    alarm = torch.cat([calm, torch.tensor([[0.0, 0.25]])])
    assert judgement(alarm).item() == 0.5  # the highest for generated, though that patch is called real
    assert judgement(torch.tensor([[1.0, 1.0]])).item() == -1.0  # the first of two equal ones


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [
        ((512, 512), range(0, 385, 24), range(0, 385, 40)),
        ((1024, 768), range(0, 897, 48), range(0, 641, 64)),
        ((256, 256), range(0, 129, 8), range(0, 129, 16)),
        ((140, 130), range(0, 13, 8), range(0, 3, 8)),  # where the published stride comes to 0
        ((128, 128), [0], [0]),
    ],
)
def test_the_grid_has_the_published_strides(size, rows, columns):
    corners = grid_corners(size[0] - 128, size[1] - 128, 200)
    assert corners == [(row, column) for row in rows for column in columns]
    assert all(row % 8 == column % 8 == 0 for row, column in corners)


@pytest.mark.parametrize(("patches", "most"), [(1, 4), (50, 66), (200, 231), (800, 861)])
def test_the_budget_makes_the_grid_coarser_and_finer(patches, most):
    assert most / 2 < len(grid_corners(4000, 4000, patches)) <= most


def test_random_patches_depend_on_seed_and_key_alone_and_lie_within_the_image():
    first, again, other = (random_corners(100, 7, 500, seeded_generator("gandetection", 0, key)) for key in (1, 1, 2))
    assert first == again != other
    rows, columns = map(set, zip(*first, strict=True))
    assert rows == set(range(100)) or len(rows) > 90
    assert columns == set(range(7))
    assert random_corners(0, 0, 2, torch.Generator()) == [(0, 0), (0, 0)]


@pytest.mark.heavy
@torch.inference_mode()
def test_seed_and_key_move_the_first_network_alone(folder, detector):
    (image,) = as_views(images((97, 61)))

    def scores(detector, key=1):
        return detector(image[None], torch.tensor([key])).item()

    assert scores(detector) != scores(create(folder, seed=1))
    assert scores(detector, 1) != scores(detector, 2)
    whole = image[:, :SIDE, :SIDE]  # of which every random patch is the same
    assert detector(whole[None], torch.tensor([1])) == create(folder, seed=1)(whole[None], torch.tensor([2]))


@torch.inference_mode()
def test_the_budget_is_counted_in_passes_and_has_bounds(folder, detector):
    assert detector.passes == 5 * PATCHES
    assert create(folder, patches=200).passes == type(detector).own_passes == 1000
    assert create(folder, patches=3).fingerprint() != detector.fingerprint()
    for patches, message in ((0, "patches must be at least 1, got 0"), (20_000, "patches must be at most 10,000")):
        with pytest.raises(OptionError, match=message):
            create(folder, patches=patches)


def with_bias(folder, target, bias):
    shutil.copytree(folder, target)
    for name in FILES:
        content = torch.load(target / name, weights_only=True)
        state = content.get("net", content)
        state["classifier.weight"].zero_()
        state["classifier.bias"] = torch.tensor(bias)
        torch.save(content, target / name)
    return target


@pytest.mark.heavy
@pytest.mark.parametrize(("bias", "logit"), [([0.0, 2.0], 2.0), ([2.0, 0.0], -2.0)])
@torch.inference_mode()
def test_the_second_class_is_generated(folder, tmp_path, bias, logit):
    detector = create(with_bias(folder, tmp_path / "biased", bias))
    score = detector(as_views(images((50, 40))), torch.arange(1)).item()
    assert score == pytest.approx(1 / (1 + np.exp(-logit)))
    assert (score > 0.5) == (logit > 0)


@torch.inference_mode()
def test_an_image_smaller_than_a_patch_has_no_score(detector):
    with pytest.raises(OptionError, match=r"patches of 32 x 32 pixels, and an image of 31 x 40 has none: leave it out"):
        detector(as_views(images((40, 31))), torch.arange(1))


@torch.inference_mode()
def test_a_grey_image_is_a_colour_image_like_any_other(detector):
    (image,) = as_views(images((40, 40)))
    assert detector(image[:1].expand(3, -1, -1)[None], torch.arange(1)).isfinite().all()


def test_the_folder_and_each_file_in_it_stand_for_all_five(folder, detector):
    for place in (folder / "method_A.pth", folder / "method_D.pth"):
        assert create(place).fingerprint() == detector.fingerprint()
    assert detector.options["checkpoint"] == "method_A.pth"


@pytest.mark.heavy
@pytest.mark.parametrize("name", FILES)
def test_the_fingerprint_covers_each_file(folder, detector, tmp_path, name):
    shutil.copytree(folder, tmp_path / "moved")
    content = torch.load(tmp_path / "moved" / name, weights_only=True)
    content.get("net", content)["classifier.bias"][0] += 1e-6
    torch.save(content, tmp_path / "moved" / name)
    assert create(tmp_path / "moved").fingerprint() != detector.fingerprint()


class Bomb:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("method_C.pth", b"PK", r"method_C\.pth is not a readable weights file"),
        ("method_A.pth", {"net": {"fc.weight": torch.ones(1)}}, r"method_A\.pth does not fit .*1 unexpected"),
        (
            "method_D.pth",
            {"fc.weight": torch.ones(1)},
            r"method_D\.pth does not fit .*1 unexpected \(such as fc\.weight",
        ),
        ("method_E.pth", {"net": Bomb()}, r"method_E\.pth .*code in a file is never run"),
    ],
)
def test_each_file_is_checked_and_named_in_one_line(folder, tmp_path, name, content, message):
    shutil.copytree(folder, tmp_path / "five")
    file = tmp_path / "five" / name
    file.write_bytes(content) if isinstance(content, bytes) else torch.save(content, file)
    with pytest.raises(WeightsError, match=message) as caught:
        create(tmp_path / "five")
    assert "\n" not in str(caught.value)


def test_missing_files_are_named_in_one_line(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "three")
    for name in ("method_B.pth", "method_E.pth"):
        (tmp_path / "three" / name).unlink()
    for place in (tmp_path / "three", tmp_path / "three" / "method_A.pth"):
        with pytest.raises(
            WeightsNotFoundError, match=r"needs 5 files, and .*three lacks method_B\.pth, method_E\.pth\."
        ):
            create(place)
    with pytest.raises(
        WeightsNotFoundError, match=r"It is one of five files, method_A\.pth, .* which lie in one folder"
    ):
        create_detector("gandetection")
    with pytest.raises(WeightsNotFoundError, match="There is no checkpoint nowhere"):
        create_detector("gandetection", checkpoint="nowhere")
    other = shutil.copytree(folder, tmp_path / "more")
    shutil.copy(folder / "method_A.pth", other / "best.pth")
    with pytest.raises(WeightsNotFoundError, match=r"best\.pth is none of method_A\.pth, .*: give their folder"):
        create(other / "best.pth")


@pytest.mark.heavy
def test_a_folder_goes_through_the_command_and_a_small_image_stops_it(photograph, folder, tmp_path, capsys):
    for source in ("real/camera", "generated/gan"):
        (tmp_path / "images" / source).mkdir(parents=True)
        for number in range(2):
            picture = photograph(number + 10 * (source == "real/camera"), (60, 50))
            picture.save(tmp_path / "images" / source / f"{number}.png")
    words = ["--detectors", "gandetection:patches=4", "--checkpoint", f"gandetection={folder}", "--dataset", "folder"]
    words += ["--data-root", str(tmp_path / "images"), "--output", str(tmp_path / "results"), "--resize", "none"]
    words += ["--num-workers", "0", "--accelerator", "cpu"]
    with small_network("gandetection"):
        assert main(["compare", *words]) == 0
        assert "Scored now: 4" in " ".join(capsys.readouterr().out.split())
        photograph(99, (20, 50)).save(tmp_path / "images" / "generated" / "gan" / "small.png")
        assert main(["compare", *words]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert "failed on generated/gan/small.png" in error[-1]
    assert "an image of 20 x 50 has none: leave it out, or give --resize 32 or more" in error[-1]


@pytest.mark.slow
@torch.inference_mode()
def test_five_networks_of_the_published_size(tmp_path):
    """5 times 17.6 million parameters, 351 MB; files and tests take about three times as much."""
    networks = []
    for name in FILES:
        torch.manual_seed(len(networks))
        network = PlainEfficientNet()
        networks.append(spread_out(network, network._fc, pictures(4, 128)))
        state = {
            f"efficientnet.{key}".replace("efficientnet._fc", "classifier"): v
            for key, v in network.state_dict().items()
        }
        torch.save({"net": state}, tmp_path / name)
    detector = create_detector("gandetection", checkpoint=str(tmp_path), patches=1)
    (image,) = as_views(images((128, 128)))
    logits = [
        network(
            (
                (image - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1))
                / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
            )[None]
        )[0]
        for network in networks
    ]
    expected = torch.stack([one[1] if one[1] > one[0] else -one[0] for one in logits]).mean()
    torch.testing.assert_close(detector.logits([(image, 5)])[0], expected, rtol=0, atol=1e-4)
    assert sum(one.nbytes for one in detector.parameters()) == 5 * 17_552_202 * 4
