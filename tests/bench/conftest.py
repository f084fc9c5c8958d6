"""What tests of whole runs share."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench.scoring import build
from detectors import GradientCuff, LinearProbe, McDropout, Rigid, WePe, WepeGradientCuff

SIDE = 64


@pytest.fixture(scope="module")
def small_views() -> Iterator[None]:
    """Has the detectors look at 64 x 64 pixels: the same network and weights, at a twelfth of the time.

    For tests of what is done with scores, whatever they are; processes that a test starts look at 224 x 224.
    """
    with pytest.MonkeyPatch.context() as patch:
        for detector in (GradientCuff, LinearProbe, McDropout, Rigid, WePe, WepeGradientCuff):
            patch.setattr(detector, "view", replace(detector.view, size=SIDE))
        patch.setitem(build.VIEWS, "common", replace(build.VIEWS["common"], size=SIDE))
        yield
