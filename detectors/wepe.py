"""WePe: a generated image's features move more when the weights of a vision model are perturbed.

``score(x) = 1 - 1/n sum_k cos(f(x; theta), f(x; theta_k))``, half the bound of Eq. 3; or, with several perturbations,
the variance of Eq. 1, ``1/n sum_k ||f_k - mean f||^2``, which the bound exceeds by the bias ``||mean f - f||^2`` that
the paper takes to be zero (appendix A.12): ``2 - 2/n sum_k cos(f, f_k) = variance + bias``.
"""

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from detectors.backbones import Backbone
from detectors.base import Detector, View
from detectors.errors import OptionError, UnknownNameError, check_count
from detectors.perturbation import Blocks, Family, Match, Perturbation, Rule, Tensors
from detectors.similarity import cosine_distance

Statistic = Literal["similarity", "variance"]
DESTROYED_BELOW = 0.5


class WePe(Detector):
    """Weight perturbation.

    The perturbed networks are drawn once from the seed and held for all images (appendix A.10).

    Score:
        Mean cosine distance between clean and perturbed features, in [0, 2], or the variance of the perturbed unit
        features, in [0, 1]; higher means more likely generated.

    Args:
        backbone: The vision model; the paper's is ``dinov2-vitl14``.
        ratio: Factor of the noise's scale.
        rule: How the noise's scale follows from the parameters; the paper's text allows several readings.
        family: Distribution of the noise.
        match: Whether families share their standard deviation or their scale parameter.
        tensors: All tensors of a block or only its weight matrices; the paper does not say.
        blocks: The first k, or a list such as ``0-4,7``; by default 19 of 24 of the depth. On the command line also
            ``probe:k``, the k blocks that a probe of held-out real images finds most alike under noise.
        n: Number of perturbed networks, 1 in the paper's main results.
        statistic: ``similarity`` to the clean features, averaged (Eq. 3, as in all results of the paper), or
            ``variance`` around the mean of the perturbed features (Eq. 1), which needs ``n`` of 2 or more.
        seed: Seed of the perturbation.

    References:
        "Detecting Discrepancies Between AI-Generated and Natural Images Using Uncertainty", arXiv 2412.05897, Eq. 3,
        section 4.1, appendices A.10, A.14 and A.16. No code of the authors was available to check against.
    """

    name = "wepe"
    paper = "arXiv 2412.05897"
    shared_draw = True
    tuned_on = (
        "the paper's blocks: a small set of real and generated images, which are not named (sections 4.3 and A.15); "
        "blocks=probe:k: held-out real images only"
    )
    view = View(224, "random-crop")
    weaknesses = (
        "Noise on photographs makes them look generated: at a standard deviation of 0.05 the mean AUROC falls from "
        "87.99 to 81.79, with five perturbed networks to 85.30 (arXiv 2412.05897, Table 10).",
        "It needs a large DINOv2: the mean AUROC is 72.83 with ViT-S/14 against 87.99 with ViT-L/14, and 77.89 with "
        "the projected features of CLIP ViT-L/14 (arXiv 2412.05897, Table 4).",
        "It fails where the noise on the weights is very small or very large (arXiv 2412.05897, Fig. 4), and the text "
        "leaves open how the noise's scale follows from the weights (arXiv 2412.05897, section 4.1).",
    )

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
        statistic: Statistic = "similarity",
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_count("n", n)
        if statistic not in get_args(Statistic):
            raise UnknownNameError("statistic", str(statistic), get_args(Statistic))
        if statistic == "variance" and n < 2:
            raise OptionError(f"statistic=variance needs n of at least 2 (the variance of one is 0), got n={n}.")
        self.backbone, self.seed, self.n, self.statistic = backbone, seed, n, statistic
        self.ratio, self.rule, self.family, self.match = ratio, rule, family, match
        self.tensors, self.blocks = tensors, blocks
        perturbation = Perturbation(ratio, rule, family, match, tensors, blocks)
        self.chosen_blocks = perturbation.chosen_blocks(backbone.depth)
        self.perturbed = perturbation.models(backbone, seed, n)

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        if self.statistic == "variance":
            return feature_variance(self.perturbed_features(images))
        clean = self.backbone(images)
        return torch.stack([cosine_distance(clean, model(images)) for model in self.perturbed]).mean(dim=0)

    def perturbed_features(self, images: Tensor) -> Tensor:
        """Returns ``(n, B, D)`` unit features of the perturbed networks in float64."""
        return torch.stack([F.normalize(model(images).double(), dim=-1) for model in self.perturbed])

    def bias(self, images: Tensor) -> Tensor:
        """Measures what the equality in Eq. 3 leaves out.

        Args:
            images: ``(B, 3, H, W)`` in [0, 1].

        Returns:
            ``(B,)`` squared distances of the mean perturbed unit feature to the clean one.
        """
        clean = F.normalize(self.backbone(images).double(), dim=-1)
        return (self.perturbed_features(images).mean(dim=0) - clean).square().sum(dim=-1)

    @property
    def passes(self) -> int:  # noqa: D102 - see Detector
        return self.n

    @property
    def settled(self) -> dict[str, object]:
        """The options, with the blocks that were perturbed."""
        blocks = f"{block_ranges(self.chosen_blocks)} of {self.backbone.depth}"
        return self.options | {"blocks": blocks}

    def concern(self, real_scores: Tensor) -> str | None:  # noqa: D102 - see Detector
        similarity = 1 - real_scores.mean().item()
        if self.statistic != "similarity" or similarity >= DESTROYED_BELOW:
            return None
        return (
            f"the mean similarity of the real images is {similarity:.2f}, under {DESTROYED_BELOW}: noise of rule "
            f"{self.rule} at ratio {self.ratio} destroys the features of {self.backbone.name}"
        )


def feature_variance(features: Tensor) -> Tensor:
    """Computes Eq. 1, summed over the components.

    For unit features it equals ``1 - ||mean||^2``, but as a sum of squares it keeps its digits near 0.

    Args:
        features: ``(n, B, D)`` features of ``n`` networks.

    Returns:
        ``(B,)`` variances.

    Examples:
        >>> feature_variance(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]]))
        tensor([0.5000])
    """
    return (features - features.mean(dim=0)).square().sum(dim=-1).mean(dim=0)


def block_ranges(blocks: tuple[int, ...]) -> str:
    """Writes indices shortly.

    Examples:
        >>> block_ranges((0, 1, 2, 5))
        '0-2,5'
    """
    starts = [block for block in blocks if block - 1 not in blocks]
    ends = [block for block in blocks if block + 1 not in blocks]
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))
