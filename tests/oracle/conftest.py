"""Tests against other people's implementations are left out unless they are asked for: ``make oracle``."""

import pytest
import skimage.data
from PIL import Image

MARKER = "oracle"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if MARKER in config.getoption("markexpr"):
        return
    left_out = [item for item in items if item.get_closest_marker(MARKER)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker(MARKER)]


SIZES = [(451, 299), (225, 333), (131, 97)]
"""Width and height: none is a multiple of what a network likes, and the last is smaller than the crops."""


@pytest.fixture(scope="session")
def photographs() -> list[Image.Image]:
    """Parts of photographs that scikit-image has."""
    whole = (skimage.data.chelsea(), skimage.data.coffee(), skimage.data.astronaut())
    return [Image.fromarray(image[:height, :width]) for image, (width, height) in zip(whole, SIZES, strict=True)]
