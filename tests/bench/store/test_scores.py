import types

import polars as pl
from made_stores import detector, images, keep, scored

from bench.store.schema import Scoring
from bench.store.scores import ScoreStore, _last_of_each
from datamodules.items import ITEM_SCHEMA

RIGID, WEPE = detector("rigid"), detector("wepe")


def test_of_two_rows_of_one_cell_the_later_counts():
    rows = pl.DataFrame({"index": [1, 0, 1, 0], "scoring": [0, 0, 0, 1], "score": [1.0, 2.0, 3.0, 4.0]})
    assert _last_of_each(rows).rows() == [(0, 0, 2.0), (1, 0, 3.0), (0, 1, 4.0)]
    assert _last_of_each(rows[1:]).equals(rows[1:])


def test_rows_are_known_in_the_order_in_which_they_were_stored(tmp_path):
    """So that the later row of a cell is that of the later run, whatever order joins are fastest in."""
    of = images(500, 500)
    tables = [scored(of, who, lambda *_, at=at: float(at)) for at, who in enumerate((RIGID, WEPE, RIGID))]
    keep(tmp_path, "20260101T000000.000000-abcdef", [pl.concat(tables)], RIGID | WEPE)
    rows = [(path, label, source, path, 1, 1, None) for path, label, source in of]
    datamodule = types.SimpleNamespace(items=pl.DataFrame(rows, ITEM_SCHEMA, orient="row"), max_pixels=10**9)
    asked = [Scoring(facts["label"], fingerprint, 0) for fingerprint, facts in (RIGID | WEPE).items()]
    known = ScoreStore(tmp_path, "made-up").known(datamodule, asked, ("path", "score"))
    order = known["index"].to_list()
    assert order == list(range(len(of))) * 2
    assert known.filter(scoring=0)["score"].unique().to_list() == [2.0]
    assert known.filter(scoring=1)["score"].unique().to_list() == [1.0]
