"""Pictures that a detector's own text asks for, ``rigid:view=native``, in the place of the method's."""

from dataclasses import replace

import torch

from bench.errors import BenchError
from bench.scoring.specs import DetectorSpec
from detectors import Backbone, Detector, View


def show_cut(detector: Detector, spec: DetectorSpec) -> None:
    """Gives a detector the picture that was asked for: cut in another way, at the method's size, padding and filter.

    Args:
        detector: As built, with the view of the method.
        spec: What was asked for; without a view, the detector stays as it is.

    Raises:
        BenchError: The pictures would keep sizes of their own, and the method's network takes one size.
    """
    own = detector.view
    if not spec.view:
        return
    view = _cut(own, spec.view)
    detector.by_size = view.ragged and not own.ragged
    if detector.by_size and not _takes_any_size(detector):
        backbone = getattr(detector, "backbone", None)
        network = f"{backbone.name} takes" if isinstance(backbone, Backbone) else "its network takes"
        raise BenchError(
            f"{spec.label!r}: {network} pictures of one size, and with view={spec.view} images keep their own. Take "
            f"view=resize, random-crop or centre-crop, or a convolutional backbone."
        )
    detector.view = view


def _cut(own: View, fit: str) -> View:
    scaled = own.scaled if fit == "short-side" else None
    return replace(own, fit=fit, scaled=scaled)  # type: ignore[arg-type] # specs let known ones through alone


def _takes_any_size(detector: Detector) -> bool:
    """Says whether pictures of any size go through: a convolutional backbone takes the mean over its map."""
    backbone = getattr(detector, "backbone", None)
    return isinstance(backbone, Backbone) and backbone.memory_format is torch.channels_last
