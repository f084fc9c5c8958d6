"""Methods that look at real images before they can score one."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

from detectors.base import View

Pixels = Tensor | list[Tensor]
Views = Mapping[View, Pixels]


class NotFittedError(RuntimeError):
    """A method that needs reference images was asked for a score before it had seen them."""


@runtime_checkable
class Fittable(Protocol):
    """Sets itself up on a fixed set of real images, so that a score is still a function of one image.

    The set must be disjoint from the images that are tested, by group. Whoever fits passes the whole set at once.
    """

    @property
    def fitted_fingerprint(self) -> str | None:
        """Hexadecimal sha256 of the set of images; None before the fit. It is part of the detector's fingerprint."""

    def fit(self, images: Pixels | Views, keys: Tensor) -> None:
        """Looks at real images.

        Args:
            images: As the detector's ``forward`` takes them.
            keys: ``(N,)`` integers that identify the images' bytes.
        """
