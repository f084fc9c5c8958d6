"""What a terminal shows of comparisons, by default and with --long, at the widths that terminals have."""

import io
import re

import numpy as np
import pytest
from report_sections import made_panel, made_section
from rich.cells import cell_len
from rich.console import Console

from bench.report.comparison import comparison_tables, print_comparison
from bench.report.fitting import RULE
from bench.report.leaderboard import BoardReport
from bench.report.robustness import print_robustness, robustness_tables
from bench.report.short import short_notes, short_robustness, short_tables
from bench.results.comparison import Comparison
from bench.results.leaderboard import boards_of
from bench.results.rankings import rankings_of
from bench.results.robustness import Robustness
from bench.results.summary import MEAN, summarise
from bench.statistics.metrics import shown_metrics

DETECTORS = (
    *("rigid", "aeroblade", "npr", "wepe:rule=tensor_std,noise=0.05", "wepe:rule=tensor_std,noise=0.06"),
    "rigid+wepe:rule=tensor_std,noise=0.05+aeroblade:distance=gradient",
)
GENERATORS = (*(f"djudge-sd{number}" for number in range(12)), "a_generator_whose_name_is_long_and_without_options")
CONDITIONS = ("clean", "jpeg:75", "jpeg:50", "blur:1,kernel=9@generated")
WIDTHS = (60, 80, 120)


def made(detectors=DETECTORS, generators=GENERATORS, size=12):
    """Makes a comparison of scores that are the better the earlier the detector stands."""
    rng = np.random.default_rng(0)
    sources = [*["camera"] * 40, *(name for name in generators for _ in range(size))]
    labels = np.array([0] * 40 + [1] * (len(sources) - 40))
    scores = {name: rng.normal(size=len(labels)) + labels * (2 - 0.3 * i) for i, name in enumerate(detectors)}
    panel = made_panel(scores, labels, sources, conditions=CONDITIONS)
    summary = summarise(panel, shown_metrics())
    facts = {name: {"backbone": {"name": "a backbone"}} for name in detectors}
    return Comparison("made-up: many", panel, summary, rankings=rankings_of(summary, panel), detectors=facts)


@pytest.fixture(scope="module")
def comparison():
    return made()


def every_table(comparison):
    """Returns the tables of compare, leaderboard and robustness, the short and the long ones."""
    boards, robustness = boards_of(comparison), Robustness(comparison)
    reports = [BoardReport(board) for board in boards]
    return [
        *comparison_tables(comparison),
        *short_tables(boards, comparison.title),
        *(table for report in reports for table in (report.table, *report.tests, *report.further)),
        *robustness_tables(robustness),
        short_robustness(robustness),
    ]


@pytest.mark.heavy
@pytest.mark.parametrize("width", WIDTHS)
def test_every_table_fits_and_names_can_be_told_apart_and_read_in_full(comparison, width):
    tables = every_table(comparison)
    assert len(tables) > 20
    for table in tables:
        lines = [line.text for line in table.for_terminal(width)]
        assert max(map(cell_len, lines)) <= width
        squeezed = re.sub(rf"[\s{RULE}]+", "", "".join(lines))
        for name in {row[0] for row in table.rows}:
            assert all(part in squeezed for part in re.split("[:,=+_@ ()]", name)), (table.title, name)


def test_a_detector_is_a_row_with_its_intervals_and_letters_best_first(comparison):
    board = boards_of(comparison)[0]
    (table, *others) = short_tables(boards_of(comparison), "t")
    assert [one.title for one in others] == [f"t, {condition}" for condition in CONDITIONS[1:]]
    assert table.columns[:5] == ("detector", "rank", "mean AUROC", "AP gen.", "AP real")
    assert [row[0] for row in table.rows] == list(board.ranking.order)
    assert [row[1] for row in table.rows] == [board.ranking.letters[name] for name in board.ranking.order]
    best = board.rows[0].rows[MEAN].numbers
    assert table.rows[0][2].startswith(f"{best['auroc'].value:.3f} [{best['auroc'].interval.low:.3f}")
    assert table.rows[0][3].startswith(f"{best['ap_generated'].value:.2f}"[:4])
    assert table.rows[0][5] == "above"


def test_the_worst_cue_stands_below_the_detectors():
    section = made_section()
    table, *_ = short_tables(boards_of(section.comparison), "t")
    assert [row[0] for row in table.rows] == ["good", "poor", "(worst cue)"]
    assert table.rows[2][6] == "varies"
    verdicts = section.comparison.cues.verdicts
    assert [row[6] for row in table.rows[:2]] == [verdicts.get((name, "clean", MEAN), "") for name in ("good", "poor")]
    assert any("measured nothing else" in note for note in short_notes(boards_of(section.comparison)))


def test_one_generator_is_named_and_its_cue_too():
    table, *_ = short_tables(boards_of(made(DETECTORS[:2], GENERATORS[:1], 20)), "t")
    assert table.columns[2] == "AUROC, djudge-sd0"


def test_robustness_is_a_row_a_condition_with_changes_and_areas(comparison):
    robustness = Robustness(comparison)
    table = short_robustness(robustness)
    assert table.columns == ("condition", *comparison.labels)
    assert [row[0] for row in table.rows] == [*CONDITIONS, "area, jpeg", "area, blur,kernel=9@generated"]
    change = next(c for c in comparison.summary.changes if (c.detector, c.condition) == ("rigid", "jpeg:75"))
    cell = table.rows[1][table.columns.index("rigid")]
    assert float(cell.split()[1].rstrip("*")) == pytest.approx(change.auroc.value, abs=0.005)
    assert cell.endswith("*") == change.separated
    assert "[" in table.rows[0][1]
    area = next(area for area in robustness.areas if area.detector == "rigid" and area.weights)
    value, letters = table.rows[4][table.columns.index("rigid")].split()
    assert float(value) == pytest.approx(area.auroc.value, abs=0.005)
    assert letters == robustness.rankings["jpeg"].letters["rigid"]


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_printed_is_short_and_in_full_with_long(comparison, width, capsys):
    def printed(show, long):
        file = io.StringIO()
        show(file, long)
        lines = file.getvalue().splitlines()
        assert max(map(cell_len, lines)) <= width
        return lines

    def compared(file, long):
        print_comparison(comparison, Console(file=file, width=width), long)

    def robust(file, long):
        print_robustness(Robustness(comparison), Console(file=file, width=width), long)

    assert len(printed(compared, False)) < 120
    assert len(printed(compared, True)) > 300
    assert len(printed(robust, False)) < 60
    assert len(printed(robust, True)) > 60
    assert capsys.readouterr().err == ""


def test_few_groups_are_warned_of_once_before_the_table(capsys):
    print_comparison(made(DETECTORS[:2], GENERATORS, 5), Console(width=300))
    out, errors = capsys.readouterr()
    assert "13 generators" in errors.splitlines()[0]
    assert errors.count("fewer than 10") == 1
    assert "djudge" not in out
