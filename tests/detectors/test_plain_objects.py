"""Files as training scripts write them."""

import argparse
import os
import pickle
import types
from collections import defaultdict
from pathlib import Path, PurePath

import lightning
import numpy as np
import pytest
import timm
import torch
from lightning.fabric.utilities.data import AttributeDict
from timm.utils import CheckpointSaver
from torch import nn

from detectors import WeightsError, create_detector
from detectors.plain_objects import PLAIN, load_plain
from detectors.weights import read_weights


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))


def same(state, network):
    expected = network.state_dict()
    return state.keys() == expected.keys() and all(torch.equal(state[name], expected[name]) for name in expected)


class Stepped(lightning.LightningModule):
    def __init__(self, network, **options):
        super().__init__()
        self.save_hyperparameters(ignore=["network"])
        self.model = network

    def training_step(self, batch, batch_idx):
        return self.model(batch).mean()

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters())


def written_by_lightning(network, file, epochs, **options):
    trainer = lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        default_root_dir=file.parent,
    )  # fmt: skip
    trainer.fit(Stepped(network, **options), torch.utils.data.DataLoader(torch.rand(4, 2)))
    trainer.save_checkpoint(file)


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore:The 'train_dataloader' does not have many workers")
@pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.` is deprecated")
@pytest.mark.parametrize("compiled", [False, True])
def test_what_lightnings_trainer_writes_is_read(tmp_path, compiled):
    network, file = small(), tmp_path / "last.ckpt"
    options = {"lr": np.float64(1e-3), "data": tmp_path, "nested": AttributeDict(depth=2), "seen": defaultdict(list)}
    written_by_lightning(torch.compile(network) if compiled else network, file, epochs=1 - compiled, **options)
    content = torch.load(file, weights_only=False)
    assert content["hyper_parameters"]["data"] == tmp_path
    assert all(name.startswith("model._orig_mod." if compiled else "model.") for name in content["state_dict"])
    assert same(read_weights(file), network)


def test_what_timms_training_writes_gives_the_scores_of_the_network(tmp_path):
    torch.manual_seed(0)
    network = timm.create_model("test_resnet", num_classes=1).eval()
    args = argparse.Namespace(model="test_resnet", lr=0.1, data_dir=tmp_path, opt_betas=None, mean=(0.5, 0.5, 0.5))
    saver = CheckpointSaver(
        network,
        torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9),
        args=args,
        amp_scaler=timm.utils.NativeScaler(device="cpu"),
        checkpoint_dir=str(tmp_path),
        recovery_dir=str(tmp_path),
    )
    saver.save_checkpoint(3, metric=np.float32(81.5))
    file = tmp_path / "last.pth.tar"
    assert torch.load(file, weights_only=False)["args"] == args
    assert same(read_weights(file), network)
    detector = create_detector("timm", model="test_resnet", checkpoint=str(file))
    assert same(detector.network.state_dict(), network)


@pytest.mark.parametrize(
    "wrap",
    [
        nn.DataParallel,
        torch.compile,
        lambda network: torch.compile(nn.DataParallel(network)),
        lambda network: nn.ModuleDict({"net": torch.compile(network)}),
        lambda network: nn.ModuleDict({"network": nn.DataParallel(network)}),
    ],
)
@pytest.mark.parametrize("key", [None, "state_dict", "model", "model_state_dict", "net", "network"])
@pytest.mark.heavy
def test_names_lose_what_wrappers_put_before_them(tmp_path, wrap, key):
    network = small()
    state = wrap(network).state_dict()
    assert state.keys() != network.state_dict().keys()
    torch.save({key: state, "epoch": 3} if key else state, tmp_path / "weights.pth")
    assert same(read_weights(tmp_path / "weights.pth"), network)


def test_a_prefix_that_only_some_names_have_stays(tmp_path):
    state = {"model.fc.bias": torch.ones(1), "criterion.weight": torch.ones(1)}
    torch.save({"state_dict": state}, tmp_path / "weights.pth")
    assert read_weights(tmp_path / "weights.pth").keys() == state.keys()


@pytest.mark.parametrize("old", [False, True])
def test_plain_objects_are_read_as_what_cannot_act(tmp_path, old):
    content = {
        "namespace": argparse.Namespace(a=1),
        "simple": types.SimpleNamespace(b=2),
        "path": Path("some/where"),
        "defaults": defaultdict(int, c=3),
        "attributes": AttributeDict(d=4),
        "numbers": (np.float64(1.5), np.int64(7), np.bool_(True)),
        "array": np.arange(3.0),
        "dtype": np.dtype("float32"),
        "tensor": torch.ones(1),
    }
    torch.save(content, tmp_path / "file.pth", _use_new_zipfile_serialization=not old)
    read = load_plain(tmp_path / "file.pth")
    assert read["namespace"] == argparse.Namespace(a=1)
    assert vars(read["simple"]) == {"b": 2}
    assert read["path"] == PurePath("some/where")
    assert type(read["path"]) is not type(Path())
    assert (type(read["defaults"]), read["defaults"]) == (dict, {"c": 3})
    assert read["attributes"] == {"d": 4}
    assert read["numbers"] == (1.5, 7, True)
    assert read["array"].tolist() == [0, 1, 2]
    assert read["dtype"] == np.float32


def test_nothing_stays_registered_and_nothing_of_others_is_taken_away(tmp_path):
    torch.save({"a": torch.ones(1), "args": argparse.Namespace()}, tmp_path / "file.pth")
    before = set(torch.serialization.get_safe_globals())
    others = (argparse.Namespace, "argparse.Namespace")
    assert others not in before
    with torch.serialization.safe_globals([others]):
        load_plain(tmp_path / "file.pth")
        assert set(torch.serialization.get_safe_globals()) == {*before, others}
    load_plain(tmp_path / "file.pth")
    assert set(torch.serialization.get_safe_globals()) == before


class Config:
    """A class of somebody's script."""


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, call):
        self.call = call

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("old", [False, True])
def test_a_class_that_is_not_known_is_named_with_the_way_out(tmp_path, old):
    content = {"state_dict": small().state_dict(), "config": Config()}
    torch.save(content, tmp_path / "file.pth", _use_new_zipfile_serialization=not old)
    with pytest.raises(WeightsError, match=r"Config, and code in a file is never run\. If you trust the file") as error:
        read_weights(tmp_path / "file.pth")
    assert "\n" not in str(error.value)
    content = torch.load(tmp_path / "file.pth", weights_only=False)  # as detectors/README.md says
    torch.save(content["state_dict"], tmp_path / "tensors.pth")
    assert same(read_weights(tmp_path / "tensors.pth"), small())


@pytest.mark.parametrize("key", [None, "args", "hyper_parameters"])
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("old", [False, True])
def test_code_between_plain_objects_never_runs(tmp_path, key, wrapped, old):
    touched = tmp_path / "touched"
    trap = Trap((os.mkdir, (str(touched),)))
    inner = argparse.Namespace(options=defaultdict(list, {"path": [trap]})) if wrapped else trap
    content = {"state_dict": small().state_dict(), key: inner} if key else inner
    torch.save(content, tmp_path / "file.pth", _use_new_zipfile_serialization=not old)
    with pytest.raises(WeightsError, match="code in a file is never run"):
        read_weights(tmp_path / "file.pth")
    assert not touched.exists()
    torch.load(tmp_path / "file.pth", weights_only=False)
    assert touched.exists()  # so the file would have run it


def test_a_known_class_cannot_be_given_code_to_call(tmp_path):
    touched = tmp_path / "touched"
    for call in (
        (eval, (f"__import__('os').mkdir({str(touched)!r})",)),
        (getattr, (argparse.Namespace(), "x")),
        (map, (os.mkdir, [str(touched)])),
    ):
        (tmp_path / "file.pth").write_bytes(pickle.dumps({"a": Trap(call)}, protocol=2))
        with pytest.raises(WeightsError, match="code in a file is never run"):
            read_weights(tmp_path / "file.pth")
    assert not touched.exists()


def test_no_stand_in_opens_files_or_looks_up_names():
    harmless = {"argparse", "builtins", "collections", "numpy", "numpy.dtypes", "numpy._core.multiarray", "pathlib",
                "pathlib._local", "types", "detectors.plain_objects"}  # fmt: skip
    assert {made.__module__ for made in PLAIN.values()} <= harmless
    assert not {eval, exec, getattr, open, __import__} & {made for made in PLAIN.values() if callable(made)}
