from __future__ import annotations

from presight.evaluation.table import protocols, score_table
from reporting.doubles import score, usual_scores

EXPECTED = """\
              kNN                     linear probe
-----------------------------------------------------------
pretrained     66.2  (61.9 to 70.2)    71.2  (67.1 to 75.0)
untrained      52.2  (47.8 to 56.5)    58.4  (54.0 to 62.6)
raw pixels     30.0  (26.1 to 34.2)    35.0  (30.9 to 39.3)
blind guess    10.0  (7.7 to 12.9)     10.0  (7.7 to 12.9)
accuracy in %, 95 % interval over 500 test images; 1,000 labelled images, frozen features, seed 0\
"""


def test_the_whole_table() -> None:
    assert score_table(usual_scores()) == EXPECTED


def test_plain_ascii_that_moves_no_cursor() -> None:
    table = score_table([score("\x1b[2Jred\u202e\r\n\u6f22", "knn", 0.5)])
    assert table.isascii()
    assert "\x1b" not in table
    assert "\r" not in table
    assert len(table.splitlines()) == 4


def test_missing_scores_are_named() -> None:
    table = score_table([score("a", "knn", 0.5), score("b", "linear", 0.5)])
    assert table.count("not measured") == 2


def test_nothing_gives_nothing() -> None:
    assert score_table([]) == ""
    assert score_table([score("blind guess", "majority", 0.5)]).count("50.0") == 1


def test_the_majority_is_no_column() -> None:
    assert protocols(usual_scores()) == ["knn", "linear"]
