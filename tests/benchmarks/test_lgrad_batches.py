"""The benchmark of LGrad's gradients, on tiny images."""

import pytest
import torch
from benchmark_scripts import module
from released_files_two import pictures

from detectors.trained.networks.stylegan_discriminator import StyleGANDiscriminator


@pytest.mark.heavy
def test_every_way_computes_the_gradients_of_the_single_pass():
    script = module("lgrad_batches")
    torch.manual_seed(0)
    judge, images = StyleGANDiscriminator(8).requires_grad_(False), 2 * pictures(3, 8) - 1
    expected = script.one_by_one(judge, images)
    for way in (script.batch, script.vmap, script.grouped, script.fixed):
        torch.testing.assert_close(way(judge, images), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("words", [["--side", "96"], ["--repeats", "0"]])
def test_impossible_numbers_are_refused(words, capsys):
    with pytest.raises(SystemExit) as caught:
        module("lgrad_batches").main(words)
    assert caught.value.code == 2
    assert f"{words[0]} must be" in capsys.readouterr().err
