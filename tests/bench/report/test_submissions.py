"""The files, the page and the terminal of a board of submitted scores."""

import json
import re
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import polars as pl
import pytest
from hostile_names import NAMES, acting, added_tags, records, rendered
from made_stores import detector, images, keep, scored
from made_submissions import made_scores, made_task, results_repository, submitted

from bench.cli.app import main
from bench.report.escaping import page_address
from bench.store.sharing.task import write_task

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "leaderboard.schema.json").read_text(encoding="utf-8"))
DATES = ("--by-date", "--split-date", "2024")


def resolved(schema):
    """The schema behind references and alternatives, with the properties of all of them."""
    parts = [schema]
    if "$ref" in schema:
        parts.append(resolved(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]))
    parts += [resolved(part) for name in ("anyOf", "allOf") for part in schema.get(name, ())]
    found = {key: value for part in parts for key, value in part.items() if key != "properties"}
    return found | {"properties": {key: value for part in parts for key, value in part.get("properties", {}).items()}}


def undescribed(value, schema, where="$"):
    """The keys that occur in a value and that its schema does not have."""
    known = resolved(schema)
    if isinstance(value, list):
        return {key for item in value for key in undescribed(item, known.get("items", {}), f"{where}[]")}
    if not isinstance(value, dict):
        return set()
    keys, free = known["properties"], known.get("additionalProperties")
    if not keys:
        return {key for item in value.values() for key in undescribed(item, free, f"{where}.*")} if free else set()
    found = {f"{where}.{key}" for key in value if key not in keys}
    return found.union(*(undescribed(value[key], keys[key], f"{where}.{key}") for key in value if key in keys))


def check_json(told):
    jsonschema.validate(told, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert undescribed(told, SCHEMA) == set()


def board(root, *words, code=0, output="board"):
    """Runs the command; returns the folder of its files."""
    folder = root / output
    assert main(["leaderboard", "--submissions", str(root), "--output", str(folder), *words]) == code
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A repository with everything in it: a confirmation, a contradiction, one that is refused, three tasks."""
    root = tmp_path_factory.mktemp("repository")
    task = results_repository(root)
    scores = made_scores(task, strength=1.0, noise_seed=1)
    off = scores.with_columns(
        pl.col("score") + pl.when(pl.col("sha256") == scores["sha256"][0]).then(1.0).otherwise(0.0)
    )
    submitted(root / "submissions" / "third" / "rigid", task, "rigid", off, "third")
    (root / "submissions" / "third" / "empty").mkdir()
    other = made_task("other", real=30, conditions=("clean", "jpeg:75"))
    write_task(other, root / "tasks" / "other.json")
    write_task(made_task("lonely"), root / "tasks" / "lonely.json")
    for label, strength in (("rigid", 1.0), ("wepe", 0.3)):
        submitted(root / "submissions" / "third" / f"o-{label}", other, label, made_scores(other, strength, 2), "third")
    return root


@pytest.fixture(scope="module")
def output(root):
    return board(root, "--quiet", code=1)


def test_the_json_is_what_its_schema_says(output):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    told = json.loads((output / "leaderboard.json").read_text())
    check_json(told)
    found = told["submissions"]
    assert [task["dataset"] for task in found["tasks"]] == ["other, version 1", "small, version 1"]
    assert found["without_submissions"] == ["lonely, version 1"]
    assert [one["folder"] for one in found["refused"]] == ["third/empty"]
    assert found["tasks"][1]["disagreements"][0]["detectors"] == ["rigid (first/scores)", "rigid (third/scores)"]
    rows = {row["label"]: row["submission"] for row in told["boards"][2]["detectors"]}
    assert rows["rigid (first/scores)"]["confirmations"] == 1
    assert rows["rigid (first/scores)"]["same_scores"][0]["folder"] == "second/rigid"
    assert rows["oracle"]["scores_only"]
    assert told["across"]


@pytest.mark.parametrize("key", ["boards", "numbers", "confirmations"])
def test_the_schema_sees_a_missing_key_and_the_test_a_new_one(output, key):
    text = (output / "leaderboard.json").read_text()
    with pytest.raises(jsonschema.ValidationError):
        check_json(json.loads(text.replace(f'"{key}"', '"renamed"')))
    told = json.loads(text)
    told["boards"][0]["numbers"][0]["new"] = 1
    assert undescribed(told, SCHEMA) == {"$.boards[].numbers[].new"}


def test_the_json_of_a_store_has_the_same_schema(tmp_path, capsys):
    several = images(12, 12, ("gan", "flow"))
    good = detector("good")
    for title in ("one", "two"):
        noise = np.random.default_rng(3)
        rows = [scored(several, good, lambda path, label, source, noise=noise: label + noise.normal(), dataset=title,
                       content=title)]  # fmt: skip
        keep(tmp_path, title, rows, good)
    hashes = tmp_path / "hashes.txt"
    hashes.write_text(rows[0]["sha256"][0])
    words = ["leaderboard", "--output", str(tmp_path), "--json", "--seen-hashes", str(hashes), *DATES]
    assert main(words) == 0
    check_json(json.loads(capsys.readouterr().out))


def test_markdown_says_who_stands_behind_a_row(output):
    text = (output / "LEADERBOARD.md").read_text()
    tags, _ = rendered(text)
    assert added_tags(re.sub(r"^!\[Mean AUROC by.*$", "", text, flags=re.MULTILINE)) == {"a"}
    assert "table" in tags
    assert "| oracle (scores only) |" in text
    assert "Trivial cues are not known here" in text
    assert "[second/scores](<https://example.org/second/scores>) | confirms it | none |" in text
    assert "| third/empty | scores.parquet: there is no such file | 1 |" in text
    assert "**Warning:** rigid (first/scores) and rigid (third/scores) are one configured detector" in text
    assert "0.001 spreads" in text
    assert "worst cue |" not in text


def test_the_csv_has_a_row_a_number(output):
    table = records((output / "leaderboard.csv").read_text())
    assert {row["dataset"] for row in table} == {"other, version 1", "small, version 1"}


@pytest.mark.heavy
def test_the_page_has_links_of_the_submitters_and_no_others(root, tmp_path):
    board(root, "--quiet", "--html", str(tmp_path / "page.html"), code=1, output="other")
    page = (tmp_path / "page.html").read_text()
    links = set(re.findall(r'href="([^"#][^"]*)"', page)) - {"data:,"}
    assert links == {f"https://example.org/{name}/scores" for name in ("first", "second", "third")}
    assert "No cue was measured: a task holds no image" in page
    assert "confirmed by 1" in page
    assert "--data-root" not in page
    assert page.index("third/empty") > page.index("small, version 1")


@pytest.mark.heavy
def test_the_terminal_is_short_and_names_the_refused(root, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    board(root, code=1, output="other")
    out, errors = capsys.readouterr()
    assert max(len(line) for line in out.splitlines() if not line.startswith("  /")) <= 80  # paths stay whole
    assert "confirmed" in out
    assert out.count("Trivial cues are not known here") == 1
    assert "Submissions: 8; 6 ranked, 1 confirming another, 0 repeated, 1 refused." in " ".join(out.split())
    assert "Refused: third/empty: scores.parquet: there is no such file (and another fault)" in errors
    assert "Warning: small, version 1" in errors
    board(root, "--long", code=1, output="other")
    out, _ = capsys.readouterr()
    assert "Submissions for small" in out
    assert "Paired tests" in out


@pytest.mark.heavy
def test_json_and_quiet_and_further_options(root, capsys):
    hashes = root / "hashes.txt"
    hashes.write_text(made_task().images["sha256"][0])
    board(root, "--json", "--seen-hashes", str(hashes), "--margin", "0.1", *DATES, code=1, output="other")
    told = json.loads(capsys.readouterr().out)
    check_json(told)
    assert told["boards"][2]["seen_images"]["images"][0]["known"] == 1
    assert len(told["written"]) == 6
    board(root, "--quiet", code=1, output="other")
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.splitlines() == ["Refused: third/empty: scores.parquet: there is no such file (and another fault)"]


@pytest.mark.heavy
def test_the_same_repository_gives_the_same_bytes_wherever_it_lies(root, output, tmp_path):
    shutil.copytree(root, tmp_path / "copy")
    there = board(tmp_path / "copy", "--quiet", code=1, output="again")
    assert {file.name: file.read_bytes() for file in there.iterdir()} == {
        file.name: file.read_bytes() for file in output.iterdir()
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--data-root", "images"], "a task has none"),
        (["--output", "a", "b"], "--output names 2"),
        (["--output", "store"], "has a store of scores"),
        (["--html", "nowhere/page.html"], "does not exist"),
        (["--split-date", "x"], "must be a date"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(tmp_path, monkeypatch, capsys, words, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "store" / "scores").mkdir(parents=True)
    results_repository(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["leaderboard", "--submissions", ".", *words]) == 2
    assert told in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_where_all_are_refused_the_files_say_so(tmp_path):
    task = made_task()
    (tmp_path / "tasks").mkdir()
    write_task(task, tmp_path / "tasks" / "task.json")
    (tmp_path / "submissions" / "a" / "b").mkdir(parents=True)
    output = board(tmp_path, "--html", str(tmp_path / "page.html"), code=1)
    check_json(json.loads((output / "leaderboard.json").read_text()))
    assert "| a/b | scores.parquet: there is no such file | 1 |" in (output / "LEADERBOARD.md").read_text()
    assert "there is no such file" in (tmp_path / "page.html").read_text()


@pytest.mark.heavy
def test_names_of_strangers_are_text_everywhere(tmp_path, capsys):
    hostile = [name for name in NAMES if name.isprintable()]
    task = made_task(real=12, generated=12, generators=("gan",), license="<b>|`x`")
    (tmp_path / "tasks").mkdir()
    write_task(task, tmp_path / "tasks" / "task.json")
    for number, name in enumerate(hostile):
        address = {"repository": f"https://example.org/{name.replace(' ', '_')}"}
        folder = tmp_path / "submissions" / f"s{number}" / "x"
        submitted(folder, task, name, made_scores(task, noise_seed=number), imported=True, **address)
    output = board(tmp_path, "--long", "--html", str(tmp_path / "page.html"))
    out, errors = capsys.readouterr()
    assert acting(out + errors) == set()
    text = (output / "LEADERBOARD.md").read_text()
    assert added_tags(text) == {"a"}
    assert set(re.findall(r"\]\(<?(\w+:)", text)) == {"https:"}
    page = (tmp_path / "page.html").read_text()
    assert "<img" not in page
    assert not re.search(r'href="(?!https://example\.org/|#|data:,)', page)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "ftp://example.org/a", "https://user@example.org/a", "https://exämple.org/a",
     "//example.org", "https://", "data:text/html,x", "https://example.org:port/a"],
)  # fmt: skip
def test_only_pages_are_linked(url):
    assert page_address(url) is None


def test_an_address_ends_no_link_and_no_attribute():
    address = page_address("https://example.org/a\"b'c<d>e)f]g|h`i\\j k\nl%20m")
    assert address == "https://example.org/a%22b%27c%3Cd%3Ee%29f%5Dg%7Ch%60i%5Cj%20k%0Al%20m"
