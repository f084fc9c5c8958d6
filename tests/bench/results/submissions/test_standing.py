"""Which submissions have a row, which stand beside one, and what rows are called."""

import numpy as np
import pytest

from bench.results.submissions.standing import Origin, Scored, disagreements_of, short_names, standings_of

SCORES = np.random.default_rng(0).normal(size=200)
IMAGES = [f"image-{number}" for number in range(200)]


def scored(who, detector="rigid", key="k", shift=0.0, seeds=(0,), folder="", scores_only=False, image=None):
    """Makes a submission of ``who``; ``shift`` is added to every score, or to that of one image."""
    scores = SCORES + (shift if image is None else np.where(np.arange(200) == image, shift, 0.0))
    origin = Origin(who, f"https://example.org/{who}", folder or f"{who}/{detector}")
    return Scored(origin, detector, key, scores_only, {("clean", seed): scores for seed in seeds})


def told(standings):
    return {
        standing.label: [(one.origin.folder, one.confirms) for one in standing.companions] for standing in standings
    }


def test_another_submitter_confirms_and_the_same_one_repeats():
    standings = standings_of([scored("a"), scored("b", shift=1e-5), scored("a", folder="a/again")])
    assert told(standings) == {"rigid": [("a/rigid", False), ("b/rigid", True)]}
    assert standings[0].scored.origin.folder == "a/again"
    assert standings[0].confirmations == 1


def test_a_submitter_confirms_once_however_often():
    again = [scored("b", folder=f"b/{number}") for number in range(3)]
    (standing,) = standings_of([scored("a"), *again, scored("c")])
    assert standing.confirmations == 2


def test_capital_letters_and_hosts_tell_nobody_apart_by_mistake():
    (standing,) = standings_of([scored("Alice"), scored("alice", folder="b/rigid")])
    assert standing.confirmations == 0


def test_the_order_in_which_submissions_are_read_does_not_matter():
    several = [scored("a"), scored("b", shift=2.0), scored("c", seeds=(0, 1)), scored("d", shift=2.0)]
    assert told(standings_of(several)) == told(standings_of(several[::-1]))


def test_the_one_with_most_seeds_has_the_row():
    (standing,) = standings_of([scored("a"), scored("b", seeds=(0, 1, 2))])
    assert standing.scored.origin.submitter == "b"
    assert standing.companions[0].difference.shared == 1


def test_different_scores_of_one_fingerprint_have_rows_of_their_own_and_are_a_finding():
    standings = standings_of([scored("a"), scored("b", shift=0.5, image=17), scored("c", shift=0.5, image=17)])
    assert told(standings) == {"rigid (a)": [], "rigid (b)": [("c/rigid", True)]}
    (found,) = disagreements_of(standings, IMAGES)
    assert (found.first, found.second, found.image) == ("rigid (a)", "rigid (b)", "image-17")
    assert found.difference.spreads == pytest.approx(
        0.5 / SCORES.clip(*np.quantile(SCORES, [0.01, 0.99])).std(), rel=0.02
    )


def test_other_fingerprints_are_neither_equal_nor_a_finding():
    standings = standings_of([scored("a"), scored("b", key="another"), scored("c", key="third", shift=1.0)])
    assert [standing.confirmations for standing in standings] == [0, 0, 0]
    assert disagreements_of(standings, IMAGES) == []


def test_seeds_that_nobody_else_has_say_nothing():
    standings = standings_of([scored("a"), scored("b", seeds=(1,), shift=3.0)])
    assert told(standings) == {"rigid (a)": [], "rigid (b)": []}
    assert disagreements_of(standings, IMAGES) == []


def test_scores_from_elsewhere_of_one_name_may_be_of_two_detectors():
    closed = [scored("a", scores_only=True), scored("b", scores_only=True, shift=1.0)]
    standings = standings_of(closed)
    assert len(standings) == 2
    assert disagreements_of(standings, IMAGES) == []


def test_labels_are_told_apart_by_submitter_then_by_folder_then_by_number():
    rows = [
        scored("a", key="1"),
        scored("a", key="2", folder="a/two"),
        scored("b", key="3", detector="(worst cue)"),
        scored("c", key="4", detector="rigid (a/rigid)"),
    ]
    labels = {one.scored.origin.folder: one.label for one in standings_of(rows, ("(worst cue)",))}
    assert labels["a/two"] == "rigid (a/two)"
    assert labels["b/(worst cue)"] == "(worst cue) (b)"
    assert len(set(labels.values())) == 4


def test_a_name_of_two_hosts_has_its_host():
    urls = ["https://github.com/a/b", "https://example.org/A/b", "https://example.org/c/d"]
    assert list(short_names(urls).values()) == ["github.com/a/b", "example.org/A/b", "c/d"]
