from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from presight.core.backbone import Backbone
from presight.core.learner import Player
from presight.core.method import Method
from presight.errors import Diverged, UsageError
from presight.testing.trial import Trial, play
from presight.training.loop import begin_epoch
from presight.training.runtime import Runtime
from presight.training.session import Session
from registered import KINDS
from workbench import Diary, plan, same, weights

A, B = Player("a", ("a",)), Player("b", ("b",), start=0.25, stop=0.5)


@pytest.fixture
def session() -> Iterator[Session]:
    runtime = Runtime("cpu", "fp32")
    yield Session.open(Diary(A, A, B), plan(precision="fp32"), runtime)
    runtime.close()


def step(session: Session, name: str) -> None:
    seat = session.seats[name]
    seat.optimizer.zero_grad()
    torch.stack([p.square().sum() for p in seat.parameters.values()]).sum().backward()
    seat.optimizer.step()


def test_each_player_has_a_seat_with_its_parameters_and_optimizer(session: Session) -> None:
    assert set(session.seats) == {"a", "b"}
    assert set(session.seats["a"].parameters) == {"a.weight", "a.bias"}
    listed = [p for g in session.seats["b"].optimizer.param_groups for p in g["params"]]
    assert {id(p) for p in listed} == {id(p) for p in session.learner.b.parameters()}
    assert session.learner.training


@pytest.mark.parametrize(
    ("progress", "order"),
    [
        (0.0, [("a", 0), ("a", 1)]),
        (0.25, [("a", 0), ("a", 1), ("b", 0)]),
        (0.4999, [("a", 0), ("a", 1), ("b", 0)]),
        (0.5, [("a", 0), ("a", 1)]),
    ],
)
def test_who_plays_when(session: Session, progress: float, order: list[tuple[str, int]]) -> None:
    assert [(seat.player.name, turn) for seat, turn in session.turns(progress)] == order


def test_gradients_flow_to_one_seat_and_then_to_all(session: Session) -> None:
    session.hand_over(session.seats["b"])
    flows = {name: p.requires_grad for name, p in session.learner.named_parameters()}
    assert flows == {"a.weight": False, "a.bias": False, "b.weight": True, "b.bias": True}
    session.release()
    assert all(p.requires_grad for p in session.learner.parameters())


def test_forgetting_a_module_drops_its_optimizer_state_only(session: Session) -> None:
    step(session, "a")
    step(session, "b")
    session.forget(("a.weight",))
    assert session.learner.a.weight not in session.seats["a"].optimizer.state
    assert session.learner.a.bias in session.seats["a"].optimizer.state
    assert session.learner.b.weight in session.seats["b"].optimizer.state


def test_a_name_is_forgotten_and_not_a_prefix(session: Session) -> None:
    step(session, "a")
    session.forget(("a.we",))
    assert session.learner.a.weight in session.seats["a"].optimizer.state


def test_a_strike_goes_back_and_halves_the_rate_and_a_second_ends(session: Session) -> None:
    session.guard.snapshot()
    good = weights(session.learner)
    step(session, "a")
    session.hand_over(session.seats["a"])
    session.strike()
    assert same(good, weights(session.learner))
    assert (session.progress.strikes, session.progress.lr_factor) == (1, 0.5)
    assert all(p.requires_grad for p in session.learner.parameters())
    step(session, "b")
    with pytest.raises(Diverged, match=r"for the second time\. Try --precision fp32"):
        session.strike()
    assert same(good, weights(session.learner))


def test_what_is_captured_is_plain(session: Session) -> None:
    step(session, "a")
    session.indices = torch.arange(3)
    session.progress.number = 7
    groups, state = session.capture()
    assert set(groups) == {"model", "optimizer_a", "optimizer_b", "epoch"}
    assert state["progress"] == {
        "number": 7,
        "epoch": 0,
        "batch": 0,
        "lr_factor": 1.0,
        "strikes": 0,
    }
    assert all(isinstance(t, torch.Tensor) for g in groups.values() for t in g.values())


def test_players_that_do_not_share_out_the_parameters_are_refused() -> None:
    runtime = Runtime("cpu", "fp32")
    try:
        with pytest.raises(UsageError, match="belongs to no player"):
            Session.open(Diary(A), plan(), runtime)
    finally:
        runtime.close()


def test_simultaneous_turns_of_the_same_player_are_refused() -> None:
    runtime = Runtime("cpu", "fp32")
    with pytest.raises(UsageError, match="player twice"):
        Session.open(Diary(A, A, B, simultaneous=True), plan(precision="fp32"), runtime)
    runtime.close()


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_compile_reaches_every_encoder_of_every_method(
    kind: type[Method], compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that read maps only and momentum twins too; no name of a weight changes."""
    used: set[int] = set()

    def compiling(function: Any) -> Any:
        def call(*args: Any) -> Any:
            used.add(id(function.__self__))
            return function(*args)

        return call

    monkeypatch.setattr(torch, "compile", compiling)
    trial = Trial(kind)
    method, runtime = trial.build(), Runtime("cpu", "fp32")
    names = list(method.state_dict())
    plan = dataclasses.replace(trial.plan, precision="fp32", compile=compiled)
    begin_epoch(Session.open(method, plan, runtime), trial.loader())
    play(trial, method)
    runtime.close()
    encoders = {id(part) for part in method.modules() if isinstance(part, Backbone)}
    assert used == (encoders if compiled else set())
    assert list(method.state_dict()) == names
