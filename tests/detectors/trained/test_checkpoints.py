import os
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from detectors import OptionError, ReleasedFile, TrainedDetector, WeightsError, WeightsNotFoundError
from detectors.trained.checkpoints import generator_names, read_checkpoint
from detectors.weights import unwrapped

STATE = {"fc.weight": torch.arange(6.0).reshape(1, 6) / 10, "fc.bias": torch.tensor([0.5])}


class Colours(nn.Module):
    """A linear layer on the means and greatest values of the colours."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 1)

    def forward(self, images):
        return self.fc(torch.cat([images.mean(dim=(2, 3)), images.amax(dim=(2, 3))], dim=1))


class Small(TrainedDetector):
    """The least that a trained detector states."""

    name, paper = "small", "arXiv 0"

    def __init__(self, *, checkpoint=None, trained_on=None, seed=0):
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)

    def build(self):
        return Colours()

    def prepared(self, images):
        return images


class Released(Small):
    """With a released file, whose size and checksum the tests set."""

    released = (ReleasedFile("weights.pth", "someone/somewhere@1234567", ("progan",), 12, "0" * 64),)


@pytest.fixture
def file(tmp_path):
    torch.save(STATE, tmp_path / "weights.pth")
    return tmp_path / "weights.pth"


@pytest.fixture
def released(monkeypatch, file):
    """Makes a file the released one."""

    def declare(**changes):
        known = {"size": file.stat().st_size, "sha256": read_checkpoint(file, "small", ()).sha256} | changes
        one = ReleasedFile(file.name, "someone/somewhere@1234567", ("progan",), **known)
        monkeypatch.setattr(Released, "released", (one,))

    return declare


def layouts():
    parallel = {f"module.{key}": value for key, value in STATE.items()}
    return {
        "bare": STATE,
        "from several devices": parallel,
        "nested": {"model": STATE, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}, "total_steps": 7},
        "nested from several devices": {"model": parallel, "total_steps": 7},
        "state_dict": {"state_dict": STATE, "epoch": 3},
        "double precision": {key: value.double() for key, value in STATE.items()},
    }


@pytest.mark.parametrize("layout", list(layouts()))
def test_every_layout_of_a_training_script_gives_the_same_scores(tmp_path, layout):
    torch.save(layouts()[layout], tmp_path / "file.pth")
    images = torch.rand(3, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    features = torch.cat([images.mean(dim=(2, 3)), images.amax(dim=(2, 3))], dim=1).double()
    logits = (features * STATE["fc.weight"].double()).sum(dim=1) + 0.5
    scores = Small(checkpoint=str(tmp_path / "file.pth"))(images, torch.arange(3))
    assert scores.dtype == torch.float64
    torch.testing.assert_close(scores, 1 / (1 + torch.exp(-logits)), rtol=1e-6, atol=0)


def test_half_precision_is_widened_and_old_pytorch_files_are_read(tmp_path):
    halves = {key: value.half() for key, value in STATE.items()}
    torch.save({"model": halves}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    network = Small(checkpoint=str(tmp_path / "old.pth")).network
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    torch.testing.assert_close(network.fc.weight, STATE["fc.weight"], rtol=1e-3, atol=0)


def test_large_logits_stay_apart():
    logits = torch.tensor([-60.0, -59.0, 20.0, 21.0])
    detector = Small.__new__(Small)
    nn.Module.__init__(detector)
    detector.network, images = nn.Flatten(0), logits.reshape(4, 1, 1, 1)
    scores = detector(images, torch.arange(4))
    assert scores.tolist() == sorted(scores.tolist())
    assert len(scores.unique()) == 4
    assert scores[0].item() == pytest.approx(8.7565e-27, rel=1e-4)


def test_a_name_without_a_prefix_on_all_is_left_alone():
    state = {"module.fc.weight": torch.ones(1), "fc.bias": torch.ones(1)}
    assert unwrapped(state, "file").keys() == state.keys()


def test_nothing_is_drawn_in_place_of_missing_weights():
    with pytest.raises(WeightsNotFoundError) as caught:
        Small()
    assert str(caught.value) == (
        "small needs its trained weights: a file of your own training, as no released one is known. Give the file with "
        "--checkpoint small=FILE."
    )


def test_a_missing_checkpoint_is_described_in_one_line(released, tmp_path):
    released(size=5842385, sha256="ab" * 32)
    for given in (None, str(tmp_path / "nowhere.pth"), str(tmp_path)):
        with pytest.raises(WeightsNotFoundError) as caught:
            Released(checkpoint=given)
        message = str(caught.value)
        assert f"weights.pth (5,842,385 bytes, sha256 {'ab' * 32}, from someone/somewhere@1234567)" in message
        assert message.endswith("Give the file with --checkpoint small=FILE.")
        assert "\n" not in message
        assert given is None or f"There is no checkpoint {given}." in message


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_truncated_file_is_refused_in_one_line(file, share):
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(WeightsError, match=r"weights\.pth is not a readable weights file") as caught:
        Small(checkpoint=str(file))
    assert "\n" not in str(caught.value)


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("plain_pickle", [False, True])
def test_code_in_a_file_is_never_run(tmp_path, nested, plain_pickle):
    trace, file = tmp_path / "trace", tmp_path / "hostile.pth"
    bomb = Bomb(f"touch {trace}")
    content = {"model": {**STATE, "fc.extra": bomb}} if nested else bomb
    if plain_pickle:
        file.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, file)
    with pytest.raises(WeightsError, match="code in a file is never run") as caught:
        Small(checkpoint=str(file))
    assert not trace.exists()
    assert "\n" not in str(caught.value)
    torch.load(file, weights_only=False) if not plain_pickle else pickle.loads(file.read_bytes())
    assert trace.exists()  # so the file would have run it


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"fc.weight": STATE["fc.weight"]}, r"1 missing \(such as fc\.bias\)"),
        ({**STATE, "fc2.bias": torch.ones(1)}, r"1 unexpected \(such as fc2\.bias\)"),
        ({**STATE, "fc.weight": torch.ones(2, 6)}, r"1 of another shape \(such as fc\.weight\)"),
        ({"model": {"fc.weight": 3}}, "holds no tensors by name"),
        ({"model": {}}, "holds no tensors"),
        ([1, 2], "holds no tensors by name"),
        (torch.ones(3), "holds no tensors by name"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_in_one_line(tmp_path, content, message):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=message) as caught:
        Small(checkpoint=str(tmp_path / "other.pth"))
    assert str(tmp_path / "other.pth") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_released_file_is_known_by_its_checksum_whatever_its_name(released, file, tmp_path):
    released()
    copy = tmp_path / "renamed.pth"
    copy.write_bytes(file.read_bytes())
    for one in (file, copy):
        detector = Released(checkpoint=str(one))
        assert detector.trained_on == ("progan",)
        assert detector.release == Released.released[0]


def test_the_name_and_size_of_a_release_with_another_content_are_refused(released, file):
    released(sha256="f" * 64)
    with pytest.raises(WeightsError, match=f"but its sha256 is [0-9a-f]{{64}} in place of {'f' * 64}") as caught:
        Released(checkpoint=str(file))
    assert "\n" not in str(caught.value)


def test_a_file_of_ones_own_is_allowed_and_nothing_is_known_of_it(released, file, tmp_path):
    released(size=99, sha256="f" * 64)  # the name alone
    assert Released(checkpoint=str(file)).trained_on == ()
    released(sha256="f" * 64)  # the size alone
    file.rename(tmp_path / "own.pth")
    own = Released(checkpoint=str(tmp_path / "own.pth"))
    assert own.trained_on == ()
    assert own.release is None


def test_where_no_checksum_is_known_the_name_tells_unless_the_size_differs(released, file):
    released(sha256=None)
    assert Released(checkpoint=str(file)).trained_on == ("progan",)
    released(sha256=None, size=None)
    assert Released(checkpoint=str(file)).trained_on == ("progan",)
    released(sha256=None, size=99)
    assert Released(checkpoint=str(file)).trained_on == ()


def test_what_it_was_trained_on_can_be_said_and_is_read_from_a_file_of_fit(file, tmp_path):
    assert Small(checkpoint=str(file)).trained_on == ()
    assert Small(checkpoint=str(file), trained_on="sd14+adm").trained_on == ("sd14", "adm")
    fitted = tmp_path / "fitted.safetensors"
    save_file(STATE, fitted, {"aigi-bench": '{"trained_on": ["wukong"]}'})
    assert Small(checkpoint=str(fitted)).trained_on == ("wukong",)
    assert Small(checkpoint=str(fitted), trained_on="adm").trained_on == ("adm",)


@pytest.mark.parametrize("text", ["", "SD14", "sd14+", "sd 14", "+adm"])
def test_names_that_are_none_are_refused(text):
    with pytest.raises(OptionError, match="generators' names in lower case"):
        generator_names(text)


def test_names_may_be_joined_by_commas_and_come_once():
    assert generator_names("sd14,adm+sd14") == ("sd14", "adm")


def test_the_fingerprint_follows_the_weights_and_neither_place_nor_name_nor_layout(file, tmp_path):
    first = Small(checkpoint=str(file))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    torch.save({"model": {f"module.{k}": v for k, v in STATE.items()}, "total_steps": 9}, elsewhere / "other.pth")
    same = Small(checkpoint=str(elsewhere / "other.pth"), trained_on="adm")
    assert first.fingerprint(precision="32-true") == same.fingerprint(precision="32-true")
    assert first.fingerprint(precision="32-true") != first.fingerprint(precision="bf16-mixed")
    torch.save({**STATE, "fc.bias": STATE["fc.bias"] + 1e-6}, elsewhere / "moved.pth")
    assert Small(checkpoint=str(elsewhere / "moved.pth")).fingerprint() != first.fingerprint()
    assert first.options == {"checkpoint": "weights.pth", "trained_on": None}
    assert same.options == {"checkpoint": "other.pth", "trained_on": "adm"}


def test_images_of_several_sizes_are_judged_one_by_one(file):
    images = [torch.rand(3, 4, 5), torch.rand(3, 7, 2), torch.rand(3, 1, 1)]
    detector = Small(checkpoint=str(file))
    alone = torch.cat([detector(image[None], torch.zeros(1)) for image in images])
    torch.testing.assert_close(detector(images, torch.arange(3)), alone)


def test_it_is_one_pass_and_stays_in_evaluation_mode(file):
    detector = Small(checkpoint=str(file))
    detector.train()
    assert detector.passes == 1
    assert not any(module.training for module in detector.modules())
    assert not any(parameter.requires_grad for parameter in detector.parameters())


class Counting(nn.Flatten):
    """Gives the pixels of images of 1 x 1 as logits, and notes how many images it is shown at once."""

    def __init__(self) -> None:
        super().__init__(0)
        self.seen: list[int] = []

    def forward(self, images):
        self.seen.append(len(images))
        return super().forward(images)


def test_a_single_image_of_a_batch_takes_the_path_of_larger_batches(file):
    detector = Small(checkpoint=str(file))
    detector.network = Counting()
    pixels = torch.tensor([0.5, -0.5, 0.25]).reshape(3, 1, 1, 1)
    assert detector.logits(pixels[:1]).tolist() == [0.5]
    assert detector.logits(pixels).tolist() == [0.5, -0.5, 0.25]
    assert detector.network.seen == [2, 3]
