from __future__ import annotations

from pathlib import Path

import pytest

from presight.errors import UsageError
from presight.studies.plan import Plan, World, check, is_run, pairs_of, worlds

ONE = (World("", "a", "b"),)


def test_one_world_has_no_name_and_several_have_their_last_word() -> None:
    assert worlds("x/a", "b", "") == (World("", "x/a", "b"),)
    found = worlds("x/a,y/b", "la, lb", "ta,tb")
    assert found == (World("a", "x/a", "la", "ta"), World("b", "y/b", "lb", "tb"))
    assert [world.name for world in worlds("x/a,y/a", "l,m", "")] == ["a-1", "a-2"]
    assert pairs_of(found) == (("a", "a"), ("a", "b"), ("b", "a"), ("b", "b"))


def test_a_path_that_is_there_may_hold_a_comma(tmp_path: Path) -> None:
    (tmp_path / "a,b").mkdir()
    assert worlds(str(tmp_path / "a,b"), "l", "")[0].data == str(tmp_path / "a,b")


def test_worlds_that_do_not_match_are_refused() -> None:
    with pytest.raises(UsageError, match="2 data, 1 --labels and 0 --test"):
        worlds("a,b", "l", "")
    with pytest.raises(UsageError, match="2 data, 2 --labels and 1 --test"):
        worlds("a,b", "l,m", "t")
    with pytest.raises(UsageError, match="--transfer needs several data"):
        pairs_of(ONE)


def test_each_world_is_measured_for_its_tasks() -> None:
    plan = Plan(
        worlds=(World("a", "a", "la"), World("b", "", "lb", tasks=("depth",)), World("c", "c", "")),
        pairs=(("a", "a"), ("a", "b"), ("c", "b")),
    )
    assert [(world.name, tasks) for world, tasks in plan.measured()] == [
        ("a", ("classification",)),
        ("b", ("depth",)),
    ]
    assert Plan(worlds=ONE).paired() == (("", ""),)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": 0}, "--seeds is 0"),
        ({"methods": ("simclr",)}, "--methods lacks none"),
        ({"methods": ("none", "pixels")}, "--methods names pixels"),
        ({"modes": ("melted",)}, "--modes is melted"),
    ],
)
def test_a_plan_that_asks_nothing_is_refused(changes: dict[str, object], words: str) -> None:
    check(Plan(worlds=ONE))
    with pytest.raises(UsageError, match=words):
        check(Plan(worlds=ONE, **changes))  # type: ignore[arg-type]


def test_a_method_is_a_name_before_it_is_a_folder(tmp_path: Path) -> None:
    assert not is_run("none")
    assert not is_run("imagenet")
    assert not is_run("simclr")
    with pytest.raises(UsageError, match="simclr"):
        is_run("simcrl")
    with pytest.raises(UsageError, match="where no run is"):
        is_run(str(tmp_path / "gone"))
