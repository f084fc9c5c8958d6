import pytest
import torch

from detectors.reconstruction import CONTEXT, GRID, _spans, extend


def test_extension_repeats_the_right_column_and_the_lower_row():
    extended = extend(torch.arange(6.0).view(1, 1, 2, 3), 1, 4)
    assert extended.shape == (1, 1, 4, 4)
    assert extended[0, 0].tolist() == [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [3, 4, 5, 5]]


@pytest.mark.parametrize("side", [1, 31, 128, 129, 1000, 4001])
def test_tiles_cover_a_side_once_on_the_grid(side):
    spans = _spans(side, 128)
    covered = [pixel for span in spans for pixel in range(*span.outer.indices(side))[span.inner]]
    assert covered == list(range(side))
    assert all(span.length <= 128 and span.outer.start % GRID == 0 for span in spans)
    assert all(span.outer.stop - span.outer.start <= 128 + 2 * CONTEXT for span in spans)
