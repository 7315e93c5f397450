"""MoCo v1 and v2 against their papers: He et al., CVPR 2020; Chen et al., 2020."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from presight.core import world
from presight.core.batch import Out, Step, Views
from presight.core.draw import Draw
from presight.errors import UsageError
from presight.methods.contrastive import moco as file
from presight.methods.contrastive.moco import MoCo, MoCoV2
from presight.nn.ema import move
from presight.nn.norm import SplitBatchNorm
from presight.testing.tiny import tiny_batch, tiny_data, tiny_encoders
from presight.views.pairs import MoCoV1Pair, MoCoV2Pair

B, K = 8, 64
RATE = 0.05


def made(kind: type[MoCo] = MoCo, **options: Any) -> MoCo:
    torch.manual_seed(0)
    chosen = {"queue": K, "projector": (16,), "key_momentum": 0.9} | options
    return kind(tiny_encoders(), tiny_data(32, B), **chosen).double()


def step(number: int = 0) -> Step:
    index = torch.arange(B)
    return Step(number, 10, 0, index, Draw(0, number, index))


def views(number: int = 0) -> Views:
    found = MoCoV1Pair().sized(16)(tiny_batch(B), step(number).draw)
    return {"views": found["views"].double()}


def update(method: MoCo, number: int = 0) -> Out:
    """The trainer's order, with plain gradient descent."""
    method.zero_grad()
    out = method(views(number), step(number))
    out.loss.backward()
    method.after_batch(out, step(number))
    with torch.no_grad():
        for p in method.parameters():
            if p.grad is not None:
                p.sub_(RATE * p.grad)
    method.after_update(step(number))
    return out


def weights(*modules: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for module in modules for p in module.parameters()]


def same(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.allclose(a, b, atol=1e-12) for a, b in zip(first, second, strict=True))


# Checks that a mistake must fail.


def check_collapsed(kind: type[MoCo]) -> None:
    """T5: log(K + 1) when all embeddings are equal."""
    method = made(kind)
    for projector in (method.projector, method.key_projector):
        nn.init.zeros_(projector[-1].weight)
        nn.init.ones_(projector[-1].bias)
    method.queue.rows.copy_(torch.full((K, 16), 0.25))
    out = method(views(), step())
    assert out.collapsed == pytest.approx(4.17439, abs=5e-6)
    assert out.loss.item() == pytest.approx(math.log(65), abs=1e-10)


def check_order_of_the_paper(kind: type[MoCo]) -> None:
    """Appendix A6: f_q, then EMA of f_k, then f_k; three updates give the same keys and weights."""
    ours, theirs = made(kind), made()
    for number in range(3):
        out = update(ours, number)
        move(theirs.key_encoder, theirs.encoder, 0.9)  # before the keys, at the first step no move
        move(theirs.key_projector, theirs.projector, 0.9)
        theirs.zero_grad()
        expected = theirs(views(number), step(number))
        theirs.after_batch(expected, step(number))
        expected.loss.backward()
        with torch.no_grad():
            for p in theirs.parameters():
                if p.grad is not None:
                    p.sub_(RATE * p.grad)
        assert torch.allclose(out.keep["keys"], expected.keep["keys"], atol=1e-10)
        assert torch.allclose(ours.queue.rows, theirs.queue.rows, atol=1e-10)
    assert same(weights(ours.encoder), weights(theirs.encoder))


def check_first_key_encoder_is_the_query_encoder(kind: type[MoCo]) -> None:
    """T28: from equal initial weights the first keys are the initial query encoder's."""
    method, reference = made(kind), made()
    expected = normalize(reference.projector(reference.encoder(views()["views"][B:])), dim=1)
    assert torch.allclose(method(views(), step()).keep["keys"], expected, atol=1e-12)


def check_keys_and_queue_get_no_gradient(kind: type[MoCo]) -> None:
    method = made(kind)
    out = method(views(), step())
    out.loss.backward()
    assert not out.keep["keys"].requires_grad
    for part in (method.key_encoder, method.key_projector):
        assert all(not p.requires_grad and p.grad is None for p in part.parameters())
    for part in (method.encoder, method.projector):
        assert all(p.grad is not None for p in part.parameters())


def check_keys_enter_after_the_loss(kind: type[MoCo]) -> None:
    """The queue holds earlier batches when the loss is made, and this batch's keys after it."""
    method = made(kind)
    before = method.queue.rows.clone()
    out = method(views(), step())
    assert torch.equal(method.queue.rows, before)
    method.after_batch(out, step())
    assert torch.equal(method.queue.rows[:B], out.keep["keys"])
    assert torch.equal(method.queue.rows[B:], before[B:])
    assert torch.allclose(method.queue.rows.norm(dim=1), torch.ones(K).double(), atol=1e-6)


def check_moving_average(kind: type[MoCo]) -> None:
    """f_k <- m f_k + (1 - m) f_q: parameters only, after an update that really happened."""
    method = made(kind)
    old = weights(method.key_encoder, method.key_projector)
    out = method(views(), step())
    method.after_batch(out, step())
    assert same(weights(method.key_encoder, method.key_projector), old)
    with torch.no_grad():
        for p in (*method.encoder.parameters(), *method.projector.parameters()):
            p.add_(1)
    target = weights(method.encoder, method.projector)
    buffers = [b.clone() for b in method.key_encoder.buffers()]
    method.after_update(step())
    expected = [0.9 * a + 0.1 * b for a, b in zip(old, target, strict=True)]
    assert same(weights(method.key_encoder, method.key_projector), expected)
    assert same(weights(method.encoder, method.projector), target)
    assert all(
        torch.equal(a, b) for a, b in zip(method.key_encoder.buffers(), buffers, strict=True)
    )


def check_keys_in_train_mode(kind: type[MoCo]) -> None:
    """The key encoder normalizes by its batch, and its running statistics are its own."""
    method = made(kind)
    method(views(), step())
    query, key = method.encoder.state_dict(), method.key_encoder.state_dict()
    assert key["stage1.1.num_batches_tracked"] == 1
    assert not torch.allclose(query["stage1.1.running_mean"], key["stage1.1.running_mean"])


def check_keys_come_back_in_order(kind: type[MoCo]) -> None:
    """With statistics fixed the shuffle must not be seen at all."""
    method = made(kind, splits=4).eval()
    expected = normalize(method.key_projector(method.key_encoder(views()["views"][B:])), dim=1)
    assert torch.allclose(method(views(), step()).keep["keys"], expected, atol=1e-12)


def check_shuffle_changes_the_groups(kind: type[MoCo]) -> None:
    """With 4 splits a key sits in another group of batch norm than its query would."""
    method, reference = made(kind, splits=4), made(splits=4)
    straight = normalize(
        reference.key_projector(reference.key_encoder(views()["views"][B:])), dim=1
    )
    assert not torch.allclose(method(views(), step()).keep["keys"], straight, atol=1e-3)


CHECKS = [value for name, value in sorted(globals().items()) if name.startswith("check_")]


@pytest.mark.parametrize("check", CHECKS)
def test_moco(check: Callable[[type[MoCo]], None]) -> None:
    check(MoCo)


def test_v2_keeps_the_machinery() -> None:
    torch.manual_seed(0)
    method = MoCoV2(tiny_encoders(), tiny_data(32, B), queue=K, projector=(32, 16)).double()
    out = method(views(), step())
    out.loss.backward()
    method.after_batch(out, step())
    assert torch.equal(method.queue.rows[:B], out.keep["keys"])
    assert [type(layer) for layer in method.projector] == [nn.Linear, nn.ReLU, nn.Linear]


def test_changing_the_queue_after_the_loss_does_not_change_the_gradient() -> None:
    gradients = []
    for push_first in (False, True):
        method = made()
        out = method(views(), step())
        if push_first:
            method.after_batch(out, step())
        out.loss.backward()
        gradients.append([p.grad for p in method.encoder.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_queue_begins_with_random_unit_vectors() -> None:
    rows = made().queue.rows
    assert torch.allclose(rows.norm(dim=1), torch.ones(K).double(), atol=1e-6)
    assert made().queue.pointer == 0


def test_keys_of_all_processes_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    method = made()
    out = method(views(), step())
    monkeypatch.setattr(world, "gather_detached", lambda rows: torch.cat((rows, -rows)))
    method.after_batch(out, step())
    assert torch.equal(method.queue.rows[B : 2 * B], -out.keep["keys"])


def test_a_queue_that_the_batch_does_not_divide() -> None:
    with pytest.raises(UsageError, match=r"a queue of 60 cannot take batches of 8"):
        made(queue=60)
    with pytest.raises(UsageError, match=r"a queue of 8 cannot take batches of 16"):
        made(queue=8, symmetric=True)


def test_symmetric_is_the_mean_of_both_directions() -> None:
    method = made(symmetric=True)
    out = method(views(), step())
    first, second = views()["views"].chunk(2)
    swapped = {"views": torch.cat((second, first))}
    parts = [made()({"views": v}, step()).loss for v in (views()["views"], swapped["views"])]
    assert torch.allclose(out.loss, sum(parts) / 2, atol=1e-10)
    assert len(out.keep["keys"]) == 2 * B


def test_splits_reach_both_encoders() -> None:
    method = made(splits=4)
    for encoder in (method.encoder, method.key_encoder):
        kinds = [m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d)]
        assert all(isinstance(m, SplitBatchNorm) and m.splits == 4 for m in kinds)
        assert len(kinds) == 2


def test_shuffles_differ_by_update_and_repeat() -> None:
    """A shuffle is a function of seed, epoch and update, equal on every process."""
    orders: list[Tensor] = []
    patch = pytest.MonkeyPatch()
    with patch.context() as change:
        original = file.shuffle
        change.setattr(file, "shuffle", lambda x, o: (orders.append(o), original(x, o))[1])
        for number in (0, 0, 1):
            torch.manual_seed(len(orders))
            made(splits=4)(views(number), step(number))
    assert torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])
    assert sorted(orders[2].tolist()) == list(range(B))


# Presets.


def test_v1_is_the_paper_one() -> None:
    preset = MoCo.card.preset(224)
    plan, options = preset.plan, preset.options
    assert preset.origin == "paper"
    assert (plan.optimizer, plan.batch_size, plan.peak_lr(), plan.epochs) == ("sgd", 256, 0.03, 200)
    assert [plan.epochs * m for m in plan.milestones] == [120, 160]
    assert plan.weight_decay == 1e-4
    assert plan.decay_all, "plain SGD: norms and biases decay too"
    assert options["queue"] == 65536
    assert (options["key_momentum"], options["temperature"]) == (0.999, 0.07)
    assert options["projector"] == (128,)
    assert options["queue"] % plan.batch_size == 0


def test_v2_differs_from_v1_by_exactly_four_changes() -> None:
    """A two-layer head, stronger views, a cosine schedule, temperature 0.2; nothing else."""
    first, second = MoCo.card.preset(224), MoCoV2.card.preset(224)
    plans = (dataclasses.asdict(first.plan), dataclasses.asdict(second.plan))
    assert {name for name in plans[0] if plans[0][name] != plans[1][name]} == {"schedule"}
    changed = {name for name in first.options if first.options[name] != second.options[name]}
    assert changed == {"projector", "temperature"}
    assert first.options.keys() == second.options.keys()
    assert second.options["temperature"] == 0.2
    assert second.plan.schedule == "cosine"
    assert second.plan.warmup_epochs == 0
    defaults = [
        inspect.signature(kind.__init__).parameters["views"].default for kind in (MoCo, MoCoV2)
    ]
    assert defaults == [MoCoV1Pair(), MoCoV2Pair()]
    v1, v2 = (recipe.sized(224) for recipe in defaults)
    assert v1.scale == v2.scale == (0.2, 1.0)
    assert (v1.color, v1.jitter, any(v1.blur)) == ((0.4, 0.4, 0.4, 0.4), 1.0, False)
    assert (v2.color, v2.jitter, v2.blur) == ((0.4, 0.4, 0.4, 0.1), 0.8, (0.5, 0.5))
    assert v2.sigma == (0.1, 2.0)


def test_defaults_are_asymmetric() -> None:
    for kind in (MoCo, MoCoV2):
        assert inspect.signature(kind.__init__).parameters["symmetric"].default is False


def test_cifar_demo() -> None:
    preset = MoCo.card.preset(32)
    assert (preset.plan.batch_size, preset.plan.peak_lr()) == (512, 0.06)
    assert preset.plan.weight_decay == 5e-4
    expected = {"queue": 4096, "key_momentum": 0.99, "temperature": 0.1, "splits": 8}
    assert preset.options == expected


# Negative controls.


class KeysFirst(MoCo):
    """The batch meets its own keys in the queue."""

    def forward(self, views: Views, step: Step) -> Out:
        first = super().forward(views, step)
        self.queue.push(first.keep["keys"])
        return super().forward(views, step)


class SwappedSides(MoCo):
    """The query encoder follows the key encoder."""

    def after_update(self, step: Step) -> None:
        move(self.encoder, self.key_encoder, self.key_momentum)
        move(self.projector, self.key_projector, self.key_momentum)


class WrongShare(MoCo):
    """Momentum on the new weights."""

    def after_update(self, step: Step) -> None:
        move(self.key_encoder, self.encoder, 1 - self.key_momentum)
        move(self.key_projector, self.projector, 1 - self.key_momentum)


class AverageAfterEveryBatch(MoCo):
    """Moves on skipped updates and once a micro-batch."""

    def after_batch(self, out: Out, step: Step) -> None:
        super().after_batch(out, step)
        move(self.key_encoder, self.encoder, self.key_momentum)

    def after_update(self, step: Step) -> None:
        return


class BuffersToo(MoCo):
    """The key encoder takes the query's running statistics."""

    def after_update(self, step: Step) -> None:
        super().after_update(step)
        for own, other in zip(self.key_encoder.buffers(), self.encoder.buffers(), strict=True):
            own.copy_(other)


class ProjectorForgotten(MoCo):
    """Only the encoder's twin moves."""

    def after_update(self, step: Step) -> None:
        move(self.key_encoder, self.encoder, self.key_momentum)


class OtherStart(MoCo):
    """The key encoder begins with weights of its own."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        for p in self.key_encoder.parameters():
            p.data.add_(0.1 * torch.randn_like(p))


class KeysWithGradient(MoCo):
    """Keys learn."""

    def _keys(self, images: Tensor, step: Step, name: str) -> Tensor:
        return normalize(self.projector(self.encoder(images)), dim=1)


class KeysNotNormalized(MoCo):
    """The queue takes raw projections."""

    def _keys(self, images: Tensor, step: Step, name: str) -> Tensor:
        with torch.no_grad():
            keys: Tensor = self.key_projector(self.key_encoder(images))
        return keys


class KeysInEvalMode(MoCo):
    """The key encoder normalizes by running statistics."""

    def _keys(self, images: Tensor, step: Step, name: str) -> Tensor:
        self.key_encoder.eval()
        return super()._keys(images, step, name)


class NeverUnshuffled(MoCo):
    """Keys stay in shuffled order."""

    def _keys(self, images: Tensor, step: Step, name: str) -> Tensor:
        return super()._keys(images[torch.arange(B).roll(1)], step, name)


class NeverShuffled(MoCo):
    """Split batch norm without the shuffle: the pair shares its group."""

    @torch.no_grad()
    def _keys(self, images: Tensor, step: Step, name: str) -> Tensor:
        return normalize(self.key_projector(self.key_encoder(images)), dim=1)


class PositiveInQueueOnly(MoCo):
    """One candidate less: log K at collapse."""

    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        out.loss = out.loss - math.log(K + 1) + math.log(K)
        return out


@pytest.mark.parametrize(
    ("mistake", "check"),
    [
        (KeysFirst, check_keys_enter_after_the_loss),
        (KeysNotNormalized, check_keys_enter_after_the_loss),
        (SwappedSides, check_moving_average),
        (WrongShare, check_moving_average),
        (AverageAfterEveryBatch, check_moving_average),
        (BuffersToo, check_moving_average),
        (ProjectorForgotten, check_moving_average),
        (ProjectorForgotten, check_order_of_the_paper),
        (WrongShare, check_order_of_the_paper),
        (OtherStart, check_first_key_encoder_is_the_query_encoder),
        (KeysWithGradient, check_keys_and_queue_get_no_gradient),
        (KeysInEvalMode, check_keys_in_train_mode),
        (NeverUnshuffled, check_keys_come_back_in_order),
        (NeverShuffled, check_shuffle_changes_the_groups),
        (PositiveInQueueOnly, check_collapsed),
    ],
)
def test_mistakes_are_caught(mistake: type[MoCo], check: Callable[[type[MoCo]], None]) -> None:
    with pytest.raises(AssertionError):
        check(mistake)
