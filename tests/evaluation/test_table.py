from __future__ import annotations

import dataclasses

from presight.evaluation.table import protocols, score_table, stage_line
from reporting.doubles import curve_scores, score, usual_scores

EXPECTED = """\
              labels   kNN                     linear probe
--------------------------------------------------------------------
pretrained    1,000     66.2  (61.9 to 70.2)    71.2  (67.1 to 75.0)
untrained     1,000     52.2  (47.8 to 56.5)    58.4  (54.0 to 62.6)
raw pixels    1,000     30.0  (26.1 to 34.2)    35.0  (30.9 to 39.3)
blind guess   1,000     10.0  (7.7 to 12.9)     10.0  (7.7 to 12.9)
accuracy in %, 95 % interval over 500 test images; frozen features\
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


def test_a_line_for_each_number_of_labels_few_first() -> None:
    lines = score_table(curve_scores()).splitlines()
    assert [line.split()[:2] for line in lines[2:5]] == [
        ["pretrained", "50"],
        ["pretrained", "200"],
        ["pretrained", "1,000"],
    ]
    assert lines[-1].startswith("accuracy in %, 95 % interval over 3 choices of labels and 500")


def test_stages_are_a_line_of_their_own() -> None:
    steps = [
        dataclasses.replace(score("pretrained", "linear", 0.2 + at / 10), stage=f"f{at + 1}")
        for at in range(3)
    ]
    assert stage_line(steps).endswith("1,000 labels: f1 20.0, f2 30.0, f3 40.0")
    assert score_table(steps) == stage_line(usual_scores()) == ""


def test_the_majority_is_no_column() -> None:
    assert protocols(usual_scores()) == ["knn", "linear"]
