"""A task is what was frozen, to the letter, or it is refused."""

import hashlib
import json

import polars as pl
import pytest

from bench.store.contrasts import ContrastRule
from bench.store.sharing.task import TaskError, digest_of, freeze, read_task, write_task
from tests.bench.made_stores import sha
from tests.bench.made_submissions import PROTOCOL, made_task

SCHEMA = {"path": pl.String, "sha256": pl.String, "label": pl.Int8, "kind": pl.String, "generator": pl.String,
          "group": pl.String}  # fmt: skip
RULES = {"clean": (ContrastRule("gan", ("photos", "paintings")),)}


def frozen(rows, rules=None):
    """Freezes images: path, content, label, generator, group."""
    table = [(path, sha(content), label, None, source, group) for path, content, label, source, group in rows]
    images = pl.DataFrame(table, SCHEMA, orient="row")
    return freeze(images, rules or RULES, name="n", title="t", protocol=PROTOCOL)


def test_a_task_is_read_as_it_was_written(tmp_path):
    task = made_task(conditions=("clean", "jpeg:75"))
    again = read_task(write_task(task, tmp_path / "task.json"))
    assert again.images.equals(task.images)
    assert again.contrasts == task.contrasts
    assert (again.digest, again.identity, again.protocol) == (task.digest, task.identity, task.protocol)
    assert again.conditions == ("clean", "jpeg:75")
    assert again.license == "made up"


def test_the_digest_is_that_of_the_other_facts_as_anyone_can_compute_it(tmp_path):
    facts = json.loads(write_task(made_task(), tmp_path / "task.json").read_text())
    told = facts.pop("digest")
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == told


def test_no_path_is_in_the_file(tmp_path):
    text = write_task(made_task(), tmp_path / "task.json").read_text()
    assert ".png" not in text
    assert sorted(json.loads(text)["images"]) == ["generator", "group", "kind", "label", "sha256"]


def test_equal_bytes_stand_once_as_the_first_by_path_and_join_groups():
    rows = [
        ("b", "same", 0, "photos", "g2"),
        ("a", "same", 0, "paintings", "g1"),
        ("c", "other", 0, "photos", "g2"),
        ("d", "fourth", 0, "photos", "g3"),
        ("e", "fake", 1, "gan", "g4"),
    ]
    found = frozen(rows)
    images = {row["sha256"]: row for row in found.task.images.iter_rows(named=True)}
    assert found.copies == 1
    assert len(images) == 4
    assert images[sha("same")]["generator"] == "paintings"
    assert images[sha("same")]["group"] == images[sha("other")]["group"] == min(sha("same"), sha("other"))[:16]
    assert images[sha("fourth")]["group"] == sha("fourth")[:16]


def test_images_called_real_and_generated_are_left_out_with_their_contrast():
    rows = [("a", "x", 0, "photos", "a"), ("b", "x", 1, "gan", "b"), ("c", "y", 0, "photos", "c"),
            ("d", "z", 1, "other", "d")]  # fmt: skip
    rules = {"clean": (ContrastRule("gan", ("photos",)), ContrastRule("other", ("photos", "paintings")))}
    found = frozen(rows, rules)
    assert [row[1:] for row in found.contradicted] == [("a", "b")]
    assert found.task.images["sha256"].to_list() == sorted([sha("y"), sha("z")])
    assert found.task.contrasts == {"clean": (ContrastRule("other", ("photos",)),)}


def test_members_are_named_by_their_content_and_limit_what_a_condition_is_about():
    rows = [("a", "x", 0, "photos", "a"), ("b", "y", 0, "photos", "b"), ("c", "z", 1, "gan", "c")]
    whole, limited = ContrastRule("gan", ("photos",)), ContrastRule("gan", ("photos",), frozenset({"a", "c", "gone"}))
    task = frozen(rows, {"clean": (whole,), "unbiased:450x450": (limited,)}).task
    assert task.contrasts["unbiased:450x450"][0].members == {sha("x"), sha("z")}
    assert task.wanted("clean").to_list() == sorted(map(sha, "xyz"))
    assert task.wanted("unbiased:450x450").to_list() == sorted(map(sha, "xz"))


def test_the_version_and_the_licence_are_part_of_the_identity():
    digests = {made_task(**told).digest for told in ({}, {"version": 2}, {"license": "other"}, {"title": "other"})}
    assert len(digests) == 4
    assert made_task().digest == made_task().digest


def changed(tmp_path, change, digest=True):
    """Writes a task that was changed; its digest is put right unless it is not to be."""
    facts = json.loads(write_task(made_task(real=3, generated=3, generators=("gan",)), tmp_path / "t.json").read_text())
    change(facts)
    if digest:
        facts["digest"] = digest_of(facts)
    (tmp_path / "t.json").write_text(json.dumps(facts))
    return tmp_path / "t.json"


def set_in(*keys, to):
    def change(facts):
        for key in keys[:-1]:
            facts = facts[key]
        facts[keys[-1]] = to

    return change


def swap_labels(facts):
    facts["images"]["label"] = [1 - label for label in facts["images"]["label"]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (set_in("format", to=2), "its format is 2"),
        (set_in("extra", to=1), "'extra'"),
        (set_in("images", "path", to=[]), "'path'"),
        (set_in("images", "label", 0, to=7), "neither 0 nor 1"),
        (set_in("images", "label", 0, to=10**30), ""),
        (set_in("images", "label", 0, to="real"), ""),
        (set_in("images", "label", 0, to=None), "lacks"),
        (set_in("images", "sha256", 0, to="xyz"), "no sha256"),
        (set_in("images", "sha256", 0, to="f" * 64), "not sorted"),
        (set_in("images", "kind", 0, to="half"), "kind"),
        (set_in("images", "group", to=[]), "different lengths"),
        (set_in("images", to={name: [] for name in ("sha256", "label", "kind", "generator", "group")}), "no image"),
        (set_in("identity", to="0" * 64), "identity"),
        (set_in("conditions", to=["clean", "jpeg:75"]), "conditions"),
        (set_in("contrasts", "clean", "gan", "reals", to=["nobody"]), "'nobody'"),
        (set_in("contrasts", "clean", "gan", "members", to=["0" * 64]), "no image"),
        (set_in("version", to=0), "version"),
        (set_in("name", to=""), "name"),
        (set_in("protocol", to=None), "protocol"),
    ],
)
def test_a_task_that_was_made_by_hand_is_looked_at(tmp_path, change, reason):
    with pytest.raises(TaskError, match="not a task that can be used") as caught:
        read_task(changed(tmp_path, change))
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    "change", [swap_labels, set_in("license", to="free"), set_in("images", "group", 0, to="another")]
)
def test_a_changed_task_does_not_have_its_digest(tmp_path, change):
    with pytest.raises(TaskError, match="changed after it was frozen"):
        read_task(changed(tmp_path, change, digest=False))


def test_what_is_no_task_is_refused_in_a_line(tmp_path):
    file = tmp_path / "t.json"
    for data in (b"", b"[]", b"[" * 100_000, b"\xff", b'{"format": NaN}', b'{"format": 1e999}', b"{}",
                 b'{"format": ' + b"9" * 5000 + b"}", b'{"format": 1, "format": 1}', b'{"format": 1}'):  # fmt: skip
        file.write_bytes(data)
        with pytest.raises(TaskError) as caught:
            read_task(file)
        assert "\n" not in str(caught.value)
    with pytest.raises(TaskError, match="a folder"):
        read_task(tmp_path)
    with pytest.raises(TaskError, match="cannot be read"):
        read_task(tmp_path / "none.json")
