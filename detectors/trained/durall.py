"""Durall: upsampling of generators leaves its trace in the spectrum's fall, which a linear classifier sees.

``score(x) = sigmoid(w . p(x) + b)`` with the radial profile ``p`` of the logarithm of the spectrum.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from detectors.base import View
from detectors.trained.linear import LinearDetector
from detectors.trained.spectra import radial_profile

LENGTH = 300


class Durall(LinearDetector):
    """A linear classifier of the radial mean of an image's spectrum, trained here.

    ``python -m bench fit --detector durall`` trains a file in seconds: a logistic regression, or with
    ``--classifier svm`` a linear support vector machine. Profiles of images of all sizes are interpolated at 300
    points, as published for FaceForensics++; for CelebA the authors take 80, for images of 1,024 px every ring. Their
    rings lie around half of the width in both directions, here around the centre of images that are not square, too.

    Score:
        In [0, 1]; higher means more likely generated: the logistic regression's probability, or the sigmoid of the
        support vector machine's decision. It is not calibrated: the classes weighed the same in training.

    Args:
        checkpoint: The file.
        seed: Unused; nothing is random.

    References:
        Durall, Keuper and Keuper, "Watch your Up-Convolution: CNN Based Generative Deep Neural Networks are Failing to
        Reproduce Spectral Distributions", arXiv 2003.01826, and with Pfreundt "Unmasking DeepFakes with simple
        Features", arXiv 1911.00686; cc-hpc-itwm/DeepFakeDetection at 6cee046 (CelebA) and 1374fa4 (the profile).
    """

    name = "durall"
    paper = "arXiv 2003.01826"
    citations = (
        {
            "key": "durall2020watch",
            "author": "Durall, Ricard and Keuper, Margret and Keuper, Janis",
            "title": "Watch your Up-Convolution: CNN Based Generative Deep Neural Networks are Failing to Reproduce "
            "Spectral Distributions",
            "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            "year": "2020",
            "eprint": "2003.01826",
        },
    )
    view = View(fit="native")
    unscaled = True
    unreleased = "No classifier was ever released; its authors give features of their images."

    def features(self, images: Tensor | Sequence[Tensor]) -> Tensor:
        """Computes profiles, ``(B, 300)``."""
        return profiles(images)


def profiles(images: Tensor | Sequence[Tensor]) -> Tensor:
    """Computes the profile of each image, ``(B, 300)``; see :func:`detectors.trained.spectra.radial_profile`."""
    return torch.stack([radial_profile(image, LENGTH) for image in images])
