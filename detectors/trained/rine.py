"""RINE: the class tokens of all blocks of CLIP, of which the trained part learns which to heed.

``score(x) = sigmoid(head(P2(sum_b softmax_b(alpha) * P1(z_b(x)))))`` with the class token ``z_b`` within block ``b``.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from detectors.backbones import Backbone
from detectors.base import View
from detectors.errors import WeightsError
from detectors.trained.base import ReleasedFile
from detectors.trained.checkpoints import Checkpoint
from detectors.trained.networks.rine import RineHead
from detectors.trained.on_clip import CLIP, ClipDetector

SOURCE = "mever-team/rine@325a1c9, ckpt"
LICENCE = "Apache-2.0, the repository's"
PLACE = "ln_2"
MOST_PROJECTIONS, WIDEST = 16, 4096
"""Far above the published grid (1 to 4 projections, 128 to 1024 wide): a file could otherwise ask for any memory."""


class Rine(ClipDetector):
    """A trained judge of what CLIP ViT-L/14 has after the attention of each of its blocks.

    The tokens are the outputs of every block's second norm, ``ln_2``, of which the released code takes the class token.
    They come out of the very pass that gives CLIP's features, so that ``univfd`` and ``rine`` together cost one. The
    released files hold the trained part alone, and CLIP's weights come separately, as ``--backbone clip-vitl14`` (with
    either kind of features) or, where the other detectors of a comparison want another backbone, by ``clip_weights``.
    The published preprocessing does not scale images: take ``--resize none`` for it. The authors ran CLIP in half
    precision, as it does on a GPU.

    For Synthbuster they averaged the logits of ten crops; only the central crop of their other tests is offered here.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        backbone: ``clip-vitl14``; another one is not looked at if there are ``clip_weights``.
        checkpoint: File of the trained part: ``alpha``, ``proj1``, ``proj2`` and ``head``, whose sizes it tells.
        clip_weights: File of CLIP ViT-L/14, or ``published`` for that of the Hugging Face hub, where the run's backbone
            is another one.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Koutlis and Papadopoulos, "Leveraging Representations from Intermediate Encoder-blocks for Synthetic Image
        Detection", arXiv 2402.19091; mever-team/rine@325a1c9, src/models.py, src/utils.py. The size of the file of
        four classes is another project's record; checksums, and the other sizes, could not be read.
    """

    name = "rine"
    paper = "arXiv 2402.19091"
    citations = (
        {
            "key": "koutlis2024leveraging",
            "author": "Koutlis, Christos and Papadopoulos, Symeon",
            "title": "Leveraging Representations from Intermediate Encoder-blocks for Synthetic Image Detection",
            "booktitle": "European Conference on Computer Vision (ECCV)",
            "year": "2024",
            "eprint": "2402.19091",
        },
    )
    view = View(224, "centre-crop")
    unscaled = True
    released = (
        ReleasedFile("model_4class_trainable.pth", SOURCE, ("progan",), 25_298_182, licence=LICENCE),
        ReleasedFile("model_2class_trainable.pth", SOURCE, ("progan",), licence=LICENCE),
        ReleasedFile("model_1class_trainable.pth", SOURCE, ("progan",), licence=LICENCE),
        ReleasedFile("model_ldm_trainable.pth", SOURCE, ("ldm",), licence=LICENCE),
    )
    needs = (
        "It is the trained part alone: CLIP's weights are needed, too, by --backbone clip-vitl14 or the option "
        "clip_weights=FILE."
    )
    architecture: ClassVar[Mapping[str, Any]] = {"blocks": 24, "width": 1024}
    reads = "the blocks"
    weaknesses = (
        "A verification service retired the model trained on ProGAN for bad performance (AFP-Medialab/"
        "verification-plugin, issue 730).",
    )

    def __init__(
        self,
        backbone: Backbone,
        *,
        checkpoint: str | None = None,
        clip_weights: str | None = None,
        trained_on: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(backbone, checkpoint=checkpoint, clip_weights=clip_weights, trained_on=trained_on, seed=seed)
        self.taps = [self.backbone.tap(block, "cls", PLACE) for block in range(self.architecture["blocks"])]

    @staticmethod
    def accepts(backbone: str) -> bool:
        """Takes CLIP's blocks, whichever of its features the run wants."""
        return backbone.partition(":")[0] == CLIP

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Reads off the trained part's sizes.

        Raises:
            WeightsError: They are no sizes that such a part has.
        """
        names = [name for name in checkpoint.state if re.fullmatch(r"proj1\.\d+\.weight", name)]
        alpha = checkpoint.state.get("alpha")
        if alpha is None or not names:
            raise WeightsError(f"{checkpoint.file} is no trained part of RINE: it has no alpha, or no proj1.")
        self.projections, self.dimension = len(names), alpha.shape[-1] if alpha.ndim else 0
        if not 0 < self.dimension <= WIDEST or self.projections > MOST_PROJECTIONS:
            raise WeightsError(
                f"{checkpoint.file} has {self.projections} projections to {self.dimension} features; expected at most "
                f"{MOST_PROJECTIONS} to {WIDEST}."
            )
        return checkpoint.state

    def build(self) -> nn.Module:
        """Builds the trained part with the sizes that the file has."""
        return RineHead(**self.architecture, projections=self.projections, dimension=self.dimension)

    def features(self, images: Tensor) -> Tensor:
        """Takes the class token after the second norm of every block, ``(B, blocks, width)``."""
        return torch.stack([self.backbone.layer(images, tap) for tap in self.taps], dim=1)
