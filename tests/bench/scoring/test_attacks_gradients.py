"""Which registered detectors can be attacked, and which are refused."""

from collections.abc import Callable

import pytest
from released_files import create_with_checkpoint

from bench.errors import BenchError
from bench.scoring.attacks.sources import check_gradient
from detectors import Backbone, Detector, list_detectors

pytestmark = pytest.mark.heavy
SMALL = {"conv": {"crop": 56}, "warpad": {"grid": 1}, "gandetection": {"patches": 8}}
WITHOUT = {
    "durall": "bincount is not implemented",
    "effort": "does not require grad",  # OpenCV scales its picture, as that of selfblend
    "frank": "zero",  # it rounds to 8 bits of grey
    "lgrad": "does not require grad",
    "manifold-bias": "does not require grad",
    "selfblend": "does not require grad",
}
"""What a refusal says of the methods that have none."""


@pytest.fixture(scope="module")
def create(tmp_path_factory: pytest.TempPathFactory, vit: Backbone) -> Callable[[str], Detector]:
    folder = tmp_path_factory.mktemp("checkpoints")
    return lambda name: create_with_checkpoint(name, vit, folder, **SMALL.get(name, {}))


@pytest.mark.parametrize("name", sorted(list_detectors()))
def test_a_detector_has_a_gradient_or_is_refused(create, name):
    detector = create(name)
    if detector.view.fit != "native":
        detector.view = type(detector.view)(56, detector.view.fit)
    if name not in WITHOUT:
        check_gradient(name, detector)
        return
    with pytest.raises(BenchError, match=WITHOUT[name]):
        check_gradient(name, detector)
