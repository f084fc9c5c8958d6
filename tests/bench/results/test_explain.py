import pytest
from made_stores import detector, images, keep, scored, sha

from bench.cli.app import main
from bench.errors import BenchError
from bench.results.explain import explain
from bench.statistics.names import hash_of

IMAGES = images(12, 12, ("flow", "gan"))


@pytest.fixture
def output(tmp_path):
    """A store in which two runs gave the scores of one detector, and one image could not be read."""
    wepe = detector("wepe", options={"ratio": 0.1})

    def score(path, label, source):
        return None if path == "gan/000.png" else float(label)

    keep(tmp_path, "1", [scored(IMAGES[:20], wepe, score)], wepe, wanted=36, finished=False)
    keep(tmp_path, "2", [scored(IMAGES[20:], wepe, score)], wepe, wanted=36)
    return tmp_path


def test_everything_that_made_a_number_is_named(output):
    found = explain(output, "made-up", "wepe", "gan")
    numbers, seen, method = (dict(found.sections[name]) for name in ("Numbers", "Images", "Detector"))
    assert numbers["auroc"].startswith("1.000000, 95 % interval [0.")
    assert numbers["seeds"] == "0"
    assert seen["real, photographs"] == "12 images"
    assert seen["generated, gan"] == "11 images"
    assert seen["gan faces"] == "photographs"
    assert seen["unreadable"] == "1: gan/000.png (broken)"
    assert seen["protocol"] == "resize=256"
    assert method["fingerprint"] == sha("wepe")
    assert method["options"] == "ratio=0.1"
    assert sha("weights") in method["backbone"]
    first, second = dict(found.sections["Run 1"]), dict(found.sections["Run 2"])
    assert (first["scores"], second["scores"]) == ("20", "16")
    assert first["finished"] == "no: it was cut off"
    assert (second["command"], second["commit"], second["device"]) == ("bench compare", "0123abc", "cpu")


def test_the_hash_is_that_of_the_paths_and_contents_of_the_readable_images(output):
    seen = dict(explain(output, "made-up", "wepe", "gan").sections["Images"])
    used = sorted(path for path, _, source in IMAGES if source != "flow" and path != "gan/000.png")
    assert seen["sha256 of the paths and contents"] == hash_of(f"{path} {sha(path)}" for path in used)


def test_a_detector_is_found_by_the_start_of_its_fingerprint(output):
    assert explain(output, "made-up", sha("wepe")[:6], "mean").title == "wepe on made-up, clean, against mean"


def test_rows_of_an_older_version_say_that_nothing_was_recorded(tmp_path):
    keep(tmp_path, "1", [scored(IMAGES, detector("old"), lambda path, label, source: label)])
    sections = explain(tmp_path, "made-up", "old", "mean").sections
    assert sections["Detector"][-1] == ("facts", "not recorded: rows of an older version")
    assert sections["Run 1"][0] == ("scores", "36")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("made-op", "wepe", "gan"), "no data set 'made-op' in the store; there are: made-up. Did you mean 'made-up'?"),
        (("made-up", "wep", "gan"), "no detector 'wep' of made-up"),
        (("made-up", "wepe", "gun"), "no generator 'gun' of made-up; there are: flow, gan, mean"),
        (("made-up", "wepe", "gan", "jpeg:75"), "no condition 'jpeg:75' of wepe; there are: clean"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(output, names, message):
    with pytest.raises(BenchError, match=message.replace("?", r"\?")):
        explain(output, *names)


def test_two_detectors_of_one_name_must_be_told_apart(output):
    other = detector("wepe", fingerprint=sha("another"))
    keep(output, "3", [scored(IMAGES, other, lambda path, label, source: 0.0)], other)
    with pytest.raises(BenchError, match="'wepe' names 2 detectors of made-up: wepe #"):
        explain(output, "made-up", "wepe", "gan")
    assert dict(explain(output, "made-up", sha("another"), "gan").sections["Numbers"])["auroc"].startswith("0.5")


def test_two_protocols_must_be_told_apart(output):
    native = detector("wepe", fingerprint=sha("native"))
    keep(output, "3", [scored(IMAGES, native, lambda *_: 0.0)], native, protocol={"resize": None})
    with pytest.raises(BenchError, match="Choose one with --protocol"):
        explain(output, "made-up", "wepe", "gan")
    assert explain(output, "made-up", "wepe", "gan", protocol="resize=None").sections


def test_the_command_prints_whole_lines(output, capsys):
    assert main(["explain", "made-up", "wepe", "gan", "--output", str(output)]) == 0
    assert f"fingerprint: {sha('wepe')}" in capsys.readouterr().out
    assert main(["explain", "made-up", "wepe", "gun", "--output", str(output)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_mean_is_of_the_images_that_are_not_edited(tmp_path):
    listed, x = images(12, 12, ("flow", "gan", "gan (partial)")), detector("x")
    rows = [scored(listed, x, lambda path, label, source: float(label))]
    keep(tmp_path, "1", rows, x, apart=["gan (partial)"])
    mean, edited = (
        dict(explain(tmp_path, "made-up", "x", name).sections["Images"]) for name in ("mean", "gan (partial)")
    )
    assert "generated, gan" in mean
    assert "generated, gan (partial)" not in mean
    assert edited["generated, gan (partial)"] == "12 images"
