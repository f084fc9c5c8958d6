"""What a detector of one's own has to write, and what it need not."""

import pytest
import torch

from detectors import Detector, OptionError, View, create_detector, register, registry


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))


def test_a_detector_without_options_needs_no_constructor(registered):
    @register
    class Mean(Detector):
        name, paper, view = "mean-of-pixels", "none", View(8)

        def forward(self, images, keys):
            return images.mean(dim=(1, 2, 3))

    detector = create_detector("mean-of-pixels", seed=3)
    assert (detector.seed, detector.options, detector.training) == (3, {}, False)
    assert detector(torch.full((2, 3, 4, 4), 0.25), torch.zeros(2)).tolist() == [0.25, 0.25]


def test_a_constructor_that_takes_no_seed_is_told_in_a_line(registered):
    @register
    class Seedless(Detector):
        name, paper = "seedless", "none"

        def __init__(self, *, reach=1):
            super().__init__()
            self.reach = reach

        def forward(self, images, keys):
            return images.mean(dim=(1, 2, 3))

    with pytest.raises(OptionError, match="seedless: its __init__ must take seed"):
        create_detector("seedless")
