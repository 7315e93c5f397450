from __future__ import annotations

from typing import Any

import pytest

from presight.errors import UsageError
from presight.pretraining.labels import Forms
from presight.studies.ask import plan_of, positive, words
from presight.studies.plan import Plan, World

NOTHING: dict[str, Any] = {
    "tasks": (),
    "seeds": "auto",
    "minutes": 0.0,
    "forms": Forms(),
    "modes": (),
}


def asked(preset: str = "none", data: str = "a", labels: str = "b", **changes: Any) -> Any:
    fields = {**NOTHING, **changes}
    return plan_of(preset, data, labels, "", transfer=False, device="cpu", asked=fields)


def test_what_is_not_given_is_as_the_plan_has_it() -> None:
    plan, given = asked()
    assert plan == Plan(worlds=(World("", "a", "b"),), device="cpu")
    assert given == frozenset()
    plan, given = asked(seeds=5, tasks=("depth",))
    assert (plan.seeds, plan.tasks, given) == (5, ("depth",), {"seeds", "tasks"})


def test_what_is_missing_is_said() -> None:
    with pytest.raises(UsageError, match="study needs images to pretrain on"):
        asked(data="")
    with pytest.raises(UsageError, match="study needs --labels"):
        asked(labels="")
    with pytest.raises(UsageError, match="--labels has no effect in the preset table1"):
        asked("table1")


def test_words_are_read_once_each_and_rates_in_order() -> None:
    assert words(" a, none ,a,") == ("a", "none")
    assert words("both") == ()
    assert words("auto") == ()
    assert positive("0.003, 1e-3") == (1e-3, 3e-3)
    assert positive("auto") == ()
    for odd in ("0", "x", "-1", "nan"):
        with pytest.raises(UsageError, match="--rates"):
            positive(odd)
