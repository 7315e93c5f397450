from __future__ import annotations

import dataclasses

import numpy as np

from presight.evaluation.score import Score, packed_correct
from presight.reporting.sections import stages
from reporting.charts.svg import texts
from reporting.doubles import score


def test_without_stages_there_is_no_ladder() -> None:
    assert stages.ladder([score("pretrained", "linear", 0.5)], "s") is None


def at(stage: str, share: float, **details: object) -> Score:
    return dataclasses.replace(score("pretrained", "linear", share, **details), stage=stage)


def ladder(*scores: Score) -> str:
    figure = stages.ladder(scores, "s")
    assert figure is not None
    assert {score.stage for score in scores} <= set(texts(figure.drawing))
    assert figure.table is not None
    assert len(figure.table.rows) == len(scores)
    return figure.title


def test_the_title_says_which_stage_reads_best() -> None:
    first = at("f1", 0.2)
    assert ladder(first, at("f2", 0.5)) == "The last stage reads best: 50.0\u00a0%"
    title = ladder(first, at("f2", 0.7), at("f3", 0.5))
    assert title == "Stage f2 reads 20.0 points (95 % interval 16.6 to 23.6) more than the last one"


def test_stages_are_compared_on_the_same_images() -> None:
    """As good by their numbers, but right on others: the interval of the pair decides."""
    other = packed_correct(np.arange(500) >= 255)
    title = ladder(at("f1", 0.52), at("f2", 0.49, correct=other))
    assert title == "The last stage cannot be told from the best, f1"
    assert ladder(at("f1", 0.52), at("f2", 0.49, correct=None)).startswith("Stage f1 reads 52.0")
