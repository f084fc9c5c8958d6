from dataclasses import replace

import pytest
import timm
import torch
from torch import Tensor, nn

from detectors import Backbone, OptionError, Perturbation
from detectors.backbones import timm_backbone
from detectors.probing import Probe, probe, probed_count, top_blocks
from detectors.similarity import cosine_distance

# Ratios at which the features of randomly initialised networks move, but keep some of their direction.
NETWORKS = {"test_vit": 0.3, "test_convnext": 1.0, "test_resnet": 0.5, "test_efficientnet": 0.5, "test_vit4": 0.3}


def network(name: str) -> Backbone:
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=0)
    for key, parameter in model.named_parameters():
        if key.endswith("gamma"):  # timm starts LayerScale at 1e-5, where a block does nothing
            nn.init.ones_(parameter)
    return timm_backbone(name, model)


def batches(size: int = 64) -> list[Tensor]:
    """Batches of unequal size, the last of a single image."""
    images = torch.rand(6, 3, size, size, generator=torch.Generator().manual_seed(5))
    return [images[:3], images[3:5], images[5:]]


def full_passes(backbone: Backbone, perturbation: Perturbation, images: list[Tensor]) -> list[float]:
    """The slow, obvious probe."""
    similarities = []
    for block in range(backbone.depth):
        twin = replace(perturbation, blocks=[block]).perturb(backbone, seed=3)
        distances = torch.cat([cosine_distance(backbone(batch), twin(batch)) for batch in images])
        similarities.append(1 - distances.mean().item())
    return similarities


@pytest.mark.parametrize(("name", "ratio"), NETWORKS.items())
@pytest.mark.heavy
def test_probe_equals_full_passes(name, ratio):
    backbone, perturbation = network(name), Perturbation(ratio=ratio)
    images = batches(160 if "vit" in name else 64)
    found = probe(backbone, images, perturbation, seed=3)
    assert found.split
    assert found.images == 6
    expected = full_passes(backbone, perturbation, images)
    assert max(expected) - min(expected) > 1e-3, "the blocks must differ, or the test shows nothing"
    assert found.similarities == pytest.approx(expected, abs=1e-6)


def count_passes(backbone: Backbone, images: list[Tensor]) -> tuple[Probe, int]:
    """Counts the images that really pass each block, whichever copy of it: hooks travel with copies."""
    passed: list[int] = []
    for name in backbone.blocks:
        first = next(module for module in backbone.model.get_submodule(name).modules() if not list(module.children()))
        first.register_forward_hook(lambda module, inputs, output: passed.append(len(output)))
    return probe(backbone, images, Perturbation()), sum(passed)


def test_clean_prefix_is_computed_once():
    found, passed = count_passes(network("test_vit"), [batch for batch in batches(160) if len(batch) > 1])
    depth = 6
    assert passed == 5 * found.block_passes
    assert found.block_passes == depth + depth * (depth + 1) // 2 == 27
    assert found.full_block_passes == depth + depth * depth == 42


def test_a_probe_of_24_blocks_costs_about_half():
    found = Probe((0.9,) * 24, images=1, split=True)
    assert (found.block_passes, found.full_block_passes) == (324, 600)


class Repeating(nn.Module):
    """Runs its second block before its first, and its first twice."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.blocks = nn.ModuleList(nn.Linear(3, 3) for _ in range(2))

    def forward(self, images: Tensor) -> Tensor:
        colours: Tensor = self.blocks[0](self.blocks[1](images.mean(dim=(2, 3))))
        return self.blocks[0](colours)


def test_network_that_cannot_be_split_gets_full_passes():
    backbone = Backbone("repeating", Repeating(), ["blocks.0", "blocks.1"])
    perturbation = Perturbation(ratio=0.3)
    found = probe(backbone, batches(), perturbation, seed=3)
    assert not found.split
    assert found.block_passes == found.full_block_passes == 6
    assert found.similarities == pytest.approx(full_passes(backbone, perturbation, batches()), abs=1e-6)


class Skipping(nn.Module):
    """What its first block gives is used again at the end; its second block may change it in place before."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.blocks = nn.ModuleList(nn.Linear(3, 3) for _ in range(3))
        self.in_place = in_place

    def forward(self, images: Tensor) -> Tensor:
        first = self.blocks[0](images.mean(dim=(2, 3)))
        second = self.blocks[1](first)
        if self.in_place:
            first.mul_(-0.5)
        third: Tensor = self.blocks[2](second)
        return third + first


@pytest.mark.parametrize("in_place", [False, True])
def test_skip_connections_and_work_in_place_are_respected(in_place):
    backbone = Backbone("skipping", Skipping(in_place), ["blocks.0", "blocks.1", "blocks.2"])
    perturbation = Perturbation(ratio=0.3)
    found = probe(backbone, batches(), perturbation, seed=3)
    assert found.split is not in_place
    assert found.similarities == pytest.approx(full_passes(backbone, perturbation, batches()), abs=1e-6)


def test_the_backbone_is_left_as_it_was():
    backbone = network("test_vit")
    clean, before = backbone.fingerprint, backbone(batches(160)[0])
    probe(backbone, batches(160), Perturbation(ratio=0.5))
    del backbone.fingerprint
    assert backbone.fingerprint == clean
    assert torch.equal(backbone.compute(batches(160)[0]), before)
    assert not any(module._forward_hooks for module in backbone.modules())


def test_no_noise_keeps_every_similarity_at_one(cnn):
    assert probe(cnn, batches(), Perturbation(ratio=0.0)).similarities == pytest.approx([1.0] * 7, abs=1e-9)


def test_no_images_are_an_error(cnn):
    with pytest.raises(OptionError, match="needs real images, got none"):
        probe(cnn, [], Perturbation())


# Table 14 of the paper: per block of DINOv2 ViT-L/14 the mean similarity in per cent.
TABLE_14 = (
    *(99.40, 97.66, 98.83, 99.00, 98.80, 98.70, 99.37, 94.73, 92.87, 98.44, 97.07, 98.00),
    *(93.46, 96.24, 94.80, 93.85, 92.40, 87.60, 71.50, 76.00, 80.27, 75.93, 34.81, 47.90),
)


def test_ranks_are_the_ones_of_table_14():
    rows = Probe(tuple(value / 100 for value in TABLE_14), images=1, split=True).rows()
    assert [row[0] for row in rows] == list(range(24))
    assert [row[1] for row in rows] == pytest.approx(TABLE_14)
    ranks = {block: rank for block, _, rank in rows}
    assert (ranks[0], ranks[6], ranks[18], ranks[19], ranks[20], ranks[21], ranks[22]) == (1, 2, 22, 20, 19, 21, 24)


def test_the_first_19_blocks_are_not_the_top_19():
    assert top_blocks(TABLE_14, 8) == (0, 2, 3, 4, 5, 6, 9, 11)
    assert top_blocks(TABLE_14, 19) == (*range(18), 20)
    assert top_blocks(TABLE_14, 24) == tuple(range(24))


def test_of_equal_blocks_the_first_is_chosen():
    assert top_blocks([0.5, 0.9, 0.9, 0.9], 2) == (1, 2)


@pytest.mark.parametrize("k", [0, 25, -1])
def test_impossible_number_of_blocks_is_an_error(k):
    with pytest.raises(OptionError, match=f"takes a k from 1 to 24, the number of blocks, got {k}"):
        top_blocks(TABLE_14, k)


def test_probe_in_text_is_read():
    assert [probed_count(text) for text in ("probe:3", "probe:24", "1-3", 5, None, [1])] == [
        3,
        24,
        None,
        None,
        None,
        None,
    ]
    for text in ("probe", "probe:", "probe:x", "probe:1-3", "probe=4", "probes:4"):
        with pytest.raises(OptionError, match=r"written probe:k, such as probe:12; got"):
            probed_count(text)
