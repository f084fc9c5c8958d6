"""DDA: real images and their reconstructions, alike in pixels, frequencies and compression, teach a DINOv2.

``score(x) = sigmoid(w . f(x) + b)`` with the class token ``f`` of a DINOv2 that was tuned with LoRA.
"""

from collections.abc import Mapping
from typing import ClassVar

import timm
import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as transforms  # type: ignore[import-untyped]

from detectors.backbones.dinov2 import resize_position_embedding
from detectors.base import View
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.checkpoints import Checkpoint
from detectors.trained.merging import merged_lora
from detectors.trained.pixels import clip_normalised

ALPHA = 1.0
"""The published scale of the LoRA; its rank of 8 is in the file."""
NAMES = {"base_model.model.": "", "base_model.fc.": "head."}
"""What names begin with in the file, and in timm."""


class Dda(TrainedDetector):
    """A DINOv2 ViT-L/14 with LoRA on its linear layers, trained on COCO and its reconstructions by an autoencoder.

    The reconstructions are those of Stable Diffusion 2.1's autoencoder (``Reconstruction/vae_rec.py`` at 396bd9d), so
    that no generator's own images were seen in training.

    A file keeps weights and LoRA apart; they are added up while it is loaded, so that one plain DINOv2 runs. It sees
    the central 336 x 336 of an image at its own size: take ``--resize none``. Smaller images are surrounded by black.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the DINOv2, its LoRA and the linear layer.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Chen, Xi, Yan, Zhang, Wu, Xie, Chen, Xu, Guan, Yao and Ding, "Dual Data Alignment Makes AI-Generated Image
        Detector Easier Generalizable", arXiv 2505.14359; roy-ch/Dual-Data-Alignment at 80f2789 (``inference.py``),
        03bb243 and 9157920 (``models``), 2a266be (``Training``); facebookresearch/dinov2 at 027a9ac. An earlier script
        of theirs (fe24896) takes 224 pixels, with a checkpoint that they withdrew. Size and checksum of the released
        file are from third parties' records.
    """

    name = "dda"
    paper = "arXiv 2505.14359"
    citations = (
        {
            "key": "chen2025dual",
            "author": "Chen, Ruoxin and Xi, Junwei and Yan, Zhiyuan and Zhang, Ke-Yue and Wu, Shuang and Xie, Jingyi "
            "and Chen, Xu and Xu, Lei and Guan, Isabel and Yao, Taiping and Ding, Shouhong",
            "title": "Dual Data Alignment Makes AI-Generated Image Detector Easier Generalizable",
            "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
            "year": "2025",
            "eprint": "2505.14359",
        },
    )
    view = View(336, "centre-crop")
    unscaled = True
    released = (
        ReleasedFile(
            "DDA_ckpt.pth",
            "huggingface.co/Junwei-Xi/Dual-Data-Alignment@4390d90",
            ("sd21",),
            1_255_621_296,
            "b27a31d39374803ddeff02bfabb2be76e190b04300490cddfafb24f683f37e3e",
            "Apache-2.0",
        ),
    )
    architecture: ClassVar[Mapping[str, int]] = {
        "crop": 336,
        "img_size": 518,
        "patch_size": 14,
        "embed_dim": 1024,
        "depth": 24,
        "num_heads": 16,
    }
    weaknesses = (
        "Of an image of 2,000 pixels or more the central crop alone gives a user poor results "
        "(roy-ch/Dual-Data-Alignment, issue 11).",
    )

    def __init__(self, *, checkpoint: str | None = None, trained_on: str | None = None, seed: int = 0) -> None:
        self.side: int = self.architecture["crop"]
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)
        resize_position_embedding(self.network, self.side)

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Adds the LoRA to the weights, and renames the tensors."""
        state = dict(checkpoint.state)
        for ours, theirs in NAMES.items():
            state = {theirs + key.removeprefix(ours) if key.startswith(ours) else key: state[key] for key in state}
        state.pop("mask_token", None)  # for training alone
        return merged_lora(state, ALPHA)

    def build(self) -> nn.Module:
        """Builds timm's DINOv2 with one logit, without values: a random start of 300 million numbers takes seconds."""
        sizes = {name: size for name, size in self.architecture.items() if name != "crop"}
        with torch.device("meta"):
            network: nn.Module = timm.create_model("vit_large_patch14_dinov2", num_classes=1, **sizes)
        return network.to_empty(device="cpu")

    def prepared(self, images: Tensor) -> Tensor:
        """Takes the centre where the view has not done so, and normalises it."""
        return clip_normalised(transforms.center_crop(images, [self.side, self.side]))
