"""Labels and scores for property tests: ties, huge and tiny magnitudes, denormal numbers."""

import numpy as np
from hypothesis import strategies as st

TINY = np.nextafter(0.0, 1.0)
SCORES = st.one_of(
    st.integers(-3, 3).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e300, -1e300, 1e-300, -1e-300, TINY, -TINY, 0.0, -0.0, 1.7e308, -1.7e308, 1 + 2**-52, 1.0]),
)


@st.composite
def labelled_scores(draw, both=True):
    size = draw(st.integers(2 if both else 0, 30))
    labels = draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    if both:
        labels[:2] = [0, 1]
    scores = draw(st.lists(SCORES, min_size=size, max_size=size))
    return np.array(labels, dtype=np.int64), np.array(scores, dtype=np.float64)


@st.composite
def weighted(draw):
    labels, scores = draw(labelled_scores())
    weight = st.one_of(st.integers(0, 3).map(float), st.floats(0.01, 100))
    weights = np.array(draw(st.lists(weight, min_size=len(labels), max_size=len(labels))))
    weights[:2] = 1  # the first two images are one of each class
    return labels, scores, weights
