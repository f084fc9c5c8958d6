import numpy as np
import pytest

from bench.scoring.batches import plan_batches


@pytest.mark.parametrize("world_size", [1, 2, 3, 4])
@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_all_ranks_take_as_many_steps_and_each_image_goes_to_one(world_size, batch_size):
    absent = np.repeat([[True, True], [True, False], [False, True], [False, False]], [5, 1, 3, 2], axis=0)
    ranks = [plan_batches(absent, batch_size, rank, world_size) for rank in range(world_size)]
    assert len(set(map(len, ranks))) == 1
    assert all(len(batch) <= batch_size for batches in ranks for batch in batches)
    assert all(len(np.unique(absent[batch], axis=0)) <= 1 for batches in ranks for batch in batches)
    assert sorted(np.concatenate([batch for batches in ranks for batch in batches])) == list(range(9))


@pytest.mark.parametrize("world_size", [2, 3, 4])
@pytest.mark.parametrize("mix", ["alternating", "one after the other", "few large", "not known"])
def test_ranks_get_as_many_images_and_as_many_bytes(world_size, mix):
    count = 1003
    sizes = {
        "alternating": np.where(np.arange(count) % world_size, 1.0, 50.0),
        "one after the other": np.repeat([1.0, 50.0, 7.0], [400, 300, 303]),
        "few large": np.where(np.random.default_rng(0).random(count) < 0.05, 200.0, 1.0),
        "not known": np.full(count, np.nan),
    }[mix]
    absent = np.ones((count, 1), dtype=bool)
    ranks = [np.concatenate(plan_batches(absent, 8, rank, world_size, sizes)) for rank in range(world_size)]
    assert sorted(np.concatenate(ranks)) == list(range(count))
    assert max(map(len, ranks)) - min(map(len, ranks)) <= 1
    loads = [np.nansum(sizes[rank]) for rank in ranks]
    assert max(loads) - min(loads) <= 2 * np.nanmax(sizes, initial=0.0)
    assert all((np.diff(rank) > 0).all() for rank in ranks)  # read in the order of the list


def test_in_turn_alternating_sizes_would_all_be_one_ranks():
    """What the sizes are for: without them rank 0 has every large image."""
    sizes = np.where(np.arange(100) % 2, 1.0, 50.0)
    in_turn = np.concatenate(plan_batches(np.ones((100, 1), dtype=bool), 8, 0, 2))
    assert sizes[in_turn].sum() == 2500
