"""WePe: a generated image's features move more when the weights of a vision model are perturbed.

``score(x) = 1 - 1/n sum_k cos(f(x; theta), f(x; theta_k))``, half the bound of Eq. 3; or, with several perturbations,
the variance of Eq. 1, ``1/n sum_k ||f_k - mean f||^2``, which the bound exceeds by the bias ``||mean f - f||^2`` that
the paper takes to be zero (appendix A.12): ``2 - 2/n sum_k cos(f, f_k) = variance + bias``.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from detectors.backbones import Backbone
from detectors.base import Detector, View
from detectors.errors import OptionError, UnknownNameError, check_count
from detectors.perturbation import Blocks, Perturbation, Rule, Stream, Tensors
from detectors.randomness import Family, Match
from detectors.similarity import cosine_distance

Preset = Literal["code", "text"]
Preprocessing = Literal["resize", "random-crop"]
Statistic = Literal["similarity", "variance"]
PRESETS: dict[Preset, tuple[Rule, Preprocessing]] = {
    "code": ("tensor_mean", "resize"),
    "text": ("tensor_absmean", "random-crop"),
}
BOTH = {"ratio": 0.1, "family": "gaussian", "blocks": "0-18 of 24", "n": 1, "statistic": "similarity"}
CODE = {**BOTH, "rule": "tensor_mean", "tensors": "all", "preprocessing": "resize", "stream": "published"}
TEXT = {**BOTH, "preprocessing": "random-crop"}
"""What the authors' code does, and what the paper says."""
READINGS = ("tensor_absmean", "block_absmean", "block_absmean_var", "tensor_mean_var", "block_mean_var")
"""Rules that the paper's sentence on the noise's scale can be read as."""
DESTROYED_BELOW = 0.5


class WePe(Detector):
    """Weight perturbation.

    The perturbed networks are drawn once from the seed and held for all images (appendix A.10). The authors' code and
    the paper's text differ in two places, and a preset follows either: the noise's scale, and the picture, which the
    code resizes to 224 x 224 and the text crops at random. An option that is given wins over its preset.

    Score:
        Mean cosine distance between clean and perturbed features, in [0, 2], or the variance of the perturbed unit
        features, in [0, 1]; higher means more likely generated.

    Args:
        backbone: The vision model; the paper's is ``dinov2-vitl14``.
        preset: ``code``, the settings of the authors' code, or ``text``, those of the paper's text.
        preprocessing: ``resize`` to 224 x 224 without keeping the aspect, as the code, or a ``random-crop`` of the
            image's own pixels, as the text; by default the preset's.
        ratio: Factor of the noise's scale.
        rule: How the noise's scale follows from the parameters; by default the preset's, ``tensor_mean`` of the code
            or ``tensor_absmean`` for the text, which allows several readings.
        family: Distribution of the noise.
        match: Whether families share their standard deviation or their scale parameter.
        tensors: All tensors of a block, as in the code, or only its weight matrices.
        blocks: The first k, or a list such as ``0-4,7``; by default 19 of 24 of the depth. On the command line also
            ``probe:k``, the k blocks that a probe of held-out real images finds most alike under noise.
        n: Number of perturbed networks, 1 in the paper's main results and in the code.
        statistic: ``similarity`` to the clean features, averaged (Eq. 3, as in all results of the paper), or
            ``variance`` around the mean of the perturbed features (Eq. 1), which needs ``n`` of 2 or more.
        stream: ``own``, random numbers that depend on each tensor's name, or ``published``, those that the authors'
            code draws with the same seed and the same torch. It needs one network, the first blocks, and DINOv2
            ViT-S/14, B/14 or L/14, and first draws for seconds what building the code's two networks draws.
        seed: Seed of the perturbation.

    References:
        "Detecting Discrepancies Between AI-Generated and Natural Images Using Uncertainty", arXiv 2412.05897, Eq. 3,
        section 4.1, appendices A.10, A.14 and A.16; the authors' code, junz-debug/WePe at c27e361, published 14 months
        after the preprint.
    """

    name = "wepe"
    paper = "arXiv 2412.05897"
    citations = (
        {
            "key": "nie2025epistemic",
            "author": "Nie, Jun and Zhang, Yonggang and Liu, Tongliang and Cheung, Yiu-ming and Han, Bo and Tian, "
            "Xinmei",
            "title": "Epistemic Uncertainty for Generated Image Detection",
            "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
            "year": "2025",
            "eprint": "2412.05897",
        },
    )
    shared_draw = True
    tuned_on = (
        "the paper's blocks: a small set of real and generated images, which are not named (sections 4.3 and A.15); "
        "blocks=probe:k: held-out real images only"
    )
    view = View(224, "resize")
    unscaled = True
    weaknesses = (
        "Noise on photographs makes them look generated: at a standard deviation of 0.05 the mean AUROC falls from "
        "87.99 to 81.79, with five perturbed networks to 85.30 (arXiv 2412.05897, Table 10).",
        "It needs a large DINOv2: the mean AUROC is 72.83 with ViT-S/14 against 87.99 with ViT-L/14, and 77.89 with "
        "the projected features of CLIP ViT-L/14 (arXiv 2412.05897, Table 4).",
        "It fails where the noise on the weights is very small or very large (arXiv 2412.05897, Fig. 4), and code and "
        "text scale it differently (arXiv 2412.05897, section 4.1; junz-debug/WePe at c27e361).",
    )

    def __init__(
        self,
        backbone: Backbone,
        *,
        preset: Preset = "code",
        preprocessing: Preprocessing | None = None,
        ratio: float = 0.1,
        rule: Rule | None = None,
        family: Family = "gaussian",
        match: Match = "std",
        tensors: Tensors = "all",
        blocks: Blocks = None,
        n: int = 1,
        statistic: Statistic = "similarity",
        stream: Stream = "own",
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_count("n", n)
        if preset not in PRESETS:
            raise UnknownNameError("preset", str(preset), PRESETS)
        if preprocessing is not None and preprocessing not in get_args(Preprocessing):
            raise UnknownNameError("preprocessing", str(preprocessing), get_args(Preprocessing))
        if statistic not in get_args(Statistic):
            raise UnknownNameError("statistic", str(statistic), get_args(Statistic))
        if statistic == "variance" and n < 2:
            raise OptionError(f"statistic=variance needs n of at least 2 (the variance of one is 0), got n={n}.")
        self.backbone, self.seed, self.n, self.statistic = backbone, seed, n, statistic
        self.preset, self.preprocessing, self.stream = preset, preprocessing, stream
        self.ratio, self.rule, self.family, self.match = ratio, rule, family, match
        self.tensors, self.blocks = tensors, blocks
        scale, fit = PRESETS[preset]
        if (preprocessing or fit) != self.view.fit:
            self.view = replace(self.view, fit=preprocessing or fit)
        self.perturbation = Perturbation(ratio, rule or scale, family, match, tensors, blocks, stream)
        self.chosen_blocks = self.perturbation.chosen_blocks(backbone.depth)
        self.perturbed = self.perturbation.models(backbone, seed, n)

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
        """The options, with the preset's in place of those not given, and the blocks that were perturbed."""
        blocks = f"{block_ranges(self.chosen_blocks)} of {self.backbone.depth}"
        return self.options | {"preprocessing": self.view.fit, "rule": self.perturbation.rule, "blocks": blocks}

    @property
    def sources(self) -> Mapping[str, str]:
        """Where each setting comes from: the authors' code, the paper's text, both, or neither."""
        found = {name: _source(name, value) for name, value in self.settled.items() if name != "preset"}
        if self.family == "gaussian":
            del found["match"]  # it says nothing of one family
        return found

    @property
    def fingerprinted(self) -> dict[str, object]:
        """What the noise follows from; the preset and the picture are in it, and in the view."""
        left_out = {"preset", "preprocessing", *(["stream"] if self.stream == "own" else [])}
        kept = {name: value for name, value in self.options.items() if name not in left_out}
        return kept | {"rule": self.perturbation.rule}

    @classmethod
    def concern_of(cls, settled: Mapping[str, Any], backbone: str, real_scores: Tensor) -> str | None:  # noqa: D102
        similarity = 1 - real_scores.mean().item()
        if settled["statistic"] != "similarity" or similarity >= DESTROYED_BELOW:
            return None
        return (
            f"the mean similarity of the real images is {similarity:.2f}, under {DESTROYED_BELOW}: noise of rule "
            f"{settled['rule']} at ratio {settled['ratio']} destroys the features of {backbone}"
        )


def _source(name: str, value: object) -> str:
    """Says where a setting comes from."""
    named = [source for source, settings in (("code", CODE), ("text", TEXT)) if settings.get(name) == value]
    if name == "rule" and value in READINGS:
        named = ["a reading of the text"]
    return " and ".join(named) or "ours"


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
