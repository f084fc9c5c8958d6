"""MC-Dropout: a generated image's features vary more when units of a vision model are dropped at random.

``score(x) = 1/n sum_t ||f_t - mean f||^2 = 1 - ||mean f||^2`` over ``n`` passes ``f_t`` of unit length.
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from detectors.backbones import Backbone
from detectors.base import Detector, View
from detectors.errors import OptionError, UnknownNameError, check_count
from detectors.perturbation import Blocks, Perturbation
from detectors.randomness import seeded_generator
from detectors.similarity import cosine_distance
from detectors.wepe import block_ranges, feature_variance

Score = Literal["eq1", "eq3"]
Masking = Literal["element", "unit"]

LAYOUTS = {
    "DINOv2, timm": ("attn.proj_drop", "mlp.drop1", "mlp.drop2", "mlp.drop"),
    "open_clip": ("ls_1", "mlp.gelu", "mlp.c_proj"),
    "BLIP": ("self_attn.projection", "mlp.activation_fn", "mlp.fc2"),
    "CLIP and SigLIP, transformers": ("self_attn.out_proj", "mlp.activation_fn", "mlp.fc2"),
    "DINOv2 and ViT, transformers": ("attention.o_proj", "mlp.activation_fn", "mlp.fc2"),
    "DINOv2, transformers 4": ("attention.output.dense", "mlp.activation", "mlp.fc2", "mlp.weights_out"),
    "ViT, transformers 4": ("attention.output.dense", "intermediate.intermediate_act_fn", "output.dense"),
    "DINOv3 and gated DINOv2, transformers": ("attention.o_proj", "mlp.act_fn", "mlp.down_proj"),
}
"""Modules of a transformer block after which dropout acts: after the attention's projection and in the MLP."""


class McDropout(Detector):
    """Monte Carlo dropout, the paper's comparison to WePe (Table 5).

    A pass drops values by a mask that is drawn from the seed, the pass and the site, the same for every image: a pass
    is one sampled network. By ``mask=element`` each feature of each token is dropped for itself, as ``nn.Dropout`` does
    (which draws another mask for each image), by ``mask=unit`` a feature is dropped in all tokens at once. The
    attention's probabilities keep their values, as in fused attention. DINOv2's ViT-g is timm's here: its gated MLP has
    dropout after the gate and after its last layer, where the SwiGLU of DINOv2's own code has none. A convolutional
    network has no such sites; there the values at the end of each chosen block are dropped, or with ``mask=unit`` its
    channels, which is this suite's own reading.

    Score:
        Variance of the unit features in [0, 1], or mean cosine distance to the clean ones in [0, 2]; higher means
        more likely generated.

    Args:
        backbone: The vision model; the paper's is ``dinov2-vitl14``.
        rate: Share of what is dropped; the paper does not say.
        n: Number of passes; the paper does not say.
        score: ``eq1``, the variance, or ``eq3``, the distance to the clean features.
        blocks: The first k, or a list such as ``0-4,7``; by default all, the paper does not say.
        mask: ``element`` or ``unit``, what is dropped at once; the paper does not say.
        seed: Seed of the masks.

    References:
        Gal and Ghahramani, "Dropout as a Bayesian Approximation", arXiv 1506.02142; as applied in arXiv 2412.05897,
        Eq. 1, section 3.5 and Table 5. The authors' code of WePe, whose picture is taken,
        has no part for it.
    """

    name = "mc-dropout"
    paper = "arXiv 1506.02142"
    citations = (
        {
            "key": "gal2016dropout",
            "author": "Gal, Yarin and Ghahramani, Zoubin",
            "title": "Dropout as a Bayesian Approximation: Representing Model Uncertainty in Deep Learning",
            "booktitle": "International Conference on Machine Learning (ICML)",
            "pages": "1050--1059",
            "year": "2016",
            "eprint": "1506.02142",
        },
    )
    weaknesses = (
        "Its mean AUROC is 81.63, that of noise on the weights 87.99 (arXiv 2412.05897, Table 5): DINOv2 was trained "
        "without dropout (arXiv 2412.05897, section 3.5).",
        "The rate, the place and the number of passes behind that number are not given (arXiv 2412.05897).",
    )
    shared_draw = True
    tuned_on = "not said: arXiv 2412.05897 gives neither the rate, nor the place, nor the number of passes"
    view = View(224, "resize")
    version = 2

    def __init__(
        self,
        backbone: Backbone,
        *,
        rate: float = 0.1,
        n: int = 10,
        score: Score = "eq1",
        blocks: Blocks = None,
        mask: Masking = "element",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise OptionError(f"rate must be at least 0 and less than 1, got {rate}.")
        if score not in get_args(Score):
            raise UnknownNameError("score", str(score), get_args(Score))
        if mask not in get_args(Masking):
            raise UnknownNameError("mask", str(mask), get_args(Masking))
        check_count("n", n)
        if score == "eq1" and n < 2:
            raise OptionError(f"n must be at least 1, and 2 for score=eq1 (the variance of one is 0), got {n}.")
        self.backbone, self.seed = backbone, seed
        self.rate, self.n, self.score, self.blocks, self.mask = rate, n, score, blocks, mask
        everything = backbone.depth if blocks is None else blocks
        self.chosen_blocks = Perturbation(blocks=everything).chosen_blocks(backbone.depth)
        self.sampled = nn.ModuleList(self._sample(draw) for draw in range(n))

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        if self.score == "eq1":
            features = torch.stack([F.normalize(model(images).double(), dim=-1) for model in self.sampled])
            return feature_variance(features)
        clean = self.backbone(images)
        return torch.stack([cosine_distance(clean, model(images)) for model in self.sampled]).mean(dim=0)

    @property
    def passes(self) -> int:  # noqa: D102 - see Detector
        return self.n

    @property
    def settled(self) -> dict[str, object]:
        """The options, with the blocks that have dropout."""
        return self.options | {"blocks": f"{block_ranges(self.chosen_blocks)} of {self.backbone.depth}"}

    def _sample(self, draw: int) -> Backbone:
        """Draws one network; it shares every tensor with the clean one."""
        network = self.backbone.with_parameters({})
        network.begin_with(min(self.chosen_blocks))
        for block in self.chosen_blocks:
            prefix = network.blocks[block]
            for site in dropout_sites(network.model.get_submodule(prefix), prefix):
                name = f"{prefix}.{site}".rstrip(".")
                hook = DropoutMask(self.rate, ("mc-dropout", self.seed, draw, name), self.mask)
                network.model.get_submodule(name).register_forward_hook(hook)
        return network


def dropout_sites(block: nn.Module, name: str = "this block") -> tuple[str, ...]:
    """Finds the modules of a block after which values are dropped.

    Args:
        block: A transformer's or a convolutional network's block.
        name: The block's name, for the message.

    Returns:
        Names under the block; the empty name is the block itself.

    Raises:
        OptionError: It is neither a known transformer's nor a convolutional block.
    """
    present = dict(block.named_modules())
    found = max((tuple(site for site in sites if site in present) for sites in LAYOUTS.values()), key=len)
    if found:
        return found
    if any(isinstance(module, nn.Conv2d) for module in block.modules()):
        return ("",)
    raise OptionError(
        f"mc-dropout finds no place for dropout in {name} ({type(block).__name__}): it knows the blocks of "
        f"{', '.join(LAYOUTS)} and convolutional ones. Take another backbone, or other blocks."
    )


class DropoutMask:
    """A forward hook that drops a fixed random choice of values.

    Args:
        rate: Share of them to drop; the others are scaled up, so that the mean stays.
        draw: What the choice depends on.
        mask: Whether elements are dropped, or whole units: features of all tokens, channels of a map.
    """

    def __init__(self, rate: float, draw: tuple[int | str, ...], mask: Masking) -> None:
        self.rate, self.draw, self.mask = rate, draw, mask
        self.kept: dict[tuple[torch.Size, torch.device], Tensor] = {}
        """By shape and device, a byte a value: kept over all batches, as drawing costs more than a pass of a block."""

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        """Masks tokens ``(B, ..., C)`` or maps ``(B, C, H, W)``."""
        key = (output.shape[1:], output.device)
        if key not in self.kept:
            kept = torch.rand(self._shape(output), generator=seeded_generator(*self.draw)) >= self.rate
            self.kept[key] = kept.to(output.device)
        return output * self.kept[key] * (1 / (1 - self.rate))

    def _shape(self, output: Tensor) -> torch.Size:
        if self.mask == "element":
            return output.shape[1:]
        return torch.Size((output.shape[1], 1, 1)) if output.ndim == 4 else output.shape[-1:]
