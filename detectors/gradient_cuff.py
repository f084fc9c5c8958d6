"""Gradient Cuff: the loss landscape is steeper around a generated image.

``g = 1/P sum_i (L(v + mu u_i) - L(v)) / mu u_i`` estimates a gradient from ``P`` random directions; its norm is the
score. The gradient is never formed: ``||g||^2 = sum_ij dL_i dL_j <u_i, u_j> / (P mu)^2``, and the products of the
directions are the same for all images.
"""

from dataclasses import replace
from typing import Literal, get_args

import torch
from torch import Tensor

from detectors.backbones import Backbone
from detectors.base import Detector, View
from detectors.errors import OptionError, UnknownNameError, check_count
from detectors.perturbation import Blocks, Perturbation, PerturbedModels, Rule, Tensors
from detectors.randomness import Family, Match, seeded_generator
from detectors.similarity import cosine_distance
from detectors.wepe import WePe, block_ranges

Space = Literal["input", "input_of_wepe"]


class GradientCuff(Detector):
    """Norm of the estimated gradient with respect to the image.

    The method comes from the detection of jailbreaks, and how it is carried over to images is this suite's reading.
    The directions are drawn once from the seed and held for all images, as in the published code. The picture is that
    of the authors' code of WePe, which has no part for it.

    Score:
        Norm of the gradient, 0 or more, in units of the normalised tensor; higher means more likely generated.

    Args:
        backbone: The vision model.
        space: ``input`` takes ``L(x') = 1 - cos(f(x'), f(x))``, which is 0 at ``x`` itself: a RIGID of several draws
            with a root mean square. ``input_of_wepe`` takes WePe's score ``1 - cos(f(x; theta'), f(x; theta))`` with
            one perturbed network theta'.
        directions: Number of directions P, 10 as published.
        mu: Length of a step in the normalised tensor, 0.02 as published.
        ratio: Factor of the noise's scale for theta', used by ``input_of_wepe`` only.
        rule: How the scale of that noise follows from the parameters.
        blocks: Blocks of that noise: the first k, or a list such as ``0-4,7``; by default 19 of 24 of the depth.
        seed: Seed of the directions and of theta'.

    References:
        Hu, Chen and Ho, "Gradient Cuff: Detecting Jailbreak Attacks on Large Language Models by Exploring Refusal
        Loss Landscapes", arXiv 2403.00867; the estimate as in IBM/Gradient-Cuff at 5d7bd47. For images: arXiv
        2412.05897, appendix A.5, which gives neither the function nor P and mu.
    """

    name = "gradient-cuff"
    paper = "arXiv 2403.00867"
    citations = (
        {
            "key": "hu2024gradient",
            "author": "Hu, Xiaomeng and Chen, Pin-Yu and Ho, Tsung-Yi",
            "title": "Gradient Cuff: Detecting Jailbreak Attacks on Large Language Models by Exploring Refusal Loss "
            "Landscapes",
            "year": "2024",
            "eprint": "2403.00867",
        },
    )
    weaknesses = (
        "It was made to detect jailbreaks of language models (arXiv 2403.00867); for images neither the function that "
        "is differentiated nor P and mu are given (arXiv 2412.05897, appendix A.5).",
    )
    shared_draw = True
    tuned_on = "P and mu are those of the published code, which is about text; on what they were chosen: not known here"
    view = View(224, "resize")

    def __init__(
        self,
        backbone: Backbone,
        *,
        space: Space = "input",
        directions: int = 10,
        mu: float = 0.02,
        ratio: float = 0.1,
        rule: Rule = "tensor_mean",
        blocks: Blocks = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if space not in get_args(Space):
            raise UnknownNameError("space", str(space), get_args(Space))
        _check(directions, mu=mu)
        self.backbone, self.seed, self.space = backbone, seed, space
        self.directions, self.mu = directions, mu
        self.ratio, self.rule, self.blocks = ratio, rule, blocks
        self.perturbation = Perturbation(ratio, rule, blocks=blocks)
        self.chosen_blocks = self.perturbation.chosen_blocks(backbone.depth)
        self.perturbed = self.perturbation.perturb(backbone, seed) if space == "input_of_wepe" else None
        self._drawn: tuple[Tensor, Tensor] | None = None

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        steps, products = self._directions(images)
        clean = self.backbone(images)
        start = torch.zeros(1) if self.perturbed is None else cosine_distance(clean, self.perturbed(images))
        changes = [self._loss(images + self.mu * step, clean) - start.to(images.device) for step in steps]
        return gradient_norm(torch.stack(changes), products, self.mu)

    def _loss(self, moved: Tensor, clean: Tensor) -> Tensor:
        """Returns the loss ``(B,)`` at other images."""
        other = clean if self.perturbed is None else self.perturbed(moved)
        return cosine_distance(other, self.backbone(moved))

    def _directions(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the directions as steps of pixels ``(P, 3, H, W)``, and their products ``(P, P)``."""
        shape = images.shape[1:]
        if self._drawn is None or self._drawn[0].shape[1:] != shape or self._drawn[0].device != images.device:
            generators = [seeded_generator(self.name, self.seed, draw) for draw in range(self.directions)]
            noise = torch.stack([torch.randn(shape, generator=generator) for generator in generators])
            products = inner_products(noise)
            # One unit of the normalised tensor is std in pixels.
            self._drawn = noise.to(images.device) * self.backbone.std, products.to(images.device)
        return self._drawn

    @property
    def passes(self) -> int:  # noqa: D102 - see Detector
        return self.directions if self.perturbed is None else 2 * self.directions + 1

    @property
    def settled(self) -> dict[str, object]:
        """The options that are in use, with the blocks that were perturbed."""
        if self.perturbed is None:
            return {name: self.options[name] for name in ("space", "directions", "mu")}
        return self.options | {"blocks": f"{block_ranges(self.chosen_blocks)} of {self.backbone.depth}"}


class WepeGradientCuff(Detector):
    """Norm of the estimated gradient with respect to the weights, "WePe + Gradient Cuff" in the paper's Table 7.

    The loss is WePe's, ``L(theta') = 1 - cos(f(x; theta'), f(x; theta))``, 0 at theta itself; the directions are
    WePe's noise, whose ratio is the step mu: nearly a root mean square over the P networks where WePe takes the mean.
    Networks beyond what fits into memory are drawn again for each batch (see ``PerturbedModels``). The picture and the
    noise are those of the authors' code of WePe, which has no part for it.

    Score:
        Norm of the gradient, 0 or more; higher means more likely generated.

    Args:
        backbone: The vision model; the paper's is ``dinov2-vitl14``.
        directions: Number of directions P.
        ratio: Factor of the noise's scale, and the step.
        rule: How the noise's scale follows from the parameters.
        family: Distribution of the noise.
        match: Whether families share their standard deviation or their scale parameter.
        tensors: All tensors of a block or only its weight matrices.
        blocks: The first k, or a list such as ``0-4,7``; by default 19 of 24 of the depth.
        seed: Seed of the directions.

    References:
        arXiv 2412.05897, appendix A.5 and Table 7, which give neither the function nor P and mu; the estimate as in
        arXiv 2403.00867 and IBM/Gradient-Cuff at 5d7bd47.
    """

    name = "wepe-gradient-cuff"
    paper = "arXiv 2412.05897"
    citations = (*WePe.citations, *GradientCuff.citations)
    weaknesses = (
        "Which function is differentiated, by what, and P and mu are not given for images, so the published 89.36 of "
        "mean AUROC cannot be recomputed for certain (arXiv 2412.05897, appendix A.5 and Table 7).",
    )
    shared_draw = True
    tuned_on = (
        "WePe's blocks: a small set of real and generated images, which are not named (arXiv 2412.05897, sections 4.3 "
        "and A.15); the number of directions: not said"
    )
    view = View(224, "resize")

    def __init__(
        self,
        backbone: Backbone,
        *,
        directions: int = 10,
        ratio: float = 0.1,
        rule: Rule = "tensor_mean",
        family: Family = "gaussian",
        match: Match = "std",
        tensors: Tensors = "all",
        blocks: Blocks = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        _check(directions, ratio=ratio)
        self.backbone, self.seed, self.directions = backbone, seed, directions
        self.ratio, self.rule, self.family, self.match = ratio, rule, family, match
        self.tensors, self.blocks = tensors, blocks
        self.perturbation = Perturbation(ratio, rule, family, match, tensors, blocks)
        self.chosen_blocks = self.perturbation.chosen_blocks(backbone.depth)
        self.perturbed = self.perturbation.models(backbone, seed, directions)
        self.products = noise_products(self.perturbed) / ratio**2

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        clean = self.backbone(images)
        changes = torch.stack([cosine_distance(clean, model(images)) for model in self.perturbed])
        return gradient_norm(changes, self.products.to(changes.device), self.ratio)

    @property
    def passes(self) -> int:  # noqa: D102 - see Detector
        return self.directions

    @property
    def settled(self) -> dict[str, object]:
        """The options, with the blocks that were perturbed."""
        blocks = f"{block_ranges(self.chosen_blocks)} of {self.backbone.depth}"
        return self.options | {"blocks": blocks}


def gradient_norm(changes: Tensor, products: Tensor, step: float) -> Tensor:
    """Computes the norm of the estimated gradient without the gradient.

    Args:
        changes: ``(P, B)`` changes of the loss along each direction.
        products: ``(P, P)`` inner products of the directions.
        step: Length mu of a step.

    Returns:
        ``(B,)`` norms.

    Examples:
        >>> directions, changes = torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.3], [0.1]])
        >>> gradient = (changes / 0.5 * directions).mean(dim=0)
        >>> bool(gradient_norm(changes, directions @ directions.T, 0.5).isclose(gradient.norm()))
        True
    """
    squared = torch.einsum("ib,ij,jb->b", changes, products, changes)
    return squared.clamp_min(0).sqrt() / (len(changes) * step)


def inner_products(vectors: Tensor) -> Tensor:
    """Returns the inner products ``(P, P)`` of ``P`` vectors of any shape, on the CPU in float64."""
    flat = vectors.flatten(1).cpu().double()
    return flat @ flat.T


def noise_products(models: PerturbedModels) -> Tensor:
    """Sums the inner products of weight noises block by block, so that no whole noise is in memory.

    Args:
        models: The perturbed networks; those that are not kept are drawn again, one block at a time.

    Returns:
        ``(P, P)`` float64 on the CPU.
    """
    backbone, n = models.backbone, len(models)
    products = torch.zeros(n, n, dtype=torch.float64)
    for block in models.perturbation.chosen_blocks(backbone.depth):
        single = replace(models.perturbation, blocks=(block,))  # its noise is the same whichever others are perturbed
        draws = [
            models[draw] if draw < len(models.kept) else single.perturb(backbone, models.seed, draw)
            for draw in range(n)
        ]
        noisy = [draw.block_parameters(block) for draw in draws]
        for name, clean in backbone.block_parameters(block).items():
            products += inner_products(torch.stack([parameters[name] - clean for parameters in noisy]))
    return products


def _check(directions: int, **step: float) -> None:
    ((name, value),) = step.items()
    check_count("directions", directions)
    if not 0 < value < float("inf"):
        raise OptionError(f"{name} must be a number greater than 0 (it is the step), got {value}.")
