"""Negative controls: for each generic check a method that breaks exactly what it guards."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from doubles import APART, Bank, Dimmed, Trio, Twinned
from presight.core.backbone import Backbone, Encoders
from presight.core.batch import Batch, DataSpec, Out, Step, Views
from presight.core.draw import Draw
from presight.core.learner import EpochPlan, Player, Survey
from presight.core.method import Box, Method
from presight.core.recipe import Recipe
from presight.nn import ema
from presight.testing import conformance as c
from presight.testing import processes
from presight.testing.interruption import check_resume
from presight.testing.tiny import TinyBackbone
from presight.testing.trial import Trial

Kind = type[Method]
Shown = dict[str, Tensor]
Pairs = dict[str, tuple[processes.Result, processes.Result]]


class ShowsNoPictures(Bank):
    def show(self, views: Views, step: Step) -> Shown:
        return {"rows": torch.zeros(2, 5)}


class ShowsBeyondWhite(Bank):
    def show(self, views: Views, step: Step) -> Shown:
        return {"bright": torch.full((2, 3, 4, 4), 2.0)}


class ShowsByChance(Bank):
    def show(self, views: Views, step: Step) -> Shown:
        return {"noise": torch.rand(2, 3, 4, 4)}


class ShowsAndCounts(Bank):
    def show(self, views: Views, step: Step) -> Shown:
        next(self.parameters()).data.add_(1.0)
        return {"black": torch.zeros(2, 3, 4, 4)}


class KeywordData(Bank):
    def __init__(self, encoders: Encoders, *, data: DataSpec) -> None:
        super().__init__(encoders, data)


class PositionalOption(Bank):
    def __init__(self, encoders: Encoders, data: DataSpec, rows: int = 8) -> None:
        super().__init__(encoders, data, rows=rows)


class AnyOptions(Bank):
    def __init__(self, encoders: Encoders, data: DataSpec, **more: int) -> None:
        super().__init__(encoders, data)


class RequiredOption(Bank):
    def __init__(self, encoders: Encoders, data: DataSpec, *, rows: int) -> None:
        super().__init__(encoders, data, rows=rows)


class Undocumented(Bank):
    def __init__(self, encoders: Encoders, data: DataSpec, *, mystery: int = 1) -> None:
        super().__init__(encoders, data)


class TakesAPlansName(Bank):
    """A bank.

    Args:
        lr: a name of the plan's.
    """

    def __init__(self, encoders: Encoders, data: DataSpec, *, lr: float = 1.0) -> None:
        super().__init__(encoders, data)


class Unfaithful(Bank):
    """A bank.

    Args:
        bound: has a default that YAML rounds to another type.
    """

    def __init__(self, encoders: Encoders, data: DataSpec, *, bound: int = 0.5) -> None:  # type: ignore[assignment]
        super().__init__(encoders, data)


class Overlapping(Bank):
    def __init__(self, encoders: Encoders, data: DataSpec) -> None:
        super().__init__(encoders, data)
        self.players = (Player("all"), Player("head", ("head",)))


class Incomplete(Bank):
    def __init__(self, encoders: Encoders, data: DataSpec) -> None:
        super().__init__(encoders, data)
        self.players = (Player("encoder", ("encoder",)),)


class MoreViews(Dimmed):
    def __call__(self, batch: Batch, draw: Draw) -> Views:
        return super().__call__(batch, draw) | {"extra": draw.uniform("x")}


class Bright(Dimmed):
    def __call__(self, batch: Batch, draw: Draw) -> Views:
        return {"image": 3 * super().__call__(batch, draw)["image"]}


class UndeclaredView(Bank):
    def __init__(self, encoders: Encoders, data: DataSpec, *, views: Recipe = MoreViews()) -> None:  # noqa: B008
        super().__init__(encoders, data, views=views)


class TooBright(Bank):
    def __init__(self, encoders: Encoders, data: DataSpec, *, views: Recipe = Bright()) -> None:  # noqa: B008
        super().__init__(encoders, data, views=views)


class Unsized(Bank):
    def __init__(self, encoders: Encoders, data: DataSpec) -> None:
        super().__init__(encoders, data)
        self.views = Dimmed()


class NotFinite(Bank):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        out.loss = out.loss / 0
        return out


class OneLossAnImage(Bank):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        out.loss = out.loss.expand(4)
        return out


class CutHead(Bank):
    """The head never learns."""

    def forward(self, views: Views, step: Step) -> Out:
        weight, bias = self.head.weight, self.head.bias
        self.head.weight = nn.Parameter(weight.detach())
        self.head.bias = nn.Parameter(bias.detach())
        try:
            return super().forward(views, step)
        finally:
            self.head.weight, self.head.bias = weight, bias


class ZeroGradient(Bank):
    """The prototypes are in the graph, and learn nothing."""

    def forward(self, views: Views, step: Step) -> Out:
        rows = torch.nn.functional.normalize(self.head(self.encoder(views["image"])), dim=1)
        return Out(
            rows.square().sum(0).var() + 0 * self.prototypes(rows).sum(), keep={"rows": rows}
        )


class NoGradient(Bank):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        out.loss = out.loss.detach()
        return out


class WritesInForward(Bank):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        self.after_batch(out, step)
        return out


class FirstIsSpecial(Bank):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        out.loss = out.loss + out.keep["rows"][0].sum()
        return out


class GlobalNoise(Bank):
    def forward(self, views: Views, step: Step) -> Out:
        noise = torch.rand_like(views["image"])
        return super().forward({"image": views["image"] * noise}, step)


class CountsInPython(Bank):
    def __init__(self, encoders: Encoders, data: DataSpec) -> None:
        super().__init__(encoders, data)
        self.count = 0

    def after_batch(self, out: Out, step: Step) -> None:
        self.count += 1


class HiddenTensor(Bank):
    """The bank is no buffer, and is written in place."""

    def __init__(self, encoders: Encoders, data: DataSpec) -> None:
        super().__init__(encoders, data)
        bank = self.bank
        del self.bank
        self.bank = bank


class NotPersistent(Bank):
    """The bank is a buffer that no checkpoint holds."""

    def __init__(self, encoders: Encoders, data: DataSpec) -> None:
        super().__init__(encoders, data)
        self.register_buffer("bank", self.bank, persistent=False)


class BoxTooSmall(Trio):
    box = Box(learning=1, still=0, backwards=1, views=1)


class WrongWidths(TinyBackbone):
    def __init__(
        self,
        in_channels: int = 3,
        width: float = 1.0,
        norm: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__(in_channels, width, norm)
        self.stage_dims = (self.dim, self.dim)


class RandomBackbone(TinyBackbone):
    """Its features depend on what is not in the state dict."""

    def __init__(
        self,
        in_channels: int = 3,
        width: float = 1.0,
        norm: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__(in_channels, width, norm)
        self.register_buffer("offset", torch.rand(1), persistent=False)
        self.offset: Tensor

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        first, second = super().stages(images)
        return first, second + self.offset


class OtherBackbone(Bank):
    trunk: ClassVar[type[TinyBackbone]]

    def __init__(self, encoders: Encoders, data: DataSpec) -> None:
        super().__init__(self.trunk, data)


class WithWrongWidths(OtherBackbone):
    trunk = WrongWidths


class WithRandomBackbone(OtherBackbone):
    trunk = RandomBackbone


class ClustersAgain(Bank):
    """What begin_epoch found is in no buffer: a resume inside the epoch begins without it."""

    def __init__(self, encoders: Encoders, data: DataSpec) -> None:
        super().__init__(encoders, data)
        self.register_buffer("center", torch.zeros(self.encoder.dim), persistent=False)
        self.center: Tensor

    def begin_epoch(self, survey: Survey) -> EpochPlan | None:
        rows = survey.embed(lambda v: self.encoder(v["image"]), views=self.views)
        self.center.copy_(rows.mean(0))
        return None

    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        out.loss = out.loss + (self.encoder(views["image"]) * self.center).mean()
        return out


class MovesInForward(Twinned):
    verb = "forward"


class MovesAfterBatch(Twinned):
    verb = "after_batch"


class Dims(Bank):
    def forward(self, views: Views, step: Step) -> Out:
        views["image"].mul_(0.5)
        return super().forward(views, step)


class Hides(Twinned):
    """The twin in a list, where no state dict finds it."""

    def __init__(self, encoders: Encoders, data: DataSpec) -> None:
        super().__init__(encoders, data)
        self.hidden = [copy.deepcopy(self.head)]
        self.dice = [torch.Generator(), object()]

    def after_update(self, step: Step) -> None:
        ema.move(self.hidden[0], self.head, 0.5)


class Rolls(Hides):
    def after_update(self, step: Step) -> None:
        torch.rand(1, generator=self.dice[0])  # type: ignore[call-overload]


class Elsewhere(Bank):
    """Hands back a network that never learns."""

    def __init__(self, encoders: Encoders, data: DataSpec) -> None:
        super().__init__(encoders, data)
        self.spare = [encoders()]

    @property
    def backbone(self) -> Backbone:
        return self.spare[0]


class OtherDice(Bank):
    """Random numbers that nothing sets back."""

    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        out.loss = out.loss * (1 + random.random())
        return out


DIMMED = Dimmed()


class Untyped(Bank):
    def __init__(self, encoders: Encoders, data: DataSpec, *, views=DIMMED) -> None:  # type: ignore[no-untyped-def]
        super().__init__(encoders, data, views=views)


CONTROLS: list[tuple[c.Check, Kind, str]] = [
    (c.check_constructor, KeywordData, "by position"),
    (c.check_constructor, PositionalOption, "by keyword only"),
    (c.check_constructor, AnyOptions, r"\*\*kwargs"),
    (c.check_constructor, RequiredOption, "option rows has no default"),
    (c.check_constructor, Untyped, "option views has no type; .* views: Dimmed ="),
    (c.check_help, Undocumented, "option mystery is not in the Args"),
    (c.check_help, TakesAPlansName, "option lr"),
    (c.check_round_trip, Unfaithful, "bound"),
    (c.check_players, Overlapping, 'belongs to players "all" and "head"'),
    (c.check_players, Incomplete, "belongs to no player"),
    (c.check_views, UndeclaredView, "extra"),
    (c.check_views, TooBright, r"leaves \[0, 1\]"),
    (c.check_views, Unsized, "the recipe's size is 0"),
    (c.check_loss, NotFinite, "must be a finite scalar"),
    (c.check_loss, OneLossAnImage, "must be a finite scalar"),
    (c.check_gradients, CutHead, "parameter head.bias gets no gradient|head.weight gets no"),
    (c.check_gradients, ZeroGradient, "prototypes.weight is all zeros"),
    (c.check_gradients, NoGradient, "has no gradient"),
    (c.check_forward_writes, WritesInForward, "forward writes bank"),
    (c.check_forward_writes, MovesInForward, r"writes twin.bias, twin.weight; .*after_update"),
    (c.check_forward_writes, Dims, "changes the views image in place"),
    (c.check_after_batch, MovesAfterBatch, "after_batch moves twin.bias, twin.weight; .*no step"),
    (c.check_permutation, FirstIsSpecial, "in another order"),
    (c.check_generator, GlobalNoise, "depends on torch's generator"),
    (c.check_generator, OtherDice, "when asked again; take random numbers from step.draw"),
    (c.check_state, CountsInPython, "count changed while training"),
    (c.check_state, HiddenTensor, "bank changed while training"),
    (c.check_state, Hides, ": hidden changed while training"),
    (c.check_state, Rolls, ": dice changed while training"),
    (c.check_state, NotPersistent, "after a reload"),
    (c.check_box, BoxTooSmall, "counted Box.* Or the box is wrong"),
    (c.check_backbone, WithWrongWidths, "channels, declared"),
    (c.check_backbone, Elsewhere, "training changes no weight of the backbone"),
    (c.check_backbone, WithRandomBackbone, "gives other features"),
    (c.check_show, ShowsNoPictures, "show gives rows as"),
    (c.check_show, ShowsBeyondWhite, "to 2; float"),
    (c.check_show, ShowsByChance, "other noise when asked again"),
    (c.check_show, ShowsAndCounts, "show changes"),
    (check_resume, NotPersistent, "interrupted and resumed"),
    (check_resume, ClustersAgain, "interrupted and resumed"),
]


@pytest.mark.parametrize(
    ("check", "kind", "words"), CONTROLS, ids=[f"{k.__name__}" for _, k, _ in CONTROLS]
)
def test_what_is_broken_is_found(check: c.Check, kind: Kind, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check(Trial(kind))


def test_every_check_has_a_control() -> None:
    assert {check for check, _, _ in CONTROLS} == set(c.CHECKS)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", APART, ids=lambda kind: kind.__name__)
def test_two_processes_that_part_ways_are_found(kind: Kind, pairs: Pairs) -> None:
    trial = Trial(kind)
    with pytest.raises(AssertionError, match=r"differs by|not the same on both"):
        processes.compare(trial, processes.alone(trial), pairs[kind.__name__])
