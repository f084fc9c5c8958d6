"""Compiled blocks give the scores of eager ones, in one compilation for all that are alike."""

import shutil
from pathlib import Path

import pytest
import timm
import torch
from torch._dynamo.utils import counters

from bench.cli.app import main
from detectors import Backbone, OptionError, create_detector
from detectors.backbones import timm_backbone
from detectors.backbones.compiling import check_compiler

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")


def network() -> Backbone:
    torch.manual_seed(0)
    model = timm.models.vision_transformer.VisionTransformer(
        img_size=56, patch_size=14, embed_dim=48, depth=4, num_heads=4, num_classes=0
    )
    return timm_backbone("small", model.eval())


def backbones(*detectors: torch.nn.Module) -> list[Backbone]:
    modules = (module for detector in detectors for module in detector.modules())
    return list(dict.fromkeys(module for module in modules if isinstance(module, Backbone)))


@pytest.mark.heavy
@needs_compiler
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_compiled_scores_are_the_eager_ones_and_blocks_share_one_compilation(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    backbone = network()
    detectors = [create_detector(name, backbone) for name in ("wepe", "rigid", "mc-dropout")]
    images, keys = torch.rand(6, 3, 56, 56, generator=torch.Generator().manual_seed(1)), torch.arange(6)
    with torch.inference_mode():
        eager = [detector(images.clone(), keys) for detector in detectors]
        for each in backbones(*detectors):
            each.compile_blocks(batch_size=6)
        torch._dynamo.reset()
        counters.clear()
        compiled = [detector(images, keys) for detector in detectors]
        made = counters["stats"]["unique_graphs"]
        short = [detector(images[:2].clone(), keys[:2]) for detector in detectors]
    for before, after, two in zip(eager, compiled, short, strict=True):
        torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-9)
        torch.testing.assert_close(two, before[:2], rtol=1e-4, atol=1e-9)
    assert made == counters["stats"]["unique_graphs"] == 1  # neither for another block nor for a short batch


def test_a_short_batch_is_filled_up_to_the_size_that_was_compiled():
    backbone = network()
    seen: list[int] = []
    backbone.model.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0])))
    images = torch.rand(3, 3, 56, 56)
    with torch.inference_mode():
        free = backbone.compute(images)
        backbone.fixed_batch = 5
        filled = backbone.compute(images)
    assert seen == [3, 5]
    torch.testing.assert_close(filled, free, rtol=1e-5, atol=1e-6)


def test_without_a_compiler_one_line_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(OptionError, match=r"^Compiling needs a C\+\+ compiler, and there is neither g\+\+ nor clang"):
        check_compiler()
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(OptionError, match="CXX=no-such-compiler is not there"):
        check_compiler()


def test_the_command_line_says_so_before_any_work(image_folder: Path, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("CXX", "no-such-compiler")
    words = ["compare", "--detectors", "wepe", "--dataset", "folder", "--data-root", str(image_folder), "--compile"]
    assert main([*words, "--output", str(tmp_path / "results")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "C++ compiler" in line
    assert not (tmp_path / "results").exists()
