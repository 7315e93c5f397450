from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from presight import study
from presight.errors import UsageError
from presight.studies import study as module
from presight.studies.plan import Plan, World


def test_words_become_a_plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(module, "run_study", lambda *args, **options: seen.append((args, options)))
    study(
        "photos",
        labels="labelled",
        methods=" a, none ,a,",
        modes="frozen",
        out=tmp_path,
        quiet=True,
    )
    (plan, out), options = seen[0]
    assert plan == Plan(
        worlds=(World("", "photos", "labelled"),),
        methods=("a", "none"),
        modes=("frozen",),
    )
    assert (out, options) == (tmp_path, {"executor": "local", "budget": 0.0, "quiet": True})


@pytest.mark.parametrize(
    "odd", [{"seeds": 0}, {"epochs": -1}, {"minutes": -1}, {"updates": 0}, {"image_size": 3}]
)
def test_numbers_out_of_range_are_refused_first(odd: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"--{next(iter(odd)).replace('_', '-')}"):
        study("nowhere", labels="nowhere", **odd)
