"""The settings of a sweep, from the way in which they are written."""

import pytest

from bench.errors import BenchError
from bench.scoring.specs import parse_detectors
from bench.scoring.sweeps import parse_sweep
from detectors.errors import UnknownNameError


def test_a_part_without_equals_is_another_value_and_all_combinations_are_settings():
    settings = parse_sweep("rigid:noise=0.01,0.05,draws=1,4,space=pixel")
    assert [setting.text for setting in settings] == [
        "rigid:noise=0.01,draws=1,space=pixel",
        "rigid:noise=0.01,draws=4,space=pixel",
        "rigid:noise=0.05,draws=1,space=pixel",
        "rigid:noise=0.05,draws=4,space=pixel",
    ]
    assert settings[1].values == {"noise": "0.01", "draws": "4"}
    assert [setting.is_default for setting in settings] == [False, False, True, False]
    parse_detectors([setting.text for setting in settings])


def test_a_value_that_holds_commas_stands_in_brackets():
    settings = parse_sweep("wepe:blocks=[0-3,6],[0-7],ratio=0.1,0.2")
    assert [setting.text for setting in settings] == [
        "wepe:blocks=0-3,6,ratio=0.1",
        "wepe:blocks=0-3,6,ratio=0.2",
        "wepe:blocks=0-7,ratio=0.1",
        "wepe:blocks=0-7,ratio=0.2",
    ]
    assert parse_detectors([settings[0].text])[0].options == {"blocks": "0-3,6", "ratio": 0.1}


def test_views_are_swept_like_options_and_method_is_the_methods_own():
    settings = parse_sweep("rigid:noise=0.05", "method,random-crop")
    assert [setting.text for setting in settings] == ["rigid:noise=0.05", "rigid:noise=0.05,view=random-crop"]
    assert [dict(setting.values) for setting in settings] == [{"view": "method"}, {"view": "random-crop"}]
    assert [setting.is_default for setting in settings] == [True, False]
    assert [setting.is_default for setting in parse_sweep("rigid", "resize,native")] == [True, False]


def test_the_model_of_a_shorthand_can_be_swept():
    assert [setting.text for setting in parse_sweep("timm:resnet50,resnet18")] == [
        "timm:model=resnet50",
        "timm:model=resnet18",
    ]


def test_a_checkpoint_goes_into_every_setting_and_tables_call_it_by_its_name(tmp_path):
    file = tmp_path / "weights.pth"
    file.touch()
    settings = parse_sweep("npr:preprocessing=resize,native", checkpoints=[f"npr={file}"])
    assert [setting.text for setting in settings] == [
        f"npr:preprocessing=resize,checkpoint={file}",
        f"npr:preprocessing=native,checkpoint={file}",
    ]
    assert settings[0].label == "npr:preprocessing=resize,checkpoint=weights.pth"
    assert settings[0].values == {"preprocessing": "resize"}


@pytest.mark.parametrize(
    ("text", "views", "message"),
    [
        ("rigid", None, "'rigid' is one setting: give an option several values, as in rigid:noise=0.01,0.05,0.1."),
        ("rigid:noise=0.1,0.2,noise=0.3", None, "gives noise twice: write its values after each other, with commas."),
        ("rigid:view=resize,native", "native", "gives views, and so does --view native: take one of the two."),
        ("rigid+wepe:ratio=0.1,0.2", None, "is an ensemble: a sweep is of the settings of one detector."),
        ("rigid:noise=0.05,0.050", None, "'rigid:noise=0.050' is given twice."),
        ("rigid:noise=0.1,a", None, "rigid:noise takes float, got 'a'."),
        ("rigid:preprocessing=resize,random-crop", "native", "names the picture twice: take view or preprocessing."),
    ],
)
def test_a_mistake_is_one_line(text, views, message):
    with pytest.raises(BenchError) as error:
        parse_sweep(text, views)
    assert str(error.value).endswith(message)
    assert "\n" not in str(error.value)


def test_a_sweep_has_at_most_64_settings():
    values = ",".join(f"0.{number:02d}" for number in range(1, 9))
    assert len(parse_sweep(f"wepe:ratio={values},n=1,2,3,4,5,6,7,8")) == 64
    with pytest.raises(BenchError, match="makes 72 settings, and a sweep at most 64: give fewer values"):
        parse_sweep(f"wepe:ratio={values},n=1,2,3,4,5,6,7,8,9")


def test_unknown_names_get_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"Unknown view 'nativ'\. Did you mean 'native'"):
        parse_sweep("rigid", "resize,nativ")
    with pytest.raises(UnknownNameError, match=r"Unknown option of rigid 'nois'\. Did you mean 'noise'"):
        parse_sweep("rigid:nois=0.1,0.2")
