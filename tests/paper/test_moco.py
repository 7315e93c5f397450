"""MoCo v1 and v2 against their papers: He et al., CVPR 2020; Chen et al., 2020."""

from __future__ import annotations

import dataclasses
import inspect
import logging
import math
from collections.abc import Callable
from typing import Any, Self

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from presight.core import world
from presight.core.batch import Out, Step, Views
from presight.core.draw import Draw
from presight.core.method import Preset
from presight.errors import UsageError
from presight.losses.contrastive import info_nce, unit
from presight.methods.contrastive import moco as file
from presight.methods.contrastive.moco import MoCo, MoCoV2
from presight.nn.ema import move
from presight.nn.heads import mlp
from presight.nn.norm import SplitBatchNorm, unshuffle
from presight.testing.tiny import tiny_batch, tiny_data, tiny_encoders
from presight.views.pairs import MoCoV1Pair, MoCoV2Pair

B, K = 8, 64
RATE = 0.05
BUG = pytest.mark.xfail(strict=True, raises=AssertionError, reason="the injected bug")


def made(kind: type[MoCo] = MoCo, **options: Any) -> MoCo:
    torch.manual_seed(0)
    chosen = {"queue": K, "projector": (16,), "key_momentum": 0.9} | options
    return kind(tiny_encoders(), tiny_data(128, B), **chosen).double()


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


def check_loss_by_hand(kind: type[MoCo]) -> None:
    """Queries of the first view; each one's own key of the second against the queue, over T."""
    method, reference = made(kind, temperature=0.3), made()
    first, second = views()["views"].chunk(2)
    queries = reference.projector(reference.encoder(first))
    keys = reference.key_projector(reference.key_encoder(second))
    queue = reference.queue.rows.tolist()
    total = 0.0
    for query, key in zip(queries.tolist(), keys.tolist(), strict=True):
        lengths = [math.hypot(*query) * math.hypot(*row) for row in (key, *queue)]
        scores = [
            sum(a * b for a, b in zip(query, row, strict=True)) / length / 0.3
            for row, length in zip((key, *queue), lengths, strict=True)
        ]
        total += math.log(sum(math.exp(score) for score in scores)) - scores[0]
    assert method(views(), step()).loss.item() == pytest.approx(total / B, abs=1e-8)


def check_queue_begins_with_random_directions(kind: type[MoCo]) -> None:
    rows = made(kind).queue.rows
    assert torch.allclose(rows.norm(dim=1), torch.ones(K).double(), atol=1e-6)
    assert (rows @ rows.T).fill_diagonal_(0).mean().abs() < 0.05, "as many this way as that"
    assert made(kind).queue.pointer == 0


def check_queue_goes_on_after_a_resume(kind: type[MoCo]) -> None:
    """Rows and pointer are in the state."""
    method, other = made(kind), made(kind)
    method.after_batch(method(views(), step()), step())
    other.load_state_dict(method.state_dict())
    assert torch.equal(other.queue.rows, method.queue.rows)
    assert other.queue.pointer == method.queue.pointer == B


def check_queue_is_a_ring(kind: type[MoCo]) -> None:
    """T7: 12 places, batches of 4, five pushes: the first 8 keys have made room for the last."""
    torch.manual_seed(0)
    method = kind(tiny_encoders(), tiny_data(64, 4), queue=12, projector=(1,))
    for batch in torch.arange(20.0).view(5, 4, 1):
        method.after_batch(Out(torch.zeros(()), keep={"keys": batch}), step())
    assert method.queue.rows.flatten().tolist() == [*range(12, 20), *range(8, 12)]
    assert method.queue.pointer == 8


def check_keys_of_all_processes_enter(kind: type[MoCo]) -> None:
    method = made(kind)
    out = method(views(), step())
    with pytest.MonkeyPatch.context() as change:
        change.setattr(world, "gather_detached", lambda rows: torch.cat((rows, -rows)))
        method.after_batch(out, step())
    assert torch.equal(method.queue.rows[B : 2 * B], -out.keep["keys"])


def check_views_enter_one_after_the_other(kind: type[MoCo]) -> None:
    """Symmetric: all processes' keys of one view, then of the other, as on one process."""
    method = made(kind, symmetric=True)
    out = method(views(), step())
    with pytest.MonkeyPatch.context() as change:
        change.setattr(world, "gather_detached", lambda rows: torch.cat((rows, -rows)))
        method.after_batch(out, step())
    first, second = out.keep["keys"].chunk(2)
    assert torch.equal(method.queue.rows[: 4 * B], torch.cat((first, -first, second, -second)))


def check_a_push_does_not_reach_the_gradient(kind: type[MoCo]) -> None:
    """Backward sees the queue as it was when the loss was made."""
    gradients = []
    for push_first in (False, True):
        method = made(kind)
        out = method(views(), step())
        if push_first:
            method.after_batch(out, step())
        out.loss.backward()
        gradients.append([p.grad for p in method.encoder.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def check_shuffles_differ_by_update_and_repeat(kind: type[MoCo]) -> None:
    """A shuffle is a function of seed, epoch and update, equal on every process."""
    orders: list[Tensor] = []
    with pytest.MonkeyPatch.context() as change:
        original = file.shuffle
        change.setattr(file, "shuffle", lambda x, o: (orders.append(o), original(x, o))[1])
        for number in (0, 0, 1):
            torch.manual_seed(len(orders))
            method = made(kind, splits=4)
            torch.manual_seed(len(orders))
            method(views(number), step(number))
    assert torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])
    assert sorted(orders[2].tolist()) == list(range(B))


CHECKS = [value for name, value in sorted(globals().items()) if name.startswith("check_")]


@pytest.mark.parametrize("check", CHECKS)
def test_moco(check: Callable[[type[MoCo]], None]) -> None:
    check(MoCo)


class NormInTheHead(MoCoV2):
    """SimCLR's second head."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.projector = mlp(self.encoder.dim, 32, 16, norm=nn.BatchNorm1d)


class HeadOfV1(MoCoV2):
    """A linear projector."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options | {"projector": (16,)})


@pytest.mark.parametrize(
    "kind", [MoCoV2, *(pytest.param(bug, marks=BUG) for bug in (NormInTheHead, HeadOfV1))]
)
def test_v2_keeps_the_machinery(kind: type[MoCoV2]) -> None:
    torch.manual_seed(0)
    method = kind(tiny_encoders(), tiny_data(128, B), queue=K, projector=(32, 16)).double()
    out = method(views(), step())
    out.loss.backward()
    method.after_batch(out, step())
    assert torch.equal(method.queue.rows[:B], out.keep["keys"])
    assert [type(layer) for layer in method.projector] == [nn.Linear, nn.ReLU, nn.Linear]


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


def test_a_queue_of_more_keys_than_images_is_cut_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A longer one would hold several keys of each image, all of them its own negatives."""
    with caplog.at_level(logging.WARNING):
        method = MoCo(tiny_encoders(), tiny_data(100, B), queue=4096)
    assert len(method.queue.rows) == 96
    assert "4096 keys of 100 images" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert len(made().queue.rows) == K
    assert not caplog.records


@pytest.mark.parametrize(
    ("option", "value"),
    [("key_momentum", 1.5), ("key_momentum", -0.1), ("temperature", 0.0), ("splits", 0)],
)
def test_options_out_of_range_are_named(option: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"--{option.replace('_', '-')}"):
        made(**{option: value})


# Presets.


def changed(preset: Preset, plan: dict[str, Any] = {}, **options: Any) -> Preset:  # noqa: B006
    """A preset with a mistake."""
    return dataclasses.replace(
        preset,
        plan=dataclasses.replace(preset.plan, **plan),
        options={**preset.options, **options},
    )


V1, V2 = MoCo.card.preset(224), MoCoV2.card.preset(224)


@pytest.mark.parametrize(
    "preset",
    [
        V1,
        pytest.param(changed(V1, {"decay_all": False}), marks=BUG, id="exclusions"),
        pytest.param(changed(V1, {"optimizer": "lars"}), marks=BUG, id="LARS"),
        pytest.param(changed(V1, {"milestones": (0.3, 0.6)}), marks=BUG, id="early drops"),
        pytest.param(changed(V1, splits=1), marks=BUG, id="one group of batch norm"),
        pytest.param(changed(V1, key_momentum=0.0), marks=BUG, id="no momentum: diverges"),
        pytest.param(changed(V1, queue=65000), marks=BUG, id="a queue that is no multiple"),
    ],
)
def test_v1_is_the_paper_one(preset: Preset) -> None:
    plan, options = preset.plan, preset.options
    assert preset.origin == "paper"
    assert (plan.optimizer, plan.batch_size, plan.peak_lr(), plan.epochs) == ("sgd", 256, 0.03, 200)
    assert [plan.epochs * m for m in plan.milestones] == [120, 160]
    assert plan.weight_decay == 1e-4
    assert plan.decay_all, "plain SGD: norms and biases decay too"
    assert options["queue"] % plan.batch_size == 0
    assert options["queue"] == 65536
    assert (options["key_momentum"], options["temperature"]) == (0.999, 0.07)
    assert options["projector"] == (128,)
    assert options["splits"] > 1, "with one group a shuffle does nothing"


@pytest.mark.parametrize(
    "second",
    [
        V2,
        pytest.param(changed(V2, {"warmup_epochs": 10}), marks=BUG, id="warm-up"),
        pytest.param(changed(V2, {"lr": 0.06}), marks=BUG, id="rate"),
        pytest.param(changed(V2, {"weight_decay": 1e-6}), marks=BUG, id="decay"),
        pytest.param(changed(V2, {"schedule": "steps"}), marks=BUG, id="steps"),
        pytest.param(changed(V2, {"final_lr": 0.1}), marks=BUG, id="not to 0"),
        pytest.param(changed(V2, temperature=0.07), marks=BUG, id="v1's temperature"),
        pytest.param(changed(V2, projector=(128,)), marks=BUG, id="v1's head"),
        pytest.param(changed(V2, queue=4096), marks=BUG, id="queue"),
    ],
)
def test_v2_differs_from_v1_by_exactly_four_changes(second: Preset) -> None:
    """A two-layer head, stronger views, a cosine schedule, temperature 0.2; nothing else."""
    plans = (dataclasses.asdict(V1.plan), dataclasses.asdict(second.plan))
    assert {name for name in plans[0] if plans[0][name] != plans[1][name]} == {"schedule"}
    differ = {name for name in V1.options if V1.options[name] != second.options[name]}
    assert differ == {"projector", "temperature"}
    assert V1.options.keys() == second.options.keys()
    assert second.options["temperature"] == 0.2
    assert (second.plan.schedule, second.plan.final_lr, second.plan.warmup_epochs) == (
        "cosine",
        0,
        0,
    )
    defaults = [
        inspect.signature(kind.__init__).parameters["views"].default for kind in (MoCo, MoCoV2)
    ]
    assert defaults == [MoCoV1Pair(), MoCoV2Pair()]


class SimCLRsCrop(MoCoV2Pair):
    """The smallest crop is 0.08 of the image."""

    def sized(self, size: int) -> Self:
        return dataclasses.replace(super().sized(size), scale=(0.08, 1.0))


class SimCLRsJitter(MoCoV2Pair):
    """Twice the color."""

    def sized(self, size: int) -> Self:
        return dataclasses.replace(super().sized(size), color=(0.8, 0.8, 0.8, 0.2))


class JitterAlways(MoCoV2Pair):
    """v1's probability."""

    def sized(self, size: int) -> Self:
        return dataclasses.replace(super().sized(size), jitter=1.0)


class NoBlur(MoCoV2Pair):
    """v1's sharp views."""

    def sized(self, size: int) -> Self:
        return dataclasses.replace(super().sized(size), blur=(0.0, 0.0))


class WideBlur(MoCoV2Pair):
    """Sigma beyond 2."""

    def sized(self, size: int) -> Self:
        return dataclasses.replace(super().sized(size), sigma=(0.1, 4.0))


@pytest.mark.parametrize(
    "kind",
    [
        MoCoV2Pair,
        *(
            pytest.param(bug, marks=BUG)
            for bug in (SimCLRsCrop, SimCLRsJitter, JitterAlways, NoBlur, WideBlur)
        ),
    ],
)
def test_views_of_both_versions(kind: type[MoCoV2Pair]) -> None:
    v1, v2 = MoCoV1Pair().sized(224), kind().sized(224)
    assert v1.scale == v2.scale == (0.2, 1.0)
    assert (v1.color, v1.jitter, v1.blur) == ((0.4, 0.4, 0.4, 0.4), 1.0, (0.0, 0.0))
    assert (v2.color, v2.jitter, v2.blur) == ((0.4, 0.4, 0.4, 0.1), 0.8, (0.5, 0.5))
    assert v1.strength == v2.strength == 1
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


class WithoutTemperature(MoCo):
    """Plain cosines."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options | {"temperature": 1.0})


class NegativesOfTheBatch(MoCo):
    """Keys of the batch repel too."""

    def forward(self, views: Views, step: Step) -> Out:
        out, (first, _) = super().forward(views, step), views["views"].chunk(2)
        query, keys = unit(self.projector(self.encoder(first))), out.keep["keys"]
        many = torch.cat((self.queue.rows, keys))
        return Out(info_nce(query, keys, temperature=self.temperature, negatives=many))


class ViewsExchanged(MoCo):
    """Queries of the second view."""

    def forward(self, views: Views, step: Step) -> Out:
        first, second = views["views"].chunk(2)
        return super().forward({"views": torch.cat((second, first))}, step)


class BothDirections(MoCo):
    """Symmetric, as later methods."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options, symmetric=True)


class QueueOfZeros(MoCo):
    """Empty places count as negatives of cosine 0."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.queue.rows.zero_()


class QueueOfOneDirection(MoCo):
    """Random numbers that are all positive."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.queue.rows.copy_(normalize(torch.rand_like(self.queue.rows), dim=1))


class QueueNotNormalized(MoCo):
    """Plain normal noise."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.queue.rows.normal_()


class PointerNotSaved(MoCo):
    """A resume overwrites the newest keys."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.queue.register_buffer("pointer", self.queue.pointer, persistent=False)


class QueueNotSaved(MoCo):
    """A resume begins with noise again."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.queue.register_buffer("rows", self.queue.rows, persistent=False)


class NewestOut(MoCo):
    """A stack, not a ring."""

    def after_batch(self, out: Out, step: Step) -> None:
        self.queue.pointer.zero_()
        super().after_batch(out, step)


class OwnKeysOnly(MoCo):
    """Each process has a queue of its own."""

    def after_batch(self, out: Out, step: Step) -> None:
        self.queue.push(out.keep["keys"])


class ViewsTogether(MoCo):
    """Processes' keys of both views at once: another order on two processes than on one."""

    def after_batch(self, out: Out, step: Step) -> None:
        self.queue.push(world.gather_detached(out.keep["keys"]))


class QueueNotCopied(MoCo):
    """Logits of the queue's own memory, which the push overwrites before backward reads it."""

    def forward(self, views: Views, step: Step) -> Out:
        out, (first, _) = super().forward(views, step), views["views"].chunk(2)
        query, keys = unit(self.projector(self.encoder(first))), out.keep["keys"]
        scores = torch.cat(((query * keys).sum(1, keepdim=True), query @ self.queue.rows.data.T), 1)
        target = torch.zeros(len(query), dtype=torch.int64)
        return Out(cross_entropy(scores / self.temperature, target), keep=out.keep)


class ShuffleOfTheProcess(MoCo):
    """Permutations from torch's generator, which processes do not share."""

    @torch.no_grad()
    def _keys(self, images: Tensor, step: Step, name: str) -> Tensor:
        order = torch.randperm(len(images))
        mixed = file.shuffle(images, order)  # type: ignore[attr-defined]
        return unshuffle(normalize(self.key_projector(self.key_encoder(mixed)), dim=1), order)


class SameShuffleAlways(MoCo):
    """One permutation for the whole run."""

    @torch.no_grad()
    def _keys(self, images: Tensor, step: Step, name: str) -> Tensor:
        order = torch.arange(len(images)).roll(3)
        mixed = file.shuffle(images, order)  # type: ignore[attr-defined]
        return unshuffle(normalize(self.key_projector(self.key_encoder(mixed)), dim=1), order)


@BUG
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
        (WithoutTemperature, check_loss_by_hand),
        (NegativesOfTheBatch, check_loss_by_hand),
        (ViewsExchanged, check_loss_by_hand),
        (BothDirections, check_loss_by_hand),
        (QueueOfZeros, check_queue_begins_with_random_directions),
        (QueueOfOneDirection, check_queue_begins_with_random_directions),
        (QueueNotNormalized, check_queue_begins_with_random_directions),
        (PointerNotSaved, check_queue_goes_on_after_a_resume),
        (QueueNotSaved, check_queue_goes_on_after_a_resume),
        (NewestOut, check_queue_is_a_ring),
        (OwnKeysOnly, check_keys_of_all_processes_enter),
        (ViewsTogether, check_views_enter_one_after_the_other),
        (QueueNotCopied, check_a_push_does_not_reach_the_gradient),
        (ShuffleOfTheProcess, check_shuffles_differ_by_update_and_repeat),
        (SameShuffleAlways, check_shuffles_differ_by_update_and_repeat),
    ],
)
def test_mistakes_are_caught(mistake: type[MoCo], check: Callable[[type[MoCo]], None]) -> None:
    check(mistake)
