"""Logits of ``detectzoo`` 0.1.4 for the detectors of 2024 and later; see ``test_detectzoo.py``."""

from types import SimpleNamespace

import open_clip
import pytest
import timm
import torch
import transformers
from detectzoo_classes import assert_equal, detectzoo_module, largest, our_logits, their_logits
from plain_networks import drawn
from released_cnn import ARCHITECTURES, aide_shapes
from released_files import small_network, write_checkpoint
from released_files_two import pictures
from released_vit import CLIP_NORMALISE, SMALL_CLIP, c2p_layout, c2p_logits, random_state, spread
from torch import nn
from torchvision import transforms

from detectors import create_detector
from detectors.trained.aide import Aide
from detectors.trained.c2p_clip import C2PClip
from detectors.trained.drct import centre_of
from detectors.trained.safe import SIDE

pytestmark = pytest.mark.oracle


def test_safe_is_the_same_of_the_published_crop(photographs, tmp_path):
    """Ours is right: Ouxiang-Li/SAFE@78b2745, scripts/eval.sh, crops 256 px, and detectzoo 200 px by default."""
    file = write_checkpoint("safe", tmp_path)
    module, expected = detectzoo_module("safe"), our_logits(create_detector("safe", checkpoint=str(file)), photographs)
    assert largest(expected, their_logits(module.SAFEDetector(checkpoint_path=file), photographs)) > 0.05
    assert_equal(expected, their_logits(module.SAFEDetector(checkpoint_path=file, input_size=SIDE), photographs))


def test_drct_differs_by_the_picture_alone(photographs, tmp_path, monkeypatch):
    """Ours is right: beibuwandeluori/DRCT@364012a, data/transform.py, crops 224 px of the pixels as they are.

    detectzoo scales the short side to 256 px before.
    """
    create = timm.create_model

    def small(name: str, **options: object) -> nn.Module:
        assert name == "convnext_base_in22k"
        return create("convnext_base", **ARCHITECTURES["drct"]["convnext"], **options)

    file = write_checkpoint("drct", tmp_path)
    with small_network("drct"):
        detector = create_detector("drct", checkpoint=str(file))
    monkeypatch.setattr(timm, "create_model", small)
    embedding = ARCHITECTURES["drct"]["embedding"]
    their = detectzoo_module("drct").DRCTDetector(checkpoint_path=file, embedding_size=embedding)
    expected = our_logits(detector, photographs)
    assert largest(expected, their_logits(their, photographs)) > 0.05
    normalised = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    their._transform = transforms.Compose([transforms.ToTensor(), centre_of, normalised])
    assert_equal(expected, their_logits(their, photographs))


def test_c2p_clip_has_another_of_the_two_published_pictures(photographs, tmp_path, monkeypatch):
    """Both are published: the first release scales a short side to 224 px, the code that followed crops.

    chuangchuangtan/C2P-CLIP-DeepfakeDetection@dd138d5, inference.py, is what detectzoo's checkpoint came with: ours
    takes its picture by default. The other is that of tbtiberiu/C2P-CLIP@7a920bf, which tiles images under 224 px, and
    detectzoo puts them on black.
    """
    small = {**SMALL_CLIP, "output_dim": 768}  # the width of detectzoo's linear layer
    file, inputs = tmp_path / "C2P_CLIP_release_20240901.pth", CLIP_NORMALISE(pictures(8, 224))
    torch.save(spread(random_state(c2p_layout(**small), 6), "model.fc", lambda state: c2p_logits(state, inputs)), file)
    sizes = {
        "hidden_size": small["width"],
        "intermediate_size": 4 * small["width"],
        "num_hidden_layers": small["layers"],
        "num_attention_heads": small["heads"],
    }
    vision = {**sizes, "image_size": small["image_size"], "patch_size": small["patch_size"]}
    config = transformers.CLIPConfig(text_config=sizes, vision_config=vision, projection_dim=small["output_dim"])
    monkeypatch.setattr(transformers.CLIPModel, "from_pretrained", lambda name: transformers.CLIPModel(config))
    monkeypatch.setattr(C2PClip, "architecture", small)
    their = detectzoo_module("c2p_clip").C2PCLIPDetector(checkpoint_path=file)
    scaled, cropped = (
        our_logits(create_detector("c2p-clip", checkpoint=str(file), preprocessing=way), photographs)
        for way in ("resize", "crop")
    )
    theirs = their_logits(their, photographs)
    assert largest(scaled, theirs) > 0.05
    assert_equal(cropped[:2], theirs[:2])
    assert largest(cropped[2:], theirs[2:]) > 0.05


def test_aide_differs_by_the_antialiasing_of_the_whole_image(photographs, tmp_path, monkeypatch):
    """Ours is right: torchvision 0.15.2, which the authors' README names, scales tensors without antialiasing.

    shilinyan99/AIDE@101d14f, data/datasets.py, scales a tensor; since torchvision 0.17 that antialiases by default, as
    detectzoo does with the version that it asks for. The patches are enlarged, which is the same either way.
    """
    sizes = {**ARCHITECTURES["aide"], "blocks": (3, 4, 6, 3), "projected": 256, "hidden": 1024, "side": 256}
    sizes["dims"] = (8, 16, 24, 3072)
    monkeypatch.setattr(Aide, "architecture", sizes)
    file = tmp_path / "progan_train.pth"
    torch.save({"model": drawn(aide_shapes(**sizes), seed=5)}, file)

    def create(name: str, pretrained: str) -> tuple[SimpleNamespace, None, None]:
        assert (name, pretrained) == ("convnext_xxlarge", "laion2b_s34b_b82k_augreg_soup")
        trunk = timm.create_model("convnext_xxlarge", depths=sizes["depths"], dims=sizes["dims"], num_classes=0)
        return SimpleNamespace(visual=SimpleNamespace(trunk=trunk)), None, None

    monkeypatch.setattr(open_clip, "create_model_and_transforms", create)
    module = detectzoo_module("aide")
    their, detector = module.AIDEDetector(checkpoint_path=file), create_detector("aide", checkpoint=str(file))
    expected = our_logits(detector, photographs)
    assert largest(expected, their_logits(their, photographs)) > 1e-4
    module._RESIZE.transforms[0].antialias = False
    try:
        assert_equal(expected, their_logits(their, photographs))
    finally:
        module._RESIZE.transforms[0].antialias = True
