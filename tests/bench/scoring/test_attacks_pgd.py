"""The steps of an attack, by hand."""

import pytest
import torch

from bench.scoring.attacks.pgd import descend


def test_steps_go_against_the_sign_and_end_at_the_budget():
    picture = torch.tensor([100.0, 100.0, 0.0]).view(3, 1, 1)
    slope = torch.tensor([5.0, -0.001, 1.0]).view(3, 1, 1)
    start = torch.zeros(3, 1, 1)
    assert descend(picture, lambda *_: slope, 2, 3, 0.5, start).flatten().tolist() == [98, 102, 0]  # 98.5 is even at 98
    assert descend(picture, lambda *_: slope, 2, 40, 0.5, start).flatten().tolist() == [98, 102, 0]


def test_it_begins_within_the_box_and_takes_the_gradient_there():
    seen = []

    def gradient(levels, number):
        seen.append((number, (levels * 255).flatten().tolist()))
        return torch.zeros_like(levels)

    picture = torch.tensor([10.0, 254.0, 1.0]).view(3, 1, 1)
    start = torch.tensor([1.0, 1.0, -1.0]).view(3, 1, 1)
    assert descend(picture, gradient, 4, 2, 1.0, start).flatten().tolist() == [14, 255, 0]
    assert [number for number, _ in seen] == [0, 1]
    assert seen[0][1] == pytest.approx([14, 255, 0], abs=1e-4)


@pytest.mark.parametrize("budget", [1, 2, 8, 200])
def test_no_level_leaves_the_budget_or_the_range(budget):
    generator = torch.Generator().manual_seed(0)
    picture = torch.randint(0, 256, (3, 40, 40), generator=generator).float()
    start = 2 * torch.rand(3, 40, 40, generator=generator) - 1
    changed = descend(picture, lambda *_: torch.randn(3, 40, 40, generator=generator), budget, 7, budget / 3, start)
    assert torch.equal(changed, changed.byte().float())
    assert 0 < (changed - picture).abs().max() <= budget
