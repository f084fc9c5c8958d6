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
