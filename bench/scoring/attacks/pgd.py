"""Projected gradient descent: steps along the sign of the gradient, within a box around the picture.

``x <- clip(x - a sign(grad L(x)), x_0 - b, x_0 + b)`` from a random start in the box.

References:
    Madry, Makelov, Schmidt, Tsipras and Vladu, "Towards Deep Learning Models Resistant to Adversarial Attacks", arXiv
    1706.06083. Where the score is random, each step draws anew: Athalye, Carlini and Wagner, "Obfuscated Gradients
    Give a False Sense of Security", arXiv 1802.00420, section 4.1, with one draw a step.
"""

from collections.abc import Callable

from torch import Tensor


def descend(
    picture: Tensor, gradient: Callable[[Tensor, int], Tensor], budget: int, steps: int, step: float, start: Tensor
) -> Tensor:
    """Lowers a function of a picture.

    Args:
        picture: ``(3, H, W)`` whole levels from 0 to 255, as floats.
        gradient: Takes a picture with levels in [0, 1] and the number of the step; ``(3, H, W)``.
        budget: The most that a level moves.
        steps: Number of steps.
        step: How far a level moves in one.
        start: ``(3, H, W)`` in [-1, 1], where in the box it begins.

    Returns:
        ``(3, H, W)`` whole levels from 0 to 255, none further from the picture's than the budget.

    Examples:
        >>> import torch
        >>> grey = torch.full((3, 1, 1), 100.0)
        >>> descend(grey, lambda levels, _: torch.ones_like(levels), 2, 10, 0.5, torch.zeros_like(grey)).flatten()
        tensor([98., 98., 98.])
    """
    least, most = (picture - budget).clamp(0, 255), (picture + budget).clamp(0, 255)
    levels = (picture + budget * start).clamp(least, most)
    for number in range(steps):
        levels = (levels - step * gradient(levels / 255, number).sign()).clamp(least, most)
    return levels.round()
