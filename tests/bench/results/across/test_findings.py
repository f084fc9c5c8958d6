from itertools import combinations

import numpy as np
import pytest
from made_stores import detector, images, keep, scored
from scipy.stats import spearmanr

from bench.results.across.findings import across_sets
from bench.results.leaderboard import read_comparisons
from bench.statistics.agreement import TIED

pytestmark = pytest.mark.heavy

GENERATORS = ("flow", "gan")
MANY = images(15, 15, GENERATORS)
STRENGTHS = {"best": 4.0, "good": 2.0, "fair": 1.0, "poor": 0.0}


def noisy(strength, seed=0):
    """Scores images by their label, with noise of each detector and image."""

    def score(path, label, source):
        return float(strength * label + np.random.default_rng([seed, *path.encode()]).normal())

    return score


def add(output, title, strengths, run=None, condition="clean", seeds=1, content=None, of=MANY, wanted=None, **data):
    """Keeps a run of several detectors on a set, whose images are its own unless ``content`` says so."""
    content = title if content is None else content
    described, rows = {}, []
    for number, (name, strength) in enumerate(strengths.items()):
        told = detector(name)
        described |= told
        salt = sum(map(ord, title)) * 10 + number
        rows += [
            scored(of, told, noisy(strength, salt + 1000 * seed), condition, seed, title, content)
            for seed in range(seeds)
        ]
    keep(output, run or f"{title}-{condition}", rows, described, wanted or len(of), **data)


def sections(*outputs):
    return across_sets(read_comparisons(*outputs))


def by_name(section):
    return {row.detector: row for row in section.detectors}


@pytest.fixture
def output(tmp_path):
    """Two sets with four detectors each; on the second the order of the last two is turned."""
    add(tmp_path, "one", STRENGTHS)
    add(tmp_path, "two", {**STRENGTHS, "fair": 0.0, "poor": 1.0})
    return tmp_path


def test_a_mean_over_sets_is_the_mean_of_the_boards(output):
    comparisons = read_comparisons(output)
    (section,) = across_sets(comparisons)
    assert section.condition == "clean"
    assert [ranked.name for ranked in section.sets] == ["one", "two"]
    assert [row.detector for row in section.detectors][:2] == ["best", "good"]
    for name, row in by_name(section).items():
        means = [c.summary.cells[name, "clean"]["mean"].numbers["auroc"].value for c in comparisons]
        assert [number.value for number in row.aurocs.values()] == pytest.approx(means)
        assert row.mean.value == pytest.approx(np.mean(means))
        assert row.mean.interval.low < row.mean.value < row.mean.interval.high
        assert row.worst_set.auroc.value == min(means)
        generators = [c.summary.cells[name, "clean"][g].numbers["auroc"].value for c in comparisons for g in GENERATORS]
        assert row.worst_generator.auroc.value == min(generators)
        assert row.everywhere


def test_independent_sets_halve_the_squared_error_and_the_same_images_do_not(tmp_path):
    for folder, contents in (("apart", ("x", "y")), ("same", ("x", "x"))):
        for title, content in zip(("one", "two"), contents, strict=True):
            add(tmp_path / folder, title, {"only": 1.0}, content=content)
    apart, same = (sections(tmp_path / folder)[0] for folder in ("apart", "same"))
    length = [np.ptp(by_name(section)["only"].mean.interval) for section in (apart, same)]
    single = np.mean([np.ptp(number.interval) for number in by_name(apart)["only"].aurocs.values()])
    assert (apart.store.shared, same.store.shared) == (0, len(MANY))
    assert length[0] == pytest.approx(single / np.sqrt(2), rel=0.1)
    assert length[1] > length[0]


def test_separations_are_those_of_the_boards(output):
    comparisons = read_comparisons(output)
    (section,) = across_sets(comparisons)
    expected = {
        (first, second): [
            sum(
                pair.separated and {pair.first, pair.second} == {first, second} and pair.first == name
                for comparison in comparisons
                for pair in comparison.rankings["clean"].pairs
            )
            for name in (first, second)
        ]
        for first, second in combinations([row.detector for row in section.detectors], 2)
    }
    assert {(row.first, row.second): [row.above, row.below] for row in section.separations} == expected
    assert expected["best", "poor"] == [2, 0]
    assert all(row.sets == 2 for row in section.separations)


def test_rho_is_that_of_the_boards(output):
    (section,) = sections(output)
    (agreement,) = section.agreements
    names = sorted(STRENGTHS)
    values = [[by_name(section)[name].aurocs[title].value for name in names] for title in ("one", "two")]
    assert agreement.number.value == pytest.approx(spearmanr(*values).statistic)
    assert -1 < agreement.number.interval.low < agreement.number.value
    assert agreement.number.interval.high == 1.0  # no two are separated both ways


def test_one_is_in_rhos_interval_until_two_detectors_are_separated_both_ways(tmp_path):
    add(tmp_path, "one", {"a": 4.0, "b": 0.0, "c": 2.0, "d": 1.0})
    add(tmp_path, "two", {"a": 0.0, "b": 4.0, "c": 2.0, "d": 1.0})
    (section,) = sections(tmp_path)
    turned = next(row for row in section.separations if {row.first, row.second} == {"a", "b"})
    assert (turned.above, turned.below) == (1, 1)
    assert section.agreements[0].number.interval.high < 1


def test_three_sets_have_a_w_and_each_two_a_rho(output):
    add(output, "three", STRENGTHS)
    (section,) = sections(output)
    assert [(row.sets, row.statistic) for row in section.agreements] == [
        (("one", "three"), "rho"),
        (("one", "two"), "rho"),
        (("three", "two"), "rho"),
        (("one", "three", "two"), "W"),
    ]
    w = section.agreements[-1].number
    assert 0 <= w.interval.low <= w.value <= w.interval.high <= 1


def test_three_detectors_in_common_are_too_few_for_an_agreement(tmp_path):
    for title, names in (("one", ("best", "good", "fair")), ("two", tuple(STRENGTHS))):
        add(tmp_path, title, {name: STRENGTHS[name] for name in names})
    (agreement,) = sections(tmp_path)[0].agreements
    assert np.isnan(agreement.number.value)
    assert agreement.number.reason == "needs four detectors in common, has 3"


def test_a_detector_that_misses_a_set_comes_last_and_has_the_mean_of_its_sets(output):
    add(output, "three", {"best": 2.5, "new": 9.0})
    (section,) = sections(output)
    rows = by_name(section)
    assert [row.detector for row in section.detectors] == ["best", "good", "fair", "poor", "new"] or [
        row.detector for row in section.detectors
    ] == ["best", "good", "poor", "fair", "new"]
    assert (rows["new"].not_scored, rows["good"].not_scored) == (["one", "two"], ["three"])
    assert rows["new"].mean.value == rows["new"].aurocs["three"].value
    assert rows["best"].everywhere
    assert not rows["good"].everywhere
    pairs = {(row.first, row.second): row.sets for row in section.separations}
    assert pairs["best", "new"] == 1
    assert ("good", "new") not in pairs


def test_what_is_shown_without_a_rank_is_not_in_the_mean(output):
    add(output, "three", {"best": 2.5})
    add(output, "three", {"good": 1.5}, run="cut", of=MANY[:30], wanted=len(MANY))
    rows = by_name(sections(output)[0])
    assert (rows["good"].not_ranked, rows["good"].not_scored) == (["three"], [])
    assert list(rows["good"].aurocs) == ["one", "two"]


def test_one_set_is_no_section_whatever_its_protocols(tmp_path):
    add(tmp_path, "one", {"best": 2.5})
    assert sections(tmp_path) == []
    add(tmp_path, "one", {"other": 2.5}, run="later", protocol={"resize": 128})
    assert len(read_comparisons(tmp_path)) == 2
    assert sections(tmp_path) == []


def test_a_content_counts_once_under_the_protocol_that_most_have(output):
    add(output, "one", {f"{name} again": value for name, value in STRENGTHS.items()}, run="x", protocol={"resize": 128})
    (section,) = sections(output)
    assert [ranked.name for ranked in section.sets] == ["one", "two"]
    assert set(by_name(section)) == set(STRENGTHS)
    assert section.store.left_out == [("one", "resize=128")]


@pytest.mark.heavy
def test_a_condition_has_a_section_where_two_sets_have_it(output):
    add(output, "one", STRENGTHS, condition="jpeg:75")
    assert [section.condition for section in sections(output)] == ["clean"]
    add(output, "two", STRENGTHS, condition="jpeg:75")
    assert [section.condition for section in sections(output)] == ["clean", "jpeg:75"]


def test_detectors_of_one_label_and_other_options_are_two(tmp_path):
    for title, ratio in (("one", 0.1), ("two", 0.2)):
        told = detector("rigid", fingerprint=f"{title}ff" * 12, options={"ratio": ratio})
        keep(tmp_path, title, [scored(MANY, told, noisy(1.0), dataset=title, content=title)], told)
    assert sorted(by_name(sections(tmp_path)[0])) == ["rigid #oneffone", "rigid #twofftwo"]


def test_a_detector_that_was_fitted_to_each_set_is_one(tmp_path):
    for title, weight in (("one", 0.1), ("two", 0.2)):
        told = detector("probe", fingerprint=f"{title}ff" * 12, options={"weight": weight}, held_out=["a group"])
        keep(tmp_path, title, [scored(MANY, told, noisy(1.0), dataset=title, content=title)], told)
    assert list(by_name(sections(tmp_path)[0])) == ["probe"]


def test_other_numbers_of_seeds_leave_a_mean_without_an_interval(tmp_path):
    add(tmp_path, "one", {"only": 1.0}, seeds=2)
    add(tmp_path, "two", {"only": 1.0}, seeds=3)
    mean = by_name(sections(tmp_path)[0])["only"].mean
    assert (mean.interval, mean.reason) == (None, "the numbers of seeds differ between sets (2, 3)")


def test_the_same_seeds_give_a_spread(tmp_path):
    for title in ("one", "two"):
        add(tmp_path, title, {"only": 1.0}, seeds=3)
    mean = by_name(sections(tmp_path)[0])["only"].mean
    assert mean.seeds_sd > 0
    assert mean.interval is not None


def test_detectors_that_say_nothing_are_tied(tmp_path):
    for title in ("one", "two"):
        described, rows = {}, []
        for name in STRENGTHS:
            described |= detector(name)
            rows.append(scored(MANY, detector(name), lambda *image: 0.0, dataset=title, content=title))
        keep(tmp_path, title, rows, described)
    (section,) = sections(tmp_path)
    (agreement,) = section.agreements
    assert agreement.number.reason == TIED
    assert [(row.above, row.below) for row in section.separations] == [(0, 0)] * 6


def test_a_set_of_one_class_is_named_and_left_out(output):
    generated = [image for image in MANY if image[1]]
    add(output, "three", {"best": 1.0}, of=generated)
    (section,) = sections(output)
    assert [ranked.name for ranked in section.sets] == ["one", "two"]
    assert section.store.unranked["clean"] == ["three"]


def test_unreadable_images_are_left_out_of_the_mean(tmp_path):
    def broken(path, label, source):
        return None if path.endswith("003.png") else noisy(1.0)(path, label, source)

    for title in ("one", "two"):
        told = detector("only")
        keep(tmp_path, title, [scored(MANY, told, broken, dataset=title, content=title)], told)
    row = by_name(sections(tmp_path)[0])["only"]
    assert np.isfinite(row.mean.value)
    assert row.mean.interval is not None


def test_generators_of_edited_images_are_neither_in_means_nor_the_worst(tmp_path):
    for title in ("one", "two"):
        told = detector("only")

        def score(path, label, source):
            return noisy(-3.0 if source == "flow" else 1.0)(path, label, source)

        keep(tmp_path, title, [scored(MANY, told, score, dataset=title, content=title)], told, apart=["flow"])
    row = by_name(sections(tmp_path)[0])["only"]
    assert row.worst_generator.generator == "gan"
    assert row.mean.value > 0.5


def test_a_set_whose_generator_has_few_images_has_no_ranking(tmp_path):
    few = [*images(15, 15, ("gan",)), *images(0, 5, ("rare",))]
    for title in ("one", "two"):
        add(tmp_path, title, {"only": 1.0}, of=few)
    assert sections(tmp_path) == []  # its mean has no interval, so nothing is ranked


def test_two_folders_may_hold_sets_of_one_title(tmp_path):
    add(tmp_path / "a", "one", {"only": 1.0}, content="x")
    add(tmp_path / "b", "one", {"only": 1.0}, content="y")
    (section,) = sections(tmp_path / "a", tmp_path / "b")
    assert len({ranked.name for ranked in section.sets}) == 2


def test_the_same_comparisons_give_the_same_findings(output):
    comparisons = read_comparisons(output)
    first, second = (across_sets(comparisons)[0] for _ in range(2))
    assert first.agreements == second.agreements
    assert first.detectors == second.detectors
