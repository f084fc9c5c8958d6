"""WePe: a generated image's features move more when the weights of a vision model are perturbed.

``score(x) = 1 - 1/n sum_k cos(f(x; theta), f(x; theta_k))``, half the bound of Eq. 3.
"""

import torch
from torch import Tensor, nn

from detectors.backbones import Backbone
from detectors.base import Detector, View, register
from detectors.errors import OptionError
from detectors.perturbation import Blocks, Family, Match, Perturbation, Rule, Tensors
from detectors.similarity import cosine_distance

DESTROYED_BELOW = 0.5


@register
class WePe(Detector):
    """Weight perturbation.

    The perturbed networks are drawn once from the seed and held for all images (appendix A.10).

    Score:
        Mean cosine distance between clean and perturbed features, in [0, 2]; higher means more likely generated.

    Args:
        backbone: The vision model; the paper's is ``dinov2-vitl14``.
        ratio: Factor of the noise's scale.
        rule: How the noise's scale follows from the parameters; the paper's text allows several readings.
        family: Distribution of the noise.
        match: Whether families share their standard deviation or their scale parameter.
        tensors: All tensors of a block or only its weight matrices; the paper does not say.
        blocks: The first k, or a list such as ``0-4,7``; by default 19 of 24 of the depth.
        n: Number of perturbed networks, 1 in the paper's main results.
        seed: Seed of the perturbation.

    References:
        "Detecting Discrepancies Between AI-Generated and Natural Images Using Uncertainty", arXiv 2412.05897, Eq. 3,
        section 4.1, appendices A.10, A.14 and A.16. No code of the authors was available to check against.
    """

    name = "wepe"
    paper = "arXiv 2412.05897"
    view = View(224, "random-crop")

    def __init__(
        self,
        backbone: Backbone,
        *,
        ratio: float = 0.1,
        rule: Rule = "tensor_absmean",
        family: Family = "gaussian",
        match: Match = "std",
        tensors: Tensors = "all",
        blocks: Blocks = None,
        n: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if n < 1:
            raise OptionError(f"n must be at least 1, got {n}.")
        self.backbone, self.seed, self.n = backbone, seed, n
        self.ratio, self.rule, self.family, self.match = ratio, rule, family, match
        self.tensors, self.blocks = tensors, blocks
        perturbation = Perturbation(ratio, rule, family, match, tensors, blocks)
        self.chosen_blocks = perturbation.chosen_blocks(backbone.depth)
        self.perturbed = nn.ModuleList(perturbation.perturb(backbone, seed, draw) for draw in range(n))

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        clean = self.backbone(images)
        return torch.stack([cosine_distance(clean, model(images)) for model in self.perturbed]).mean(dim=0)

    @property
    def passes(self) -> int:  # noqa: D102 - see Detector
        return self.n

    @property
    def settled(self) -> dict[str, object]:
        """The options, with the blocks that were perturbed."""
        blocks = f"{_ranges(self.chosen_blocks)} of {self.backbone.depth}"
        return self.options | {"blocks": blocks}

    def concern(self, real_scores: Tensor) -> str | None:  # noqa: D102 - see Detector
        similarity = 1 - real_scores.mean().item()
        if similarity >= DESTROYED_BELOW:
            return None
        return (
            f"the mean similarity of the real images is {similarity:.2f}, under {DESTROYED_BELOW}: noise of rule "
            f"{self.rule} at ratio {self.ratio} destroys the features of {self.backbone.name}"
        )


def _ranges(blocks: tuple[int, ...]) -> str:
    """Writes indices shortly: ``(0, 1, 2, 5)`` as ``0-2,5``."""
    starts = [block for block in blocks if block - 1 not in blocks]
    ends = [block for block in blocks if block + 1 not in blocks]
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))
