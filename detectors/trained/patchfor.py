"""PatchFor: a network that sees no more than a small patch judges every patch of an image.

``score(x) = mean over patches p of softmax(Xception_2(x))_p[generated]``, with an Xception cut after a few blocks.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from detectors.base import View
from detectors.errors import OptionError
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.checkpoints import Checkpoint
from detectors.trained.fitted_file import fitted_facts
from detectors.trained.networks.xception import STEM, WIDTHS, PatchXception

NUMBERED = re.compile(r"block(\d+)\.")


class PatchFor(TrainedDetector):
    """A truncated Xception, trained on aligned faces of 128 pixels, with two logits a patch.

    The block that it is cut after, 1 to 5, is read off the names in the checkpoint. All trainings of the release have
    the same file's name: leave the file in its folder, whose name tells them apart, or say ``trained_on``. Networks of
    other kinds (ResNet-18, a whole or a longer Xception) are not read.

    In released files the first logit is that of generated images; in files that ``python -m bench fit`` wrote, as their
    record says, the second.

    Score:
        Mean of the patches' probabilities of being generated, in [0, 1]; higher means more likely generated. It is the
        published average after the softmax; ``logits`` are the logits of that mean.

    Args:
        checkpoint: File of the network.
        generated: Which of the two logits is that of generated images, 0 or 1; by default 1 where the file has the
            record of a training of this suite, and 0, as published, where it has none.
        trained_on: Generators that it was trained on, joined by ``+``, where neither folder nor record says.
        seed: Nothing is drawn.

    References:
        Chai, Bau, Lim and Isola, "What makes fake images detectable? Understanding properties that generalize",
        arXiv 2008.10588; chail/patch-forensics at e676e41. The folder of the release was not seen: its checkpoint is
        the one that the README's examples name, and 299 pixels and generated images as class 0 are those of the
        published scripts and defaults, not of the ``opt.yml`` beside the file.
    """

    name = "patchfor"
    paper = "arXiv 2008.10588"
    citations = (
        {
            "key": "chai2020makes",
            "author": "Chai, Lucy and Bau, David and Lim, Ser-Nam and Isola, Phillip",
            "title": "What makes fake images detectable? Understanding properties that generalize",
            "booktitle": "European Conference on Computer Vision (ECCV)",
            "year": "2020",
            "eprint": "2008.10588",
        },
    )
    fitted_here = True
    view = View(299, "short-side", interpolation="lanczos")
    unscaled = True
    released = (
        ReleasedFile(
            "gp1-gan-winversion_seed0_xception_block2_constant_p20/bestval_net_D.pth",
            "chail/patch-forensics@0236e34, README (Google Drive)",
            ("progan",),
            licence="none stated",
        ),
    )
    weaknesses = (
        "It was made for aligned faces and need not work on other images, say its authors "
        "(chail/patch-forensics@0236e34, README).",
        "Real images of another format or another processing than the generated ones made it generalise misleadingly "
        "well: what it had learned was the format (chail/patch-forensics@0236e34, README).",
    )
    architecture: ClassVar[Mapping[str, Any]] = {"stem": STEM, "widths": WIDTHS}

    def __init__(
        self,
        *,
        checkpoint: str | None = None,
        generated: int | None = None,
        trained_on: str | None = None,
        seed: int = 0,
    ) -> None:
        if generated not in (None, 0, 1):
            raise OptionError(f"generated must be 0 or 1, got {generated}.")
        self.generated, self.block = generated, 1
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Reads off the file where the network is cut, and which of its logits is that of generated images."""
        numbers = [int(match[1]) for name in checkpoint.state if (match := NUMBERED.match(name))]
        self.block = min(max(numbers, default=1), len(self.architecture["widths"]))
        if self.generated is None:
            self.generated = int((fitted_facts(checkpoint.file) or {}).get("detector") == self.name)
        return checkpoint.state

    def build(self) -> nn.Module:
        """Builds the network up to the block that the file ends with."""
        return PatchXception(self.block, **self.architecture)

    def prepared(self, images: Tensor) -> Tensor:
        """Takes images to [-1, 1]."""
        return 2 * images - 1

    def training_logits(self, images: Tensor) -> Tensor:
        """Judges every patch: the binary cross-entropy of these is the published cross-entropy of two logits.

        Args:
            images: ``(B, 3, H, W)`` in [0, 1].

        Returns:
            ``(B, P)``, of ``P`` patches; above 0 means generated.
        """
        return self.of_patches(self.network(self.prepared(images)))

    def of_patches(self, outputs: Tensor) -> Tensor:
        """Makes of two logits ``(B, 2, H, W)`` their difference towards generated images, ``(B, H W)``."""
        difference = (outputs[:, 1] - outputs[:, 0]).flatten(1)
        return difference if self.generated else -difference

    def towards_generated(self, outputs: Tensor) -> Tensor:
        """Computes the logit of the mean of the patches' probabilities, ``(B,)`` in float64.

        It is the logarithm of their sum less that of the sum of the opposite probabilities, both in logarithms
        throughout: a mean next to 0 keeps its digits, and so does one next to 1, until the sigmoid is taken.
        """
        logits = self.of_patches(outputs).double()
        generated, real = (F.logsigmoid(sided).logsumexp(dim=1) for sided in (logits, -logits))
        return generated - real
