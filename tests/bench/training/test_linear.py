"""Linear detectors: the fit against scikit-learn's on the features themselves, and the whole command."""

import numpy as np
import pytest
import torch
from made_fits import fit_options, options, shared_prompts
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from bench.scoring.training_record import read_record
from bench.training.fit import fit_detector
from bench.training.linear import BLOCK, linear_weights
from detectors import create_detector

IMAGES = 40


def drawn(features: int, shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Features of very different sizes, the first tenth of which the classes differ in, and one that never changes."""
    draws = np.random.default_rng(0)
    labels = np.repeat([0, 1], [25, 15])
    values = draws.normal(size=(IMAGES, features)) + shift * labels[:, None] * (np.arange(features) < features / 10)
    values = values * 10.0 ** draws.uniform(-2, 2, features) + draws.normal(size=features)
    values[:, -1] = 3.0
    return values.astype(np.float32), labels


@pytest.mark.parametrize("features", [12, 300, BLOCK + 7])
def test_the_weights_are_scikit_learns_with_fewer_and_with_more_features_than_images(features, tmp_path):
    values, labels = drawn(features)
    weight, bias = linear_weights(values, labels, fit_options(tmp_path / "f.safetensors", "frank", c=0.3))
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.3, class_weight="balanced", max_iter=10_000, tol=1e-9)
    ).fit(values.astype(np.float64), labels)
    others, _ = drawn(features, shift=0.5)
    expected = model.decision_function(others.astype(np.float64))
    np.testing.assert_allclose(others.astype(np.float64) @ weight + bias, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("classifier", ["logistic", "svm"])
def test_durall_is_fitted_to_its_features_as_they_are(classifier, tmp_path):
    values, labels = drawn(300)
    fit = fit_options(tmp_path / "f.safetensors", "durall", classifier=classifier)
    weight, bias = linear_weights(values, labels, fit)
    model = SVC(kernel="linear") if classifier == "svm" else LogisticRegression(max_iter=10_000, tol=1e-9)
    model.set_params(class_weight="balanced").fit(values.astype(np.float64), labels)
    expected = model.decision_function(values.astype(np.float64))
    np.testing.assert_allclose(values.astype(np.float64) @ weight + bias, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.heavy
@pytest.mark.parametrize(("name", "more"), [("durall", {}), ("durall", {"classifier": "svm"}), ("frank", {})])
def test_a_fit_sees_blur_says_what_it_was_trained_on_and_comes_out_the_same_again(name, more, tmp_path):
    root, files = shared_prompts(tmp_path), [tmp_path / f"{number}.safetensors" for number in range(2)]
    for file in files:
        held_out = fit_detector(fit_options(file, name, **more), options(root, tmp_path / file.stem, resize=None))
    assert files[0].read_bytes() == files[1].read_bytes()
    record = read_record(files[0])
    assert record.facts["detector"] == name
    assert record.facts["trained_on"] == ["soft"]
    aurocs = {(mark, row.generator): row.numbers["auroc"].value for mark, row in held_out.rows}
    assert aurocs["seen", "soft"] > 0.8
    assert aurocs["unseen", "softer"] > 0.8
    detector = create_detector(name, checkpoint=str(files[0]))
    assert detector.trained_on == ("soft",)
    assert torch.equal(detector.weight, load_file(files[1])["weight"])
