"""Frank: generators leave a grid in the cosine transform of their images, which a linear classifier sees.

``score(x) = sigmoid(w . log |DCT(x)| + b)``.
"""

from torch import Tensor

from detectors.base import View
from detectors.trained.linear import LinearDetector
from detectors.trained.spectra import cosine_spectrum

SIDE = 128


class Frank(LinearDetector):
    """A logistic regression on the cosine transform of an image of 128 px, trained here.

    ``python -m bench fit --detector frank`` trains a file: each of 49,152 coefficients is standardised over the
    training images, and the weights have an L2 penalty (``--c``). The published code stops Adam early on other images;
    here the regression is carried to its end. The central square is scaled to 128 x 128 px by Pillow, bilinearly; the
    published code does it with scikit-image.

    Score:
        The probability of being generated, in [0, 1], in float64; higher means more likely generated. It is not
        calibrated: the classes weighed the same in training.

    Args:
        checkpoint: The file.
        seed: Unused; nothing is random.

    References:
        Frank, Eisenhofer, Schoenherr, Fischer, Kolossa and Holz, "Leveraging Frequency Analysis for Deep Fake Image
        Recognition", arXiv 2003.08685; RUB-SysSec/GANDCTAnalysis at 44eb57c (``prepare_dataset.py``
        ``src/models.py``).
    """

    name = "frank"
    paper = "arXiv 2003.08685"
    view = View(SIDE, "short-side")
    unscaled = True
    unreleased = "The released networks are in TensorFlow's format, which is not read here."

    def features(self, images: Tensor) -> Tensor:  # type: ignore[override] # its view makes a batch of one size
        """Computes the cosine transforms' logarithms, ``(B, 49152)``."""
        return cosine_spectrum(images)
