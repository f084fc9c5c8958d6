"""How attacks are written."""

import pytest

from bench.errors import BenchError
from bench.scoring.attacks.condition import Attack, default_step, is_attack, parse_attack
from bench.scoring.condition_language import read_condition
from bench.scoring.conditions import robustness_conditions
from datamodules import DataOptionError
from datamodules.degradations import DegradationChain


@pytest.mark.parametrize(
    ("text", "attack"),
    [
        ("attack:pgd:2/255", Attack("pgd", 2, 10, 0.5)),
        ("attack:pgd:8/255,steps=20", Attack("pgd", 8, 20, 1.0)),
        ("attack:pgd:1/255,step=0.25/255,steps=3", Attack("pgd", 1, 3, 0.25)),
        ("attack:pgd:2/255,source=rigid", Attack("pgd", 2, 10, 0.5, "rigid")),
        (
            "attack:pgd:2/255,steps=5,source=wepe:ratio=0.2,blocks=0,1",
            Attack("pgd", 2, 5, 1.0, "wepe:ratio=0.2,blocks=0,1"),
        ),
        ("attack:pgd:2/255,source=rigid#0123abcd", Attack("pgd", 2, 10, 0.5, "rigid", "0123abcd")),
    ],
)
def test_an_attack_is_read_and_its_name_is_read_back(text, attack):
    assert parse_attack(text) == attack
    assert parse_attack(attack.name) == attack


def test_the_name_holds_source_steps_and_step_size():
    assert parse_attack("attack:pgd:3/255,source=rigid").name == "attack:pgd:3/255,steps=10,step=0.75/255,source=rigid"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("attack:pgd", "budget"),
        ("attack:pgd:2", "255ths"),
        ("attack:pgd:0.5/255", "whole number of 255ths"),
        ("attack:pgd:0/255", "255ths"),
        ("attack:pgd:256/255", "255ths"),
        ("attack:pdg:2/255", "Did you mean 'pgd'"),
        ("attack:pgd:2/255,steps=0", "from 1 to 1,000"),
        ("attack:pgd:2/255,steps=ten", "from 1 to 1,000"),
        ("attack:pgd:2/255,setps=10", "'setps'"),
        ("attack:pgd:2/255,steps=10,steps=20", "'steps'"),
        ("attack:pgd:2/255,source=", "name of a detector"),
        ("attack:pgd:2/255@real", "stands alone"),
        ("attack:pgd:2/255@generated", "stands alone"),
        ("attack:pgd:2/255,at=original", "stands alone"),
        ("attack:pgd:2/255+jpeg:75", "stands alone"),
        ("jpeg:75+attack:pgd:2/255", "stands alone"),
    ],
)
def test_what_is_no_attack_is_refused_with_the_text_and_the_way_to_write_it(text, words):
    assert is_attack(text)
    with pytest.raises(DataOptionError, match=words) as refused:
        read_condition(text)
    assert text in str(refused.value)


def test_other_conditions_are_chains():
    assert isinstance(read_condition("jpeg:75+blur:2@generated"), DegradationChain)


def test_the_default_step_is_madrys():
    assert default_step(2, 10) == 0.5
    assert default_step(8, 7) == 2.857


def test_attacks_of_default_steps_lie_on_one_curve_over_the_budget():
    kinds = {(read_condition(f"attack:pgd:{budget}/255").curve or ("",))[0] for budget in (1, 2, 8)}
    assert kinds == {"attack:pgd,steps=10"}
    kind, level, axis = parse_attack("attack:pgd:4/255,steps=5,step=1/255,source=rigid").curve
    assert (kind, level) == ("attack:pgd,steps=5,step=1/255,source=rigid", 4.0)
    assert axis.untouched == 0


def test_a_study_takes_attacks_and_limits_them_to_no_class():
    assert robustness_conditions(conditions=["attack:pgd:2/255"]) == ("attack:pgd:2/255,steps=10,step=0.5/255",)
    with pytest.raises(BenchError, match="--only generated does not apply"):
        robustness_conditions(conditions=["attack:pgd:2/255"], only="generated")
