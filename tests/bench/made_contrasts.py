"""Contrasts that many tests share, and what they are asked for."""

import numpy as np

from bench.statistics.influence import Contrast, InfluenceValues, Placed, combined


def contrast(real, generated, of="g"):
    """Images that are their own groups: reals are r0, r1, ..., generated images g0, g1, ..."""
    labels = np.repeat([0, 1], [len(real), len(generated)])
    groups = [*(f"r{i}" for i in range(len(real))), *(f"{of}{i}" for i in range(len(generated)))]
    return Contrast(labels, np.concatenate([real, generated]), groups)


def generators(rng, m=150, n=150, of=3, shared=True):
    """Reals and generated images of several generators, whose separation grows from one to the next."""
    reals = rng.normal(size=m)
    result = []
    for g in range(of):
        one = contrast(reals if shared else rng.normal(size=m), rng.normal(0.8 + 0.4 * g, 1, n), of=f"g{g}-")
        groups = [group if shared else group.replace("r", f"r{g}-") for group in one.groups]
        result.append(Contrast(one.labels, one.scores, groups))
    return result


def facing(real, generated):
    """The same reals against several generators; groups are codes, each image its own."""
    m, result = len(real), []
    for scores in generated:
        start = m + sum(len(one.labels) - m for one in result)
        groups = np.concatenate([np.arange(m), start + np.arange(len(scores))])
        result.append(Contrast(np.repeat([0, 1], [m, len(scores)]), np.concatenate([real, scores]), groups))
    return result


def influence_of(value, groups, values, seeds=None, sizes=(10.0, 10.0)):
    """Groups that all hold both classes, with these influences."""
    c = len(groups)
    both = np.full(c, 3)
    freedom = np.full(c, 1 - 1 / c)
    return InfluenceValues(value, np.array(groups), np.array(values), both, both, freedom, *sizes, seeds or (value,))


def ap_influence(contrasts, positive, balanced=False):
    """The mean average precision over generators and the influence of each group on it."""
    return combined([Placed(one).average_precision(positive, balanced) for one in contrasts])


def replicates(bootstrap, metric, rows, scores):
    """A metric in every draw, of the images in some rows."""
    labels = bootstrap.labels[np.asarray(rows, dtype=np.intp)]
    return np.concatenate([metric.replicates(labels, scores, weights) for weights in bootstrap.chunks(rows)])
