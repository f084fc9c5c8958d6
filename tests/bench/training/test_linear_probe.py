"""A linear probe through the whole command: training, the file, and the test on held-out groups."""

import shutil

import numpy as np
import polars as pl
import pytest
import torch
from made_fits import fit_options, options, shared_prompts
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.cli.app import main
from bench.errors import BenchError
from bench.scoring.build import create_datamodule
from bench.scoring.exclusion import trained_groups
from bench.scoring.specs import parse_detector
from bench.scoring.training_record import read_record
from bench.training.fit import fit_detector
from bench.training.linear import linear_weights
from bench.training.split import may_train
from datamodules.views import cut_view
from detectors import LinearProbe, create_backbone

pytestmark = [pytest.mark.usefixtures("small_views"), pytest.mark.heavy]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return shared_prompts(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def fitted(root, tmp_path_factory):
    """A probe, trained and tested once: the file, the results' folder, and the numbers."""
    folder = tmp_path_factory.mktemp("fitted")
    file, results = folder / "probe.safetensors", folder / "results"
    return file, results, fit_detector(fit_options(file), options(root, results))


def test_the_weights_are_those_of_scikit_learn_on_the_same_features(root, fitted):
    file, _, _ = fitted
    backbone = create_backbone("efficientnet-lite0")
    data = create_datamodule(options(root, root))
    data.setup()
    rows = data.items.filter(pl.Series([may_train(group, 0.5) for group in data.items["group"]]))
    pixels = [
        cut_view(data.preprocess(data.decode(data.read_bytes(path), path), 0, ""), LinearProbe.view, 0)
        for path in rows["path"]
    ]
    with torch.inference_mode():
        features = torch.cat([backbone(torch.stack(pixels[i : i + 8]).float() / 255) for i in range(0, len(rows), 8)])
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=10_000, tol=1e-8))
    model.fit(features.double().numpy(), rows["label"].to_numpy())
    state = load_file(file)
    logits = features.double() @ state["weight"] + state["bias"]
    np.testing.assert_allclose(logits.numpy(), model.decision_function(features.double().numpy()), rtol=1e-3, atol=1e-3)


def test_classes_weigh_the_same_and_the_penalty_is_on_standardised_features(tmp_path):
    draws, fit = np.random.default_rng(0), fit_options(tmp_path / "probe.safetensors", c=0.5)
    features = draws.normal(size=(90, 3)).astype(np.float32) * [1, 100, 0.01] + [0, 500, 2]
    labels = np.repeat([0, 1], [75, 15])
    features[labels == 1] += [1, 100, 0.01]
    weight, bias = linear_weights(features.astype(np.float32), labels, fit)
    rescaled, _ = linear_weights((features * [1, 0.01, 100]).astype(np.float32), labels, fit)
    np.testing.assert_allclose(weight * [1, 100, 0.01], rescaled, rtol=1e-3)
    decided = features @ weight + bias > 0
    assert abs(decided[labels == 1].mean() - (1 - decided[labels == 0].mean())) < 0.25


def test_the_file_scores_as_in_training(root, fitted):
    file, results, _ = fitted
    backbone, state = create_backbone("efficientnet-lite0"), load_file(file)
    rows = pl.concat([pl.read_parquet(part) for part in results.glob("scores/*/*/part-*.parquet")])
    data = create_datamodule(options(root, root))
    for path, score in rows.sample(6, seed=0).select("path", "score").iter_rows():
        image = data.preprocess(data.decode(data.read_bytes(path), path), 0, "")
        pixels = cut_view(image, LinearProbe.view, 0).unsqueeze(0).float() / 255
        logit = backbone(pixels)[0].double() @ state["weight"] + state["bias"]
        assert score == pytest.approx(torch.sigmoid(logit).item(), rel=1e-4)


def test_the_table_holds_no_group_that_was_trained_on_and_marks_the_seen_generator(root, fitted):
    file, _, result = fitted
    rows = {row.generator: (mark, row) for mark, row in result.rows}
    trained = {name for name in (f"prompt-{i}" for i in range(40)) if may_train(name, 0.5)}
    assert {name: mark for name, (mark, _) in rows.items()} == {"soft": "seen", "softer": "unseen"}
    # Both generators share the prompts: an unseen generator's image of a trained prompt is left out as well.
    assert rows["soft"][1].n_generated == rows["softer"][1].n_generated == 40 - len(trained)
    reals = [f"real/camera/{i:02d}.png" for i in range(40)]
    assert rows["soft"][1].n_real == sum(not may_train(path, 0.5) for path in reals)
    assert result.tested + result.left_out == 120
    record = read_record(file)
    assert len(record.groups) == record.facts["n_groups"] == len(trained) + sum(may_train(p, 0.5) for p in reals)
    assert record.facts["generators"] == ["soft"]


def test_scores_are_stored_once_and_a_second_fit_writes_the_same_file(root, fitted, tmp_path):
    file, results, _ = fitted
    again = tmp_path / "again.safetensors"
    result = fit_detector(fit_options(again), options(root, results))
    assert again.read_bytes() == file.read_bytes()
    assert result.scored == 0


def test_trained_images_are_found_again_in_a_renamed_folder_but_not_in_another_data_set(root, fitted, tmp_path):
    file, _, _ = fitted
    spec = parse_detector(f"linear-probe:checkpoint={file}")
    record = read_record(file)

    def groups(folder):
        data = create_datamodule(options(folder, tmp_path, generators=None))
        data.setup()
        return trained_groups([spec], data).get(spec.label, frozenset())

    shutil.copytree(root, tmp_path / "renamed")
    other = shared_prompts(tmp_path / "other")
    for path in other.rglob("*.png"):
        path.write_bytes(path.read_bytes() + b"other")
    other.rename(tmp_path / "unrelated")
    assert len(groups(root)) == len(groups(tmp_path / "renamed")) == len(record.groups) > 0
    assert groups(tmp_path / "unrelated") == frozenset()


def test_the_matched_pictures_are_trained_on(root, fitted, tmp_path):
    file = tmp_path / "matched.safetensors"
    result = fit_detector(fit_options(file), options(root, tmp_path / "r", match="reencode:75"))
    assert result.record.facts["treatment"] == "reencode:75,64px"
    assert {row.condition for _, row in result.rows} == {"clean", "reencode:75,64px"}
    assert not torch.equal(load_file(file)["weight"], load_file(fitted[0])["weight"])


def test_also_seen_moves_a_generator_out_of_the_unseen(root, tmp_path):
    fit = fit_options(tmp_path / "p.safetensors", also_seen=("softer",))
    result = fit_detector(fit, options(root, tmp_path / "r"))
    assert {(row.generator, mark) for mark, row in result.rows} == {
        ("soft", "seen"),
        ("softer", "seen"),
        ("mean", "seen"),
    }


def test_the_command_prints_the_table_and_writes_it(root, tmp_path, capsys):
    words = ["fit", "--detector", "linear-probe", "--dataset", "folder", "--data-root", str(root)]
    words += ["--generators", "soft", "--save", str(tmp_path / "p.safetensors"), "--output", str(tmp_path / "r")]
    words += ["--resize", "64", "--num-workers", "0", "--batch-size", "8"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "softer" in printed
    assert "unseen" in printed
    table = pl.read_csv(tmp_path / "r" / "fit.csv")
    assert set(table["metric"]) == {"auroc", "ap_generated", "ap_real"}
    assert "Trained on soft of folder:images" in (tmp_path / "r" / "fit.md").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--classifier", "tree"], "--classifier must be one of logistic, svm, got 'tree'"),
        (["--augment", "cutout"], "--augment must be one of none, blur-jpeg, got 'cutout'"),
        (["--view", "mine"], "--view must be one of method, common, got 'mine'"),
        (["--devices", "2"], "--devices is an option of other commands and would do nothing here"),
        (["--seeds", "2"], "--seeds is an option of other commands and would do nothing here"),
    ],
)
def test_an_option_that_fit_does_not_take_is_one_line_and_exit_code_2(tmp_path, capsys, words, message):
    with pytest.raises(SystemExit, match="2"):
        main(["fit", "--detector", "durall", "--save", str(tmp_path / "p.safetensors"), *words])
    assert message in capsys.readouterr().err


def test_several_devices_are_refused(root, tmp_path):
    with pytest.raises(BenchError, match="fit trains on one device; got --devices 2"):
        fit_detector(fit_options(tmp_path / "p.safetensors"), options(root, tmp_path / "r", devices=2))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--detector", "rigid"], "resnet50 or timm:<model>, got 'rigid'; the other detectors cannot be trained here."),
        (["--detector", "timm"], "--detector must be linear-probe, durall, frank, npr, "),
        (["--detector", "spec:resnet18"], "got 'spec:resnet18'; the other detectors"),
        (["--classifier", "svm"], "--classifier must be logistic, or svm for durall, got 'svm'"),
        (["--save", "probe.pth"], "--save takes a file that ends in .safetensors, got probe.pth"),
        (["--save", "/nowhere/p.safetensors"], "there is no folder /nowhere"),
        (["--save", "/tmp/a+b.safetensors"], "with + or a comma in its path"),
        (["--train-share", "1"], "--train-share must lie between 0 and 1, got 1.0"),
        (["--c", "0"], "--c must be a number above 0, got 0.0"),
        (["--augment", "blur-jpeg"], "--augment does not apply to linear-probe"),
        (["--match", "unbiased"], "fit takes --match none or reencode:Q"),
        (["--generators", "sofd"], "Unknown generator 'sofd'. Did you mean 'soft'?"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(root, tmp_path, capsys, words, message):
    given = ["--detector", "linear-probe", "--save", str(tmp_path / "p.safetensors"), "--generators", "soft"]
    given += ["--dataset", "folder", "--data-root", str(root), "--output", str(tmp_path / "r"), *words]
    assert main(["fit", *given]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "p.safetensors").exists()


def test_a_damaged_record_is_refused(fitted, tmp_path):
    from safetensors.torch import save_file

    from detectors.trained.fitted_file import FACTS

    later, damaged = tmp_path / "later.safetensors", tmp_path / "damaged.safetensors"
    save_file(load_file(fitted[0]), later, {FACTS: '{"version": 99}'})
    save_file(load_file(fitted[0]), damaged, {FACTS: '{"version": 1, "groups": "?", "keys": ""}'})
    with pytest.raises(BenchError, match="another version of fit"):
        read_record(later)
    with pytest.raises(BenchError, match="does not say which images"):
        read_record(damaged)
