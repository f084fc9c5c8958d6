"""LGrad's first stage: the gradient of a discriminator's judgement with respect to an image, as a picture."""

import itertools

import torch
from torch import Tensor, nn
from torch.func import functional_call


def gradient_pictures(discriminator: nn.Module, images: Tensor) -> Tensor:
    """Makes a picture of each image's gradient.

    It works inside ``torch.inference_mode`` and ``torch.no_grad``, and in float32 whatever the precision of the run.
    Images go through one by one, as in the published scripts: the last bit of a convolution depends on the size of the
    batch, and rounding to 8 bits would make grey levels of it, which a classifier sees. Of the ways in
    ``benchmarks/lgrad_batches.py`` grouped convolutions alone give the single pass's bits, at half its speed and 1.6
    times its memory for two images of 256 pixels; all at once, at 1.2 times its speed, 0.004 % of grey levels differ.

    Args:
        discriminator: Maps ``(1, 3, H, W)`` in [-1, 1] to ``(1, 1)``.
        images: ``(B, 3, H, W)`` in [0, 1].

    Returns:
        ``(B, 3, H, W)`` in [0, 1], in steps of 1/255.
    """
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(images.device.type, enabled=False):
        # What was made inside inference mode takes no part in a gradient, but its copy does.
        stored = itertools.chain(discriminator.named_parameters(), discriminator.named_buffers())
        tensors = {name: tensor.clone() if tensor.is_inference() else tensor for name, tensor in stored}
        gradients = []
        for image in (2 * images.clone().float() - 1).detach():
            pixels = image[None].requires_grad_()
            judged = functional_call(discriminator, tensors, (pixels,))
            gradients += torch.autograd.grad(judged.sum(), pixels)
    return stretched(torch.cat(gradients))


def stretched(gradients: Tensor) -> Tensor:
    """Stretches each image's values to 0 ... 255 and rounds them, as when they are written to a file of 8 bits.

    Args:
        gradients: ``(B, 3, H, W)``; a constant one becomes black.

    Returns:
        ``(B, 3, H, W)`` in [0, 1], in steps of 1/255.

    Examples:
        >>> stretched(torch.tensor([-1.0, 0.0, 3.0]).reshape(1, 3, 1, 1)).flatten() * 255
        tensor([  0.,  64., 255.])
    """
    lifted = gradients - gradients.amin(dim=(1, 2, 3), keepdim=True)
    highest = lifted.amax(dim=(1, 2, 3), keepdim=True)
    return (lifted / torch.where(highest > 0, highest, 1.0) * 255).round() / 255
