"""Logits of ``detectzoo`` 0.1.4 (Apache-2.0, another team's implementations) on equal random weights.

Where both follow the published code the logits are equal; each difference stands here with what the published code
does, and the part of ``detectzoo`` that differs is put right in the test, after which the rest is equal, too.
"""

from pathlib import Path

import open_clip
import pytest
import torch
from detectzoo_classes import assert_equal, detectzoo_module, largest, our_logits, their_logits
from PIL import Image
from released_files import CLIP_SIDE, HEAD_OF_CLIP, small_clip, write_checkpoint
from released_files_two import DISCRIMINATOR
from torch import nn

from datamodules.views import cut_view
from detectors import View, create_detector
from detectors.trained.gradient_pictures import stretched
from detectors.trained.pixels import imagenet_normalised

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated:DeprecationWarning"),  # its Image.fromarray
]


def test_cnnspot_is_the_same(photographs, tmp_path):
    file = write_checkpoint("cnnspot", tmp_path)
    their = detectzoo_module("cnnspot").CNNSpotDetector(checkpoint_path=file)
    assert_equal(
        our_logits(create_detector("cnnspot", checkpoint=str(file)), photographs), their_logits(their, photographs)
    )


@pytest.mark.parametrize(
    ("preprocessing", "their_options"),
    [("native", {}), ("resize", {"load_size": 256}), ("crop", {"genimage_protocol": True})],
)
def test_npr_is_the_same_in_each_of_its_preprocessings(photographs, tmp_path, preprocessing, their_options):
    """Its default is ``native`` with an odd last row and column cut off; ours is ``resize``, as for ForenSynths."""
    file = write_checkpoint("npr", tmp_path)
    their = detectzoo_module("npr_deepfake").NPRDeepfakeDetector(checkpoint_path=file, **their_options)
    detector = create_detector("npr", checkpoint=str(file), preprocessing=preprocessing)
    assert_equal(our_logits(detector, photographs), their_logits(their, photographs))


def test_lgrad_differs_by_the_way_to_8_bits_and_by_rounding(photographs, tmp_path):
    """Ours is right: ``cv2.imwrite`` rounds floats to 8 bits, and detectzoo cuts them off.

    chuangchuangtan/LGrad@34c44d9, img2gad_pytorch/gen_imggrad.py, writes the gradient's 0 ... 255 as floats. The
    gradients themselves are the same in float64. In float32 they are not, by 1 % of the largest for either of the two,
    as a leaky ReLU's slope turns with the last bit of its input: detectzoo and LGrad halve images after the convolution
    below 128 px, ours within it.
    """
    file = write_checkpoint("lgrad", tmp_path)
    their = detectzoo_module("lgrad").LGradDetector(
        checkpoint_path=file, discriminator_path=file.with_name(DISCRIMINATOR)
    )
    detector = create_detector("lgrad", checkpoint=str(file))
    assert largest(our_logits(detector, photographs), their_logits(their, photographs)) > 0.1

    pixels = (2 * (cut_view(photographs[0], detector.view, key=0) / 255) - 1)[None]
    assert torch.equal(pixels[0], their._disc_preprocess(photographs[0]))
    gradients = [
        torch.autograd.grad(network(given).sum(), given)[0]
        for network, given in (
            (one.double(), pixels.double().requires_grad_()) for one in (detector.judge, their._disc)
        )
    ]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12 * gradients[0].abs().max().item())

    picture = stretched(gradients[0]).float()
    levels = Image.fromarray((picture[0] * 255).round().byte().permute(1, 2, 0).numpy())
    on_same = detector.network(imagenet_normalised(picture)), their._model(their._transform(levels)[None])
    torch.testing.assert_close(*on_same, rtol=1e-5, atol=1e-5)


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """Has detectzoo get a small CLIP, with the activation that open_clip's configuration of the asked name has."""
    backbone = small_clip(tmp_path, CLIP_SIDE)

    def create(name: str, pretrained: str, device: torch.device) -> tuple[nn.Module, None, None]:
        assert pretrained == "openai"
        gelu = open_clip.get_model_config(name).get("quick_gelu", False)
        vision = {"layers": 2, "width": 64, "head_width": 32, "patch_size": 14, "image_size": CLIP_SIDE}
        text = {"context_length": 8, "vocab_size": 16, "width": 32, "heads": 2, "layers": 1}
        made = open_clip.CLIP(HEAD_OF_CLIP, vision, text, quick_gelu=gelu)
        made.visual.load_state_dict(backbone.model.state_dict())
        return made, None, None

    monkeypatch.setattr(open_clip, "create_model_and_transforms", create)
    return backbone


def test_univfd_differs_by_the_activation_alone(clip, photographs, tmp_path):
    """Ours is right: OpenAI trained with the quick GELU, and detectzoo's CLIP has the plain one.

    openai/CLIP, clip/model.py, has it, which WisconsinAIVision/UniversalFakeDetect@76a0e3e uses. detectzoo asks
    open_clip for ``ViT-L-14``, whose configuration has the plain one, not for ``ViT-L-14-quickgelu``; open_clip 3.3
    warns of the mismatch ("QuickGELU mismatch between final model config"), and goes on.
    """
    from torchvision import transforms

    file = write_checkpoint("univfd", tmp_path)
    their = detectzoo_module("univfd").UnivFDDetector(checkpoint_path=file)
    their._transform.transforms[0] = transforms.CenterCrop(CLIP_SIDE)  # the small CLIP's
    expected = our_logits(
        create_detector("univfd", clip, checkpoint=str(file)), photographs, View(CLIP_SIDE, "centre-crop")
    )
    assert largest(expected, their_logits(their, photographs)) > 0.001
    for block in their._model.backbone.visual.transformer.resblocks:
        assert isinstance(block.mlp.gelu, nn.GELU)
        block.mlp.gelu = open_clip.transformer.QuickGELU()
    assert_equal(expected, their_logits(their, photographs))
