import pytest

from bench.errors import BenchError
from bench.scoring.specs import parse_detector, parse_detectors, with_checkpoints
from detectors import OptionError, UnknownNameError


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


def test_a_model_of_timm_and_its_file_have_a_shorthand():
    spec = parse_detector("timm:resnet50@some/where/weights.pth")
    assert spec.options == {"model": "resnet50", "checkpoint": "some/where/weights.pth"}
    assert spec.options == parse_detector("timm:model=resnet50,checkpoint=some/where/weights.pth").options
    assert spec.label == "timm:resnet50@weights.pth"
    more = parse_detector("timm:resnet50.a1_in1k@w.pth,generated=0")
    assert more.options == {"model": "resnet50.a1_in1k", "checkpoint": "w.pth", "generated": 0}
    assert parse_detector("timm:resnet50").options == {"model": "resnet50"}
    with pytest.raises(BenchError, match="gives model twice"):
        parse_detector("timm:resnet50,model=resnet18")


def test_the_tables_call_a_file_by_its_name_unless_that_is_not_enough():
    assert parse_detector("npr:checkpoint=/a/b/NPR.pth,preprocessing=crop").label == (
        "npr:checkpoint=NPR.pth,preprocessing=crop"
    )
    two = ["npr:checkpoint=/a/NPR.pth", "npr:checkpoint=/b/NPR.pth"]
    assert [spec.label for spec in parse_detectors(two)] == two
    assert parse_detector("npr:checkpoint=/a/NPR.pth+rigid").label == "npr:checkpoint=NPR.pth+rigid"


def test_a_plus_in_a_value_makes_no_ensemble_but_before_a_detectors_name():
    spec = parse_detector("npr:checkpoint=a+b.pth,trained_on=sd14+adm")
    assert spec.options == {"checkpoint": "a+b.pth", "trained_on": "sd14+adm"}
    assert not spec.members
    both = parse_detector("npr:trained_on=sd14+adm+rigid:noise=0.1+wepe")
    assert [member.name for member in both.members] == ["npr", "rigid", "wepe"]
    assert both.members[0].options == {"trained_on": "sd14+adm"}
    with pytest.raises(UnknownNameError, match=r"Unknown detector 'rigd'\. Did you mean 'rigid'"):
        parse_detector("wepe+rigd")


@pytest.fixture
def npr(tmp_path):
    (tmp_path / "NPR.pth").touch()
    return tmp_path / "NPR.pth"


def test_checkpoints_go_to_the_detectors_of_their_names_and_to_members_of_ensembles(npr):
    asked = ["npr", "rigid", "npr:preprocessing=crop", "timm:resnet50", "rigid:noise=0.1+npr"]
    found = with_checkpoints(asked, [f"npr={npr}", f"timm={npr}"])
    assert found == [
        f"npr:checkpoint={npr}",
        "rigid",
        f"npr:preprocessing=crop,checkpoint={npr}",
        f"timm:resnet50,checkpoint={npr}",
        f"rigid:noise=0.1+npr:checkpoint={npr}",
    ]
    specs = parse_detectors(found)
    assert [spec.options.get("checkpoint") for spec in specs[:4]] == [str(npr), None, str(npr), str(npr)]
    assert specs[4].members[1].options == {"checkpoint": str(npr)}
    assert specs[0].label == "npr:checkpoint=NPR.pth"


@pytest.mark.parametrize(
    ("asked", "given", "message"),
    [
        (["npr"], ["npr"], r"--checkpoint takes NAME=FILE, as in npr=NPR\.pth; got 'npr'"),
        (["npr"], ["npr="], "--checkpoint takes NAME=FILE"),
        (["npr"], ["npr=nowhere.pth"], r"there is no file nowhere\.pth"),
        (["rigid"], ["npr={npr}"], "npr is not among --detectors rigid"),
        (["rigid"], ["rigid={npr}"], "rigid takes no checkpoint"),
        (["npr"], ["npr={npr}", "npr={npr}"], "gives npr a file twice"),
        (["npr:checkpoint=a.pth"], ["npr={npr}"], "names a checkpoint, and so does --checkpoint npr="),
    ],
)
def test_a_checkpoint_that_cannot_be_placed_says_so(npr, asked, given, message):
    with pytest.raises(BenchError, match=message):
        with_checkpoints(asked, [one.format(npr=npr) for one in given])


def test_a_checkpoint_for_an_unknown_detector_gets_a_suggestion(npr):
    with pytest.raises(UnknownNameError, match=r"Unknown detector 'nrp'\. Did you mean 'npr'"):
        with_checkpoints(["npr"], [f"nrp={npr}"])


@pytest.mark.parametrize("name", ["x,preprocessing=crop", "x+rigid"])
def test_a_file_whose_path_reads_as_options_is_refused(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(BenchError, match="rename the file, its path reads as other options"):
        with_checkpoints(["npr"], [f"npr={tmp_path / name}"])


@pytest.mark.parametrize("way", ["minp", "stouffer"])
def test_the_way_of_fusing_stands_before_the_members(way):
    spec = parse_detector(f"fuse={way}:rigid:noise=0.1+wepe:blocks=0-3,6")
    assert spec.fusion == {"name": way, "sides": 1}
    assert [member.options for member in spec.members] == [{"noise": 0.1}, {"blocks": "0-3,6"}]
    assert spec.label == f"fuse={way}:rigid:noise=0.1+wepe:blocks=0-3,6"
    two = parse_detector(f"fuse={way},sides=2:rigid+wepe")
    assert (two.fusion, two.label) == ({"name": way, "sides": 2}, f"fuse={way},sides=2:rigid+wepe")


def test_what_is_written_without_a_way_is_the_mean_of_z_scores():
    assert parse_detector("rigid+wepe").fusion == parse_detector("fuse=zscore:rigid+wepe").fusion == {"name": "zscore"}
    assert parse_detector("rigid+wepe").label == "rigid+wepe"
    assert not parse_detector("rigid").fusion


def test_the_same_members_may_be_fused_in_several_ways_but_not_twice_in_one():
    assert len(parse_detectors(["rigid+wepe", "fuse=minp:rigid+wepe", "fuse=minp,sides=2:rigid+wepe"])) == 3
    for twice in ("fuse=zscore:rigid+wepe", "rigid +wepe"):
        with pytest.raises(BenchError, match="is given twice"):
            parse_detectors(["rigid+wepe", twice])
    with pytest.raises(BenchError, match="is given twice"):
        parse_detectors(["fuse=minp:rigid+wepe", "fuse=minp,sides=1:rigid+wepe"])


def test_a_member_may_come_again_with_other_options_but_not_the_same():
    spec = parse_detector("fuse=minp:rigid+rigid:noise=0.1+rigid:noise=0.2")
    assert [member.options for member in spec.members] == [{}, {"noise": 0.1}, {"noise": 0.2}]
    assert not spec.is_same(parse_detector("fuse=minp:rigid+rigid:noise=0.1+rigid:noise=0.3"))
    with pytest.raises(BenchError, match="fuses a detector with itself"):
        parse_detector("rigid:noise=0.1+wepe+rigid:noise=0.10")


PLACE = r"fuse= stands before two or more detectors, as in fuse=minp:rigid\+wepe"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fuse=minp", PLACE),
        ("fuse=minp:", PLACE),
        ("fuse=minp:rigid", PLACE),
        ("rigid+wepe:fuse=minp", PLACE),
        ("rigid+wepe,fuse=minp", PLACE),
        ("rigid+wepe@fuse=minp", PLACE),
        ("rigid+wepe+fuse=minp", PLACE),
        ("fuse=minp:rigid+fuse=stouffer:rigid+wepe", PLACE),
        ("fuse=min:rigid+wepe", r"Unknown way of fusing 'min'\. Did you mean 'minp'"),
        ("fuse=:rigid+wepe", "Unknown way of fusing ''"),
        ("fuse=minp,side=2:rigid+wepe", r"Unknown option of minp 'side'\. Did you mean 'sides'"),
        ("fuse=zscore,sides=2:rigid+wepe", "Unknown option of zscore 'sides'"),
        ("fuse=minp,sides=3:rigid+wepe", "sides must be 1 or 2, got 3"),
        ("fuse=minp,sides=two:rigid+wepe", "minp:sides takes int, got 'two'"),
        ("fuse=minp:rigid+wpe", r"Unknown detector 'wpe'\. Did you mean 'wepe'"),
        ("minp:rigid+wepe", "Unknown detector 'minp'"),
        ("minp(rigid+wepe)", r"Unknown detector 'minp\(rigid'"),
    ],
)
def test_a_way_of_fusing_that_cannot_be_read_says_so(text, message):
    with pytest.raises((BenchError, UnknownNameError, OptionError), match=message):
        parse_detector(text)


def test_checkpoints_go_to_members_behind_a_way_of_fusing(npr):
    asked = ["fuse=minp,sides=2:rigid:noise=0.1+npr", "fuse=stouffer:npr+rigid"]
    found = with_checkpoints(asked, [f"npr={npr}"])
    assert found == [
        f"fuse=minp,sides=2:rigid:noise=0.1+npr:checkpoint={npr}",
        f"fuse=stouffer:npr:checkpoint={npr}+rigid",
    ]
    assert parse_detector(found[1]).label == "fuse=stouffer:npr:checkpoint=NPR.pth+rigid"
