from __future__ import annotations

import math
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

import presight.training
from presight import methods
from presight.core.batch import Out, Step, Views
from presight.core.learner import EpochPlan, Learner, Player, Survey
from presight.core.plan import TrainPlan
from presight.errors import Diverged, Interrupted, Stopped, UsageError
from presight.store.tensors import load_tensors
from presight.training import loop
from presight.training.checkpoint import Checkpoints
from presight.training.guard import Guard
from presight.training.loop import clip, total_updates
from presight.training.monitor import Advice
from presight.training.observers import Values
from workbench import BATCH, COUNT, Diary, learn, plan, same, weights

A, B = Player("a", ("a",)), Player("b", ("b",))
ROUNDING = 1e-12
"""Float64 sums in another order."""


class Watch:
    """Keeps the records, and acts at one of them."""

    def __init__(self, at: int = -1, act: object = None) -> None:
        self.records: list[dict[str, float]] = []
        self.at, self.act, self.ended = at, act, 0

    def on_record(self, values: Values) -> None:
        self.records.append(dict(values))
        if values["step"] == self.at and callable(self.act):
            self.act()

    def on_advice(self, advice: Advice) -> None:
        pass

    def on_end(self) -> None:
        self.ended += 1


# The order of an update


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """Logs into which clipping and stepping are written, besides a learner's verbs."""
    logs: list[list[str]] = []

    def clipped(gradients: list[Tensor], made: TrainPlan) -> Tensor:
        logs[-1].append("clip")
        return clip(gradients, made)

    monkeypatch.setattr(loop, "clip", clipped)
    handle = register_optimizer_step_pre_hook(lambda *_: logs[-1].append("step"))
    yield logs
    handle.remove()


def turn(name: str, micro: int = 1) -> list[str]:
    return [f"forward {name}", f"backward {name}", f"after_batch {name}"] * micro


def finish(name: str) -> list[str]:
    return [f"before_update {name}", "clip", "step", f"after_update {name}"]


def logged(learner: Diary, logs: list[list[str]], **changes: object) -> list[str]:
    logs.append(learner.log)
    learn(learner, plan(**changes), updates=1)
    return learner.log


def test_the_order_of_an_update(steps: list[list[str]]) -> None:
    log = logged(Diary(), steps)
    assert log == ["begin_epoch 0", "share", *turn("all"), *finish("all")]


def test_micro_batches_come_before_the_update(steps: list[list[str]]) -> None:
    log = logged(Diary(), steps, accumulate=2)
    assert log == ["begin_epoch 0", "share", "share", *turn("all", 2), *finish("all")]


def test_players_take_turns(steps: list[list[str]]) -> None:
    log = logged(Diary(A, A, B), steps, accumulate=2)
    played = [*turn("a", 2), *finish("a")] * 2 + [*turn("b", 2), *finish("b")]
    assert log == ["begin_epoch 0", "share", "share", *played]


def test_simultaneous_players_all_step_at_the_end(steps: list[list[str]]) -> None:
    log = logged(Diary(A, B, simultaneous=True), steps)
    assert log[2:] == [*turn("a"), *turn("b"), *finish("a"), *finish("b")]


def test_a_late_player_comes_when_its_time_has_come() -> None:
    learner = Diary(A, Player("b", ("b",), start=0.5, stop=0.75))
    learn(learner)
    played = [step.number for step in learner.steps if step.player == "b"]
    assert played == [4, 5]


# What a forward is told


def test_the_context_of_a_step() -> None:
    learner = Diary(A, A, B)
    learn(learner, plan(accumulate=2), updates=6)
    assert [s.number for s in learner.steps] == [n for n in range(6) for _ in range(6)]
    assert {s.total for s in learner.steps} == {8}
    assert [s.epoch for s in learner.steps] == [0] * 24 + [1] * 12
    assert [s.player for s in learner.steps[:6]] == ["a", "a", "a", "a", "b", "b"]
    assert all(len(s.index) == BATCH // 2 for s in learner.steps)
    first = torch.cat([s.index for s in learner.steps if s.epoch == 0 and s.player == "b"])
    assert sorted(first.tolist()) == list(range(COUNT))


def test_a_second_turn_has_the_same_batch_and_fresh_draws() -> None:
    learner = Diary(A, A, B)
    learn(learner, updates=1)
    one, two, other = learner.steps
    assert torch.equal(one.index, two.index)
    assert not torch.equal(one.draw.uniform("s"), two.draw.uniform("s"))
    assert torch.equal(one.draw.uniform("s"), other.draw.uniform("s"))
    assert torch.equal(two.draw.uniform("s"), one.draw.fork("turn 1").uniform("s"))


def test_what_a_turn_keeps_joins_the_views_of_the_next() -> None:
    learner = Diary(A, B)
    learn(learner, updates=1)
    first, second = learner.seen
    assert set(first) == {"x", "noise", "shared"}
    assert set(second) == {"x", "noise", "shared", "made by a"}


def test_only_the_player_whose_turn_it_is_takes_gradient() -> None:
    learner = Diary(A, B)
    found: list[tuple[str, bool, bool]] = []

    def look(step: Step, loss: Tensor) -> Tensor:
        a, b = learner.a.weight.requires_grad, learner.b.weight.requires_grad
        found.append((step.player, a, b))
        return loss

    learner.spoil = look
    learn(learner, updates=2)
    assert found == [("a", True, False), ("b", False, True)] * 2
    assert all(p.requires_grad for p in learner.parameters())


# Clipping


GRADIENTS = ([3.0, 4.0], [0.0, 12.0])


@pytest.mark.parametrize(
    ("per", "limit", "expected"),
    [
        ("all", 0.0, (1.0, 1.0)),
        ("all", 26.0, (1.0, 1.0)),
        ("all", 1.3, (0.1, 0.1)),
        ("parameter", 6.0, (1.0, 0.5)),
        ("parameter", 1.0, (0.2, 1 / 12)),
    ],
)
def test_clipping_is_its_closed_form(per: str, limit: float, expected: tuple[float, float]) -> None:
    gradients = [torch.tensor(g, dtype=torch.float64) for g in GRADIENTS]
    norm = clip(gradients, plan(clip=limit, clip_per=per))
    assert float(norm) == pytest.approx(13, rel=1e-12)
    for gradient, before, factor in zip(gradients, GRADIENTS, expected, strict=True):
        assert gradient.tolist() == pytest.approx([v * factor for v in before], rel=1e-6)


# What is not finite


def spoiled(learner: Diary, bad: dict[int, float], way: str) -> Diary:
    """At some updates the loss, or the gradient only, becomes another."""

    def spoil(step: Step, loss: Tensor) -> Tensor:
        if step.number not in bad or step.player == "a":
            return loss
        if way == "loss":
            return loss * bad[step.number]
        # Zero, with an infinite slope.
        return loss + (learner.b.weight * 0).sum().sqrt()

    learner.spoil = spoil
    return learner


@pytest.mark.parametrize("players", [(), (A, B)])
@pytest.mark.parametrize("way", ["loss", "gradient"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_never_reaches_the_weights(
    players: tuple[Player, ...], way: str, value: float
) -> None:
    clean, learner = Diary(*players), spoiled(Diary(*players), {2: value}, way)
    learn(clean, updates=2)
    learn(learner, updates=3)
    assert same(weights(clean), weights(learner))


def test_afterwards_the_run_goes_on_at_half_the_rate() -> None:
    watch = Watch()
    learner = spoiled(Diary(), {2: math.nan}, "loss")
    result = learn(learner, plan(schedule="constant"), observers=[watch])
    assert result.updates == 8
    assert [r["lr"] for r in watch.records] == pytest.approx([0.1] * 3 + [0.05] * 5)
    assert all(math.isfinite(r["loss"]) for r in watch.records[3:])


def test_the_first_update_may_be_the_one() -> None:
    learner = spoiled(Diary(), {0: math.nan}, "loss")
    before = weights(learner)
    learn(learner, plan(precision="fp32"), updates=1)
    assert same(before, weights(learner))


def test_the_second_time_ends_the_run_and_keeps_the_batch(tmp_path: Path) -> None:
    clean, learner = Diary(), spoiled(Diary(), {1: math.nan, 3: math.nan}, "loss")
    with pytest.raises(Diverged, match=r"not finite at step 3 .*--lr 0.05") as caught:
        learn(learner, folder=tmp_path)
    assert caught.value.exit_code == 4
    (file,) = (tmp_path / "debug").iterdir()
    assert str(file.relative_to(tmp_path)) in str(caught.value)
    kept = load_tensors(file)
    assert kept["images"].shape == (BATCH, 3, 8, 8)
    assert torch.equal(kept["index"], learner.steps[-1].index)
    del clean
    assert all(v.isfinite().all() for v in learner.state_dict().values())


def test_a_strike_is_remembered_over_a_resume(tmp_path: Path) -> None:
    learn(spoiled(Diary(), {1: math.nan}, "loss"), folder=tmp_path, updates=3)
    with pytest.raises(Diverged):
        learn(spoiled(Diary(), {5: math.nan}, "loss"), folder=tmp_path)


@pytest.fixture
def deferred(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on an accelerator, where the flag is read at records and checkpoints only."""
    before = Guard.__init__

    def made(self: Guard, *arguments: object) -> None:
        before(self, *arguments)  # type: ignore[arg-type]
        self.immediate = False

    monkeypatch.setattr(Guard, "__init__", made)


def test_where_losses_stay_on_the_device_no_checkpoint_is_spoiled(
    deferred: None, tmp_path: Path
) -> None:
    """A checkpoint may come between two records."""
    learner = spoiled(Diary(), {210: math.nan}, "loss")
    result = learn(learner, plan(epochs=60), folder=tmp_path, updates=211, minutes=60)
    assert result.updates == 211
    snapshot = Checkpoints(tmp_path / "checkpoints").latest()
    assert snapshot is not None
    assert all(t.isfinite().all() for t in snapshot.tensors("model").values())


@pytest.mark.parametrize("epochs", [2, 60], ids=["seen by a record", "seen by a checkpoint"])
def test_the_batch_is_kept_where_losses_stay_on_the_device(
    epochs: int, deferred: None, tmp_path: Path
) -> None:
    learner = spoiled(Diary(), {2: math.nan, 4: math.nan}, "loss")
    with pytest.raises(Diverged, match="The last batch before it was seen is kept in") as caught:
        learn(learner, plan(epochs=epochs), folder=tmp_path)
    (file,) = (tmp_path / "debug").iterdir()
    assert str(file.relative_to(tmp_path)) in str(caught.value)
    assert torch.equal(load_tensors(file)["index"], learner.steps[-1].index)


def test_processes_agree_once_an_update(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[bool, ...]] = []

    def agreed(*flags: bool) -> tuple[bool, ...]:
        asked.append(flags)
        return flags

    monkeypatch.setattr(loop.world, "agreed", agreed)
    monkeypatch.setattr(loop.world, "any_true", lambda flag: flag)
    learn(Diary(), folder=tmp_path, minutes=60)
    assert asked == [(False, False)] * 8


def test_a_player_without_any_gradient_stands_still() -> None:
    learner = Diary()
    before = weights(learner)
    learner.freeze = True
    learn(learner, plan(precision="fp32", weight_decay=0.5), updates=2)
    assert learner.log.count("after_update all") == 2
    assert same(before, weights(learner))


# Accumulation


@pytest.mark.parametrize("parts", [2, 4])
def test_accumulation_is_the_big_batch(parts: int) -> None:
    whole, split = Diary(), Diary()
    learn(whole)
    learn(split, plan(accumulate=parts))
    for name, value in whole.state_dict().items():
        assert torch.allclose(value, split.state_dict()[name], atol=ROUNDING, rtol=0)


# Epochs, length, resume


@pytest.mark.parametrize(("epochs", "updates"), [(2, 8), (0.5, 2), (1.3, 5), (0.001, 1)])
def test_the_length_of_a_run(epochs: float, updates: int) -> None:
    assert total_updates(plan(epochs=epochs), COUNT // BATCH) == updates
    assert learn(Diary(), plan(epochs=epochs)).updates == updates


def test_each_epoch_begins_once_over_resumes(tmp_path: Path) -> None:
    logs = []
    for updates in (3, 1, 2, None):
        learner = Diary()
        learn(learner, folder=tmp_path, updates=updates)
        logs.append([line for line in learner.log if line.startswith("begin")])
    assert logs == [["begin_epoch 0"], [], ["begin_epoch 1"], []]


def test_a_resumed_run_has_the_bits_of_an_uninterrupted_one(tmp_path: Path) -> None:
    whole, last = Diary(A, B), Diary(A, B)
    learn(whole)
    for updates in (1, 2, 4):
        learn(Diary(A, B), folder=tmp_path, updates=updates)
    result = learn(last, folder=tmp_path)
    assert same(weights(whole), weights(last))
    assert (result.updates, result.images) == (8, BATCH)


def test_a_finished_run_is_left_alone_and_a_longer_one_goes_on(tmp_path: Path) -> None:
    first, again, longer = Diary(), Diary(), Diary()
    learn(first, folder=tmp_path)
    learn(again, folder=tmp_path)
    assert same(weights(first), weights(again))
    assert not again.log
    assert learn(longer, plan(epochs=3), folder=tmp_path).updates == 12
    assert [s.number for s in longer.steps] == [8, 9, 10, 11]


class Dropped(Diary):
    def forward(self, views: Views, step: Step) -> Out:
        return super().forward(views | {"x": nn.functional.dropout(views["x"])}, step)


def test_dropout_resumes_exactly(tmp_path: Path) -> None:
    whole, last = Dropped(), Dropped()
    learn(whole)
    torch.manual_seed(5)
    learn(Dropped(), folder=tmp_path, updates=3)
    torch.manual_seed(6)
    learn(last, folder=tmp_path)
    assert same(weights(whole), weights(last))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_after_a_checkpoint(tmp_path: Path, number: int) -> None:
    whole, last = Diary(), Diary()
    learn(whole)
    watch = Watch(3, lambda: os.kill(os.getpid(), number))
    with pytest.raises(Interrupted, match=f"{signal.Signals(number).name} after update 3"):
        learn(Diary(), folder=tmp_path, minutes=60, observers=[watch])
    assert watch.ended == 1
    assert Checkpoints(tmp_path / "checkpoints").steps() == [3]
    learn(last, folder=tmp_path)
    assert same(weights(whole), weights(last))


def test_an_observer_may_stop_the_run_and_is_told_its_end() -> None:
    def stop() -> None:
        raise Stopped("enough")

    watch, other = Watch(2, stop), Watch()
    with pytest.raises(Stopped):
        learn(Diary(), observers=[watch, other])
    assert (watch.ended, other.ended) == (1, 1)


# begin_epoch


class Planned(Diary):
    """Takes a few images again and again, and begins `b` anew."""

    def __init__(self, indices: list[int]) -> None:
        super().__init__()
        self.indices = torch.tensor(indices)

    def begin_epoch(self, survey: Survey) -> EpochPlan | None:
        super().begin_epoch(survey)
        nn.init.zeros_(self.b.weight)
        return EpochPlan(self.indices, ("b",))


def test_planned_indices_are_what_is_seen_and_repeats_get_other_draws() -> None:
    learner = Planned([0, 1, 2, 3] * 4)
    learn(learner, updates=4)
    seen = torch.cat([s.index for s in learner.steps])
    assert sorted(seen.tolist()) == sorted([0, 1, 2, 3] * 4)
    drawn = torch.cat([s.draw.uniform("s") for s in learner.steps])
    assert len(set(drawn.tolist())) == COUNT


def test_planned_indices_survive_a_resume(tmp_path: Path) -> None:
    order = [5, 5, 6, 7] * 4
    whole, last = Planned(order), Planned(order)
    learn(whole)
    learn(Planned(order), folder=tmp_path, updates=6)
    learn(last, folder=tmp_path)
    assert same(weights(whole), weights(last))


def test_a_plan_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError, match="planned 3 indices; an epoch has 16"):
        learn(Planned([0, 1, 2]))


# Neutral ground


@pytest.mark.parametrize("package", ["training", "evaluation", "reporting"])
def test_no_method_is_named_here(package: str) -> None:
    root = Path(presight.training.__file__).parent.parent / package
    words = {
        (file.name, word)
        for file in root.glob("*.py")
        for word in re.findall(r"[a-z0-9-]+", file.read_text().lower())
    }
    assert not {(file, word) for file, word in words if word in methods.names()}


def test_a_learner_is_all_that_training_needs() -> None:
    assert issubclass(Diary, Learner)
    assert learn(Diary()).updates == 8


def test_fp16_skips_an_overflow_and_its_after_update_and_goes_on() -> None:
    """The first scale overflows half precision here, and is halved."""
    learner = Diary()
    learner.spoil = lambda step, loss: loss * (1e36 if step.number == 2 else 1.0)
    before = weights(learner)
    learn(learner, plan(precision="fp16"), updates=4)
    numbers = [n for n, line in enumerate(learner.log) if line.startswith("before")]
    stepped = [learner.log[n + 1 : n + 2] == ["after_update all"] for n in numbers]
    assert stepped == [False, True, False, True]
    assert not same(before, weights(learner))


def test_fp16_counts_an_overflow_that_before_update_drops() -> None:
    class Drop(Diary):
        def before_update(self, step: Step) -> None:
            super().before_update(step)
            for parameter in self.parameters():
                parameter.grad = None

    learner = Drop()
    learner.spoil = lambda step, loss: loss * (1e36 if step.number == 2 else 1.0)
    learn(learner, plan(precision="fp16"), updates=4)
    numbers = [n for n, line in enumerate(learner.log) if line.startswith("before")]
    stepped = [learner.log[n + 1 : n + 2] == ["after_update all"] for n in numbers]
    assert stepped == [False, True, False, True]


def test_fp16_unscales_simultaneous_players_by_the_same_scale() -> None:
    """One player overflows, which halves the scale; the other's gradient must not double."""
    found: list[float] = []

    class Look(Diary):
        def before_update(self, step: Step) -> None:
            if step.player == "b" and step.number == 1 and self.b.weight.grad is not None:
                found.append(float(self.b.weight.grad.abs().sum()))

    for factor in (1.0, 1e36):
        learner = Look(A, B, simultaneous=True)
        learner.spoil = lambda step, loss, factor=factor: (
            loss * factor if step.number == 1 and step.player == "a" else loss
        )
        learn(learner, plan(precision="fp16"), updates=2)
    assert found[1] == pytest.approx(found[0], rel=1e-3)
