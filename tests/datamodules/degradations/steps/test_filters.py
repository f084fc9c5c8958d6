import numpy as np
from PIL import Image

from datamodules.degradations import parse_condition


def test_greyscale_has_three_equal_channels_of_luminance():
    pixels = Image.new("RGB", (2, 1))
    pixels.putdata([(255, 0, 0), (10, 20, 30)])
    grey = np.asarray(parse_condition("greyscale").apply(pixels, 0, 0))
    # 0.299 R + 0.587 G + 0.114 B
    assert grey.tolist() == [[[76, 76, 76], [18, 18, 18]]]
