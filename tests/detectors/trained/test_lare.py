import hashlib
import os

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from plain_lare import PlainLare
from released_files import small_network, write_checkpoint
from released_files_two import pictures, spread_out
from released_paper import ARCHITECTURES, random_maps, write_maps
from safetensors.torch import save_file
from torchvision import transforms

from bench.cli.app import main
from detectors import OptionError, WeightsError, WeightsNotFoundError, create_detector
from detectors.image_keys import key_of
from detectors.trained.lare import centre_of
from detectors.trained.networks.lare import LareNetwork, used_tensors

SIDE = ARCHITECTURES["lare"]["side"]
KEYS = [3, 5, 2**62]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("lare", tmp_path_factory.mktemp("lare"))


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    return write_maps(tmp_path_factory.mktemp("maps") / "maps.safetensors", KEYS)


def create(checkpoint, maps):
    with small_network("lare"):
        return create_detector("lare", checkpoint=str(checkpoint), maps=str(maps))


@pytest.fixture(scope="module")
def detector(checkpoint, maps):
    return create(checkpoint, maps)


def images(*sizes):
    """Makes pictures of 8 bits, ``(H, W, 3)``, of the given heights and widths."""
    made = [pictures(1, 160, seed=number)[0, :, :height, :width] for number, (height, width) in enumerate(sizes)]
    return [(one * 255).round().byte().permute(1, 2, 0).numpy() for one in made]


def as_views(pixels):
    return [torch.from_numpy(image).permute(2, 0, 1) / 255 for image in pixels]


def plain_picture(image, side=SIDE):
    """Pads by the mirror image on both sides, the odd pixel last, and cuts the centre out."""
    lacking = [max(side - length, 0) for length in image.shape[:2]]
    image = np.pad(image, [*((both // 2, both - both // 2) for both in lacking), (0, 0)], mode="reflect")
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def plain_logits(checkpoint, pixels, maps):
    network = PlainLare(**ARCHITECTURES["lare"])
    state = torch.load(checkpoint, weights_only=True)
    network.load_state_dict({name.removeprefix("module."): tensor for name, tensor in state.items()})
    normalise = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
    )
    inputs = torch.stack([normalise(Image.fromarray(plain_picture(image))) for image in pixels])
    return network.eval()((inputs, maps))


@torch.inference_mode()
def test_scores_are_those_of_the_published_way_on_odd_sizes(detector, checkpoint):
    pixels = images((97, 61), (31, 150), (64, 20))
    expected = plain_logits(checkpoint, pixels, random_maps(3))
    loss_maps = [detector.loss_maps.find(key) for key in KEYS]
    logits = detector.logits(list(zip(as_views(pixels), loss_maps, strict=True)))
    torch.testing.assert_close(logits, expected[:, 1] - expected[:, 0], rtol=0, atol=1e-5)
    scores = detector(as_views(pixels), torch.tensor(KEYS))
    torch.testing.assert_close(scores, expected.double().softmax(dim=1)[:, 1], rtol=0, atol=1e-5)
    assert (expected[:, 1] - expected[:, 0]).std() > 0.1


@pytest.mark.parametrize("size", [(64, 64), (65, 64), (224, 500), (9, 8), (1, 1), (2, 63), (3, 200)])
def test_the_centre_is_that_of_a_mirrored_image(size):
    (image,) = images((160, 160)) if max(size) > 160 else images(size)
    expected = torch.from_numpy(plain_picture(image).copy()).permute(2, 0, 1) / 255
    assert torch.equal(centre_of(as_views([image])[0], SIDE), expected)


@torch.inference_mode()
def test_the_map_counts_as_the_image_does(detector):
    (view,) = as_views(images((70, 70)))
    same_image = detector([view, view], torch.tensor(KEYS[:2]))
    assert same_image[0] != same_image[1]
    others = as_views(images((70, 70), (90, 90)))
    same_map = detector(others, torch.tensor([KEYS[0]] * 2))
    assert same_map[0] != same_map[1]


@torch.inference_mode()
def test_a_map_reaches_the_score_by_its_pixels_and_by_its_means(checkpoint):
    """The mean of a map alone leaves the attention as it is, its pattern alone the channels' weights."""
    network = PlainLare(**ARCHITECTURES["lare"])
    used = used_tensors(network.state_dict())
    own = LareNetwork(**ARCHITECTURES["lare"])
    own.load_state_dict(used)
    own.eval()
    image, loss_map = pictures(1, SIDE), random_maps(1)
    moved = torch.stack([own(image, changed) for changed in (loss_map, loss_map + 1, loss_map.flip(3))])
    assert len(moved[:, 0, 0].unique()) == 3


@pytest.mark.parametrize(("generated", "above"), [(1.0, True), (0.0, False)])
@torch.inference_mode()
def test_the_second_class_is_generated(checkpoint, maps, tmp_path, generated, above):
    state = torch.load(checkpoint, weights_only=True)
    state["module.fc.weight"].zero_()
    state["module.fc.bias"] = torch.tensor([1 - generated, generated])
    torch.save(state, tmp_path / "biased.pth")
    score = create(tmp_path / "biased.pth", maps)(as_views(images((80, 90))), torch.tensor(KEYS[:1])).item()
    assert score == pytest.approx(1 / (1 + np.exp(-1 if above else 1)))


def test_names_and_shapes_are_those_of_the_published_class():
    with torch.device("meta"):
        expected, network = PlainLare(), LareNetwork()
    released = expected.state_dict()
    assert released["clip_model.visual.layer4.2.conv3.weight"].shape == (2048, 512, 1, 1)
    assert released["clip_model.visual.attnpool.positional_embedding"].shape == (50, 2048)
    assert released["attn_pool.positional_embedding"].shape == (197, 1024)
    assert released["attn_pool.attention.fc_q.weight"].shape == (512, 1024)
    assert released["channel_align.fc.2.weight"].shape == (1024, 128)
    assert released["fc.weight"].shape == (2, 3072)
    own = {name: tensor.shape for name, tensor in network.state_dict().items()}
    assert {name: tensor.shape for name, tensor in used_tensors(released).items()} == own


def test_the_fingerprint_covers_the_maps_and_not_their_files_name(checkpoint, maps, detector, tmp_path):
    moved = tmp_path / "elsewhere.safetensors"
    moved.write_bytes(maps.read_bytes())
    assert create(checkpoint, moved).fingerprint() == detector.fingerprint()
    assert detector.options["maps"] == "maps.safetensors"
    write_maps(moved, KEYS[:2])
    assert create(checkpoint, moved).fingerprint() != detector.fingerprint()


@torch.inference_mode()
def test_an_image_without_a_map_is_named_by_its_sha256(detector, maps):
    key = key_of("0123456789abcdef" * 4)
    with pytest.raises(
        OptionError, match=r"maps\.safetensors has no map of the image .* begins with 0123456789abcde\."
    ):
        detector(as_views(images((70, 70))), torch.tensor([key]))


NAME = "0" * 64


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({}, "holds no maps: expected a safetensors file with a tensor of 4 x 32 x 32 for each image"),
        ({"cat.png": torch.zeros(4, 32, 32)}, r"'cat\.png' is 4 x 32 x 32; expected .* named by the sha256"),
        ({NAME.replace("0", "A"): torch.zeros(4, 32, 32)}, "expected .* named by the sha256"),
        ({NAME: torch.zeros(1, 4, 32, 32)}, "'0+' is 1 x 4 x 32 x 32; expected"),
        ({NAME: torch.zeros(())}, "is a single number; expected"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_in_one_line(checkpoint, tmp_path, tensors, message):
    save_file(tensors, tmp_path / "other.safetensors")
    with pytest.raises(OptionError, match=message) as caught:
        create(checkpoint, tmp_path / "other.safetensors")
    assert "\n" not in str(caught.value)


class Bomb:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no maps", b"\xff" * 100])
def test_a_file_that_is_none_of_maps_is_refused_in_one_line(checkpoint, tmp_path, content):
    (tmp_path / "maps.pt").write_bytes(content)
    for name in ("maps.pt", "nowhere.safetensors"):
        with pytest.raises(OptionError, match=rf"maps=.*{name} cannot be read as a safetensors file") as caught:
            create(checkpoint, tmp_path / name)
        assert "\n" not in str(caught.value)


@torch.inference_mode()
def test_a_map_that_is_not_finite_is_refused(checkpoint, tmp_path):
    save_file({NAME: torch.full((4, 32, 32), torch.nan)}, tmp_path / "maps.safetensors")
    with pytest.raises(OptionError, match=f"the map {NAME} is not finite"):
        create(checkpoint, tmp_path / "maps.safetensors")(as_views(images((70, 70))), torch.tensor([0]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"fc.weight": torch.ones(2)}, r"missing .*1 of another shape \(such as fc\.weight\)"),
        ({"clip_model.visual.more": torch.ones(1)}, r"1 unexpected \(such as visual\.more\)"),
        ({"model": {"fc.weight": Bomb()}}, "code in a file is never run"),
    ],
)
def test_a_foreign_checkpoint_is_refused_in_one_line(maps, tmp_path, content, message):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=message) as caught:
        create(tmp_path / "other.pth", maps)
    assert "\n" not in str(caught.value)


def test_a_truncated_checkpoint_is_refused_in_one_line(checkpoint, maps, tmp_path):
    (tmp_path / "Val_best.pth").write_bytes(checkpoint.read_bytes()[:9000])
    with pytest.raises(WeightsError, match=r"Val_best\.pth is not a readable weights file"):
        create(tmp_path / "Val_best.pth", maps)


def test_what_is_missing_is_said_before_anything_is_read(checkpoint):
    with pytest.raises(WeightsNotFoundError, match=r"No checkpoint was released.*maps of the images are needed, too"):
        create_detector("lare")
    with pytest.raises(OptionError, match=r"lare judges images by maps of losses: give lare:maps=FILE, a safetensors"):
        create_detector("lare", checkpoint=str(checkpoint))


@pytest.fixture
def words(image_folder, checkpoint, tmp_path):
    """A comparison of some images, each with its map."""
    files = sorted(image_folder.rglob("0[0-2].png"))
    for file in set(image_folder.rglob("*.png")) - set(files):
        file.unlink()
    sums = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    maps = dict(zip(sums, random_maps(len(sums)), strict=True))
    save_file({name: loss_map.clone() for name, loss_map in maps.items()}, tmp_path / "maps.safetensors")
    words = ["--detectors", f"lare:maps={tmp_path / 'maps.safetensors'}", "rigid", "--checkpoint", f"lare={checkpoint}"]
    words += ["--dataset", "folder", "--data-root", str(image_folder), "--output", str(tmp_path / "results")]
    return [*words, "--num-workers", "0", "--accelerator", "cpu", "--resize", "none"]


@pytest.mark.heavy
@pytest.mark.usefixtures("small_views")
def test_images_and_maps_go_through_the_command_beside_another_detector(words, image_folder, tmp_path, capsys):
    with small_network("lare"):
        assert main(["compare", *words]) == 0
        detector = create_detector(
            "lare", checkpoint=words[4].partition("=")[2], maps=str(tmp_path / "maps.safetensors")
        )
    assert "Scored now: 18" in " ".join(capsys.readouterr().out.split())
    rows = pl.concat([pl.read_parquet(one) for one in (tmp_path / "results").glob("scores/**/part-*.parquet")])
    for row in rows.filter(pl.col("detector").str.starts_with("lare")).iter_rows(named=True):
        image = np.array(Image.open(image_folder / row["path"]).convert("RGB"))
        with torch.inference_mode():
            score = detector(as_views([image]), torch.tensor([key_of(row["sha256"])])).item()
        assert row["score"] == pytest.approx(score, rel=1e-5)


@pytest.mark.usefixtures("small_views")
@pytest.mark.parametrize(
    ("command", "more", "message"),
    [
        ("compare", ["--conditions", "jpeg:75"], "reads what was made of each file as it is, not of jpeg:75"),
        ("compare", ["--match", "reencode:75"], "reads what was made of each file as it is, not of"),
        ("robustness", [], "reads what was made of each file as it is, not of"),
    ],
)
def test_degraded_images_get_no_score_from_the_maps_of_others(words, capsys, command, more, message):
    with small_network("lare"):
        assert main([command, *words, *more]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


@pytest.mark.usefixtures("small_views")
def test_an_image_without_a_map_stops_the_command_in_one_line(words, photograph, image_folder, capsys):
    photograph(77).save(image_folder / "generated" / "sharp" / "other.png")
    with small_network("lare"):
        assert main(["compare", *words]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert "failed on" in line
    assert "has no map of the image whose sha256 begins with" in line


@pytest.mark.slow
@torch.inference_mode()
def test_a_pass_of_the_published_size(tmp_path):
    """40.8 million parameters, 163 MB, 38.3 million of them CLIP's image encoder; the file is as large."""
    torch.manual_seed(0)
    network, loss_maps = PlainLare(), random_maps(2)
    spread_out(network, network.fc, (pictures(2, 224), loss_maps))
    torch.save(network.state_dict(), tmp_path / "Val_best.pth")
    maps = write_maps(tmp_path / "maps.safetensors", range(2))
    detector = create_detector("lare", checkpoint=str(tmp_path / "Val_best.pth"), maps=str(maps))
    pixels = images((160, 150), (160, 160))
    normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    inputs = torch.stack([normalise(transforms.ToTensor()(plain_picture(image, 224).copy())) for image in pixels])
    expected = network((inputs, loss_maps))
    views = list(zip(as_views(pixels), loss_maps, strict=True))
    torch.testing.assert_close(detector.logits(views), expected[:, 1] - expected[:, 0], rtol=1e-5, atol=1e-4)
    assert sum(one.nbytes for one in detector.parameters()) == 163_032_616
