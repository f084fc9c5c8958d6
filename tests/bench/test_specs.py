import pytest

from bench.errors import BenchError
from bench.specs import parse_detector, parse_detectors
from detectors import UnknownNameError


def test_options_get_the_types_of_the_detector():
    spec = parse_detector("wepe:rule=tensor_std,ratio=0.2,n=3,blocks=5")
    assert spec.options == {"rule": "tensor_std", "ratio": 0.2, "n": 3, "blocks": 5}
    assert spec.label == "wepe:rule=tensor_std,ratio=0.2,n=3,blocks=5"


@pytest.mark.parametrize(
    ("text", "blocks"),
    [("wepe:blocks=0-3,6", "0-3,6"), ("wepe:blocks=3-3,n=2", "3-3"), ("wepe:n=2,blocks=none", None)],
)
def test_a_part_without_equals_belongs_to_the_value_before_it(text, blocks):
    assert parse_detector(text).options["blocks"] == blocks


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wepe:ratio=much", r"wepe:ratio takes float, got 'much'"),
        ("wepe:n=1.5", r"wepe:n takes int, got '1.5'"),
        ("wepe:ratio=0.1,ratio=0.2", "gives ratio twice"),
        ("wepe:fast", "Cannot read 'fast'"),
    ],
)
def test_what_cannot_be_read_says_so(text, message):
    with pytest.raises(BenchError, match=message):
        parse_detector(text)


def test_unknown_names_get_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"Unknown detector 'wpe'\. Did you mean 'wepe'"):
        parse_detector("wpe:n=2")
    with pytest.raises(UnknownNameError, match=r"Unknown option of rigid 'nois'\. Did you mean 'noise'"):
        parse_detector("rigid:nois=2")
    with pytest.raises(UnknownNameError, match=r"Unknown option of wepe 'seed'"):
        parse_detector("wepe:seed=2")


def test_a_detector_may_come_twice_with_other_options_but_not_the_same():
    assert len(parse_detectors(["wepe", "wepe:ratio=0.2"])) == 2
    with pytest.raises(BenchError, match=r"'wepe:ratio=0.20' is given twice"):
        parse_detectors(["wepe:ratio=0.2", "wepe:ratio=0.20"])
    with pytest.raises(BenchError, match="Name at least one detector: aeroblade, "):
        parse_detectors([])
