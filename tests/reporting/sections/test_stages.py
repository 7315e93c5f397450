from __future__ import annotations

import dataclasses

import pytest

from presight.reporting.sections import stages
from reporting.charts.svg import texts
from reporting.doubles import score


def test_without_stages_there_is_no_ladder() -> None:
    assert stages.ladder([score("pretrained", "linear", 0.5)], "s") is None


def ladder(*shares: float) -> str:
    if "stage" not in {field.name for field in dataclasses.fields(score("a", "linear", 0.1))}:
        pytest.skip("scores have no stages yet")
    found = [dataclasses.replace(score("pretrained", "linear", share), stage=f"f{i}")
             for i, share in enumerate(shares, 1)]  # fmt: skip
    figure = stages.ladder(found, "s")
    assert figure is not None
    assert {"f1", "f2", "f3"} <= set(texts(figure.drawing))
    return figure.title


def test_the_title_says_which_stage_reads_best() -> None:
    assert ladder(0.2, 0.3, 0.5) == "The last stage reads best, or as well as any: 50.0\u00a0%"
    assert ladder(0.2, 0.7, 0.5).startswith("Stage f2 reads better than the last one: 70.0")
    assert ladder(0.2, 0.51, 0.5).startswith("The last stage reads best, or as well")
