"""Frank: generators leave a grid in the cosine transform of their images, which a linear classifier sees.

``score(x) = sigmoid(w . log |DCT(x)| + b)``.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from detectors.base import View
from detectors.trained.linear import LinearDetector
from detectors.trained.spectra import cosine_spectrum

SIDE = 128


class Frank(LinearDetector):
    """A logistic regression on the cosine transform of an image of 128 px, trained here.

    ``python -m bench fit --detector frank`` trains a file: each of 49,152 coefficients is standardised over the
    training images, and the weights have an L2 penalty (``--c``). The published code stops Adam early on other images;
    here the regression is carried to its end; its L2 penalty, 0.01 beside the mean loss, is ``--c`` 50 divided by the
    number of training images. The central square is scaled to 128 x 128 px as scikit-image does, and cut off to 8 bits;
    the published crop of an image that is not square is a strip as long as its sides differ.

    Score:
        The probability of being generated, in [0, 1], in float64; higher means more likely generated. It is not
        calibrated: the classes weighed the same in training.

    Args:
        checkpoint: The file.
        seed: Unused; nothing is random.

    References:
        Frank, Eisenhofer, Schoenherr, Fischer, Kolossa and Holz, "Leveraging Frequency Analysis for Deep Fake Image
        Recognition", arXiv 2003.08685; RUB-SysSec/GANDCTAnalysis at 44eb57c (``prepare_dataset.py``,
        ``src/models.py``) and at f7c35c0 (``crop_lsun.py``, ``src/image_np.py``), with scikit-image 0.16.2.
    """

    name = "frank"
    paper = "arXiv 2003.08685"
    citations = (
        {
            "key": "frank2020leveraging",
            "author": r"Frank, Joel and Eisenhofer, Thorsten and Sch{\"o}nherr, Lea and Fischer, Asja and Kolossa, "
            "Dorothea and Holz, Thorsten",
            "title": "Leveraging Frequency Analysis for Deep Fake Image Recognition",
            "booktitle": "International Conference on Machine Learning (ICML)",
            "pages": "3247--3258",
            "year": "2020",
            "eprint": "2003.08685",
        },
    )
    view = View(fit="native")
    unscaled = True
    unreleased = "The released networks are in TensorFlow's format, which is not read here."

    def features(self, images: Tensor | Sequence[Tensor]) -> Tensor:
        """Computes the cosine transforms' logarithms, ``(B, 49152)``."""
        return cosines(images)


def cosines(images: Tensor | Sequence[Tensor]) -> Tensor:
    """Transforms each image, ``(B, 49152)``; see :func:`detectors.trained.spectra.cosine_spectrum`."""
    # One by one: logarithms of coefficients near zero show how a product of a whole batch rounds.
    return torch.stack([cosine_spectrum(image, SIDE) for image in images])
