from __future__ import annotations

from presight.data.labels.problems import Problem, summary


def test_a_problem_is_one_line_without_control_characters() -> None:
    text = str(Problem("a\x1b[31m.csv, line 3", "pixel of depth 0", "not known", 1200))
    assert text == r"a\x1b[31m.csv, line 3: 1,200 x pixel of depth 0: not known"


def test_the_summary_counts_each_kind_the_commonest_first() -> None:
    problems = [
        Problem("a, line 2", "box outside the image", "dropped"),
        Problem("b", "pixel of depth 0", "not known", 5),
        Problem("a, line 9", "box outside the image", "dropped"),
    ]
    assert summary(problems) == [
        "pixel of depth 0, not known: 5 (first: b)",
        "box outside the image, dropped: 2 (first: a, line 2)",
    ]
    assert summary([]) == []
