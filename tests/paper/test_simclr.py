"""SimCLR against its paper: Chen et al., ICML 2020."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Literal, Self

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from presight.core import world
from presight.core.backbone import Backbone
from presight.core.batch import Batch, Out, Step, Views
from presight.core.draw import Draw
from presight.core.plan import TrainPlan
from presight.core.recipe import Recipe
from presight.errors import UsageError
from presight.losses.contrastive import info_nce, nt_xent
from presight.methods.contrastive.simclr import SimCLR
from presight.nn.backbones import encoders
from presight.nn.heads import mlp
from presight.testing.tiny import tiny_batch, tiny_data, tiny_encoders
from presight.training.optimize import grouped
from presight.views.pairs import SimCLRPair

B = 6
BUG = pytest.mark.xfail(strict=True, raises=AssertionError, reason="the injected bug")


def made(kind: type[SimCLR] = SimCLR, **options: Any) -> SimCLR:
    torch.manual_seed(0)
    return kind(tiny_encoders(), tiny_data(), **options).double()


def step() -> Step:
    index = torch.arange(B)
    return Step(0, 10, 0, index, Draw(0, 0, index))


def views(method: SimCLR) -> Views:
    made_of = method.views(tiny_batch(B), step().draw)
    return {name: value.double() for name, value in made_of.items()}


def check_one_pass_of_both_views(kind: type[SimCLR]) -> None:
    """Appendix A8: concatenate, encode once, project, NT-Xent of the halves."""
    method = made(kind, temperature=0.3)
    both = views(method)["views"]
    first, second = made(temperature=0.3).projector(made().encoder(both)).chunk(2)
    expected = nt_xent(first, second, temperature=0.3)
    assert torch.allclose(method({"views": both}, step()).loss, expected, atol=1e-10)


def check_collapsed(kind: type[SimCLR]) -> None:
    method = made(kind)
    last = method.projector[-1]
    assert isinstance(last, nn.Linear)
    nn.init.zeros_(last.weight)
    nn.init.ones_(last.bias)
    out = method(views(method), step())
    assert out.collapsed == pytest.approx(math.log(2 * B - 1), abs=1e-12)
    assert out.loss.item() == pytest.approx(out.collapsed, abs=1e-10)


def check_all_processes_are_negatives(kind: type[SimCLR]) -> None:
    """Rows of another process must raise the loss, with a gradient of their own."""
    others = torch.randn(B, 128, dtype=torch.float64, requires_grad=True)

    def gather(rows: Tensor) -> tuple[Tensor, int]:
        return torch.cat((normalize(others, dim=1), rows)), len(others)

    method, patch = made(kind), pytest.MonkeyPatch()
    alone = method(views(method), step()).loss
    with patch.context() as change:
        change.setattr(world, "gather", gather)
        together = method(views(method), step()).loss
    together.backward()
    assert together > alone
    assert others.grad is not None
    assert others.grad.abs().sum() > 0


def check_loss_by_hand(kind: type[SimCLR]) -> None:
    """Rows of unit length; for each of 2N rows its partner against all rows but itself."""
    method, reference, heat = made(kind, temperature=0.3), made(), 0.3
    rows = reference.projector(reference.encoder(views(method)["views"])).tolist()
    rows = [[x / math.hypot(*row) for x in row] for row in rows]
    total = 0.0
    for i in range(2 * B):
        scores = [sum(a * b for a, b in zip(rows[i], row, strict=True)) / heat for row in rows]
        others = sum(math.exp(score) for k, score in enumerate(scores) if k != i)
        total += math.log(others) - scores[(i + B) % (2 * B)]
    assert method(views(method), step()).loss.item() == pytest.approx(total / (2 * B), abs=1e-9)


def check_representation_is_before_the_projector(kind: type[SimCLR]) -> None:
    method = made(kind)
    assert method.backbone is method.encoder
    assert method.backbone(torch.rand(2, 3, 16, 16).double()).shape == (2, method.encoder.dim)


def check_head_of_the_paper(kind: type[SimCLR]) -> None:
    """Two layers with a ReLU between them and no batch norm, 128 wide."""
    layers = [type(layer) for layer in made(kind).projector]
    assert layers == [nn.Linear, nn.ReLU, nn.Linear]
    assert made(kind)(views(made()), step()).embedding.shape == (B, 128)


def check_views_differ(kind: type[SimCLR]) -> None:
    first, second = views(made(kind))["views"].chunk(2)
    assert all(not torch.allclose(a, b, atol=0.01) for a, b in zip(first, second, strict=True))


CHECKS = [value for name, value in sorted(globals().items()) if name.startswith("check_")]


@pytest.mark.parametrize("check", CHECKS)
def test_simclr(check: Callable[[type[SimCLR]], None]) -> None:
    check(SimCLR)


def test_every_parameter_learns() -> None:
    method = made()
    method(views(method), step()).loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in method.parameters())


def imagenet(**changes: Any) -> TrainPlan:
    return dataclasses.replace(SimCLR.card.preset(224).plan, **changes)


@pytest.mark.parametrize(
    "plan",
    [
        imagenet(),
        pytest.param(imagenet(lr_scaling="none"), marks=BUG, id="rate without the batch"),
        pytest.param(imagenet(lr=4.8), marks=BUG, id="rate scaled twice"),
        pytest.param(imagenet(optimizer="sgd"), marks=BUG, id="no LARS"),
        pytest.param(imagenet(weight_decay=1e-4), marks=BUG, id="the README's decay"),
        pytest.param(imagenet(warmup_epochs=0), marks=BUG, id="no warm-up"),
    ],
)
def test_imagenet_plan(plan: TrainPlan) -> None:
    """Appendix B.6: LARS, 0.3 x batch / 256 = 4.8, decay 1e-6, 10 warm-up epochs."""
    assert (plan.optimizer, plan.batch_size, plan.schedule) == ("lars", 4096, "cosine")
    assert plan.peak_lr() == pytest.approx(4.8)
    assert plan.peak_lr() == pytest.approx(0.075 * math.sqrt(4096))
    assert (plan.weight_decay, plan.warmup_epochs, plan.epochs) == (1e-6, 10, 1000)


@pytest.mark.parametrize("plan", [imagenet(), pytest.param(imagenet(decay_all=True), marks=BUG)])
def test_norms_and_biases_are_excluded(plan: TrainPlan) -> None:
    """LARS neither decays them nor adapts their rate."""
    method = made()
    groups = grouped(method, method.players[0], dict(method.named_parameters()), plan)
    assert sum(len(group["params"]) for group in groups) == len(list(method.parameters()))
    for group in groups:
        excluded = group["params"][0].ndim == 1
        assert all((parameter.ndim == 1) == excluded for parameter in group["params"])
        assert group["weight_decay"] == (0 if excluded else plan.weight_decay)
        assert group["adapt"] != excluded


def test_imagenet_options() -> None:
    preset = SimCLR.card.preset(224)
    assert preset.origin == "paper"
    assert preset.options == {"temperature": 0.1, "projector": (2048, 128)}


@pytest.mark.parametrize("temperature", [0.0, -0.5, math.nan])
def test_temperature_out_of_range_is_named(temperature: float) -> None:
    with pytest.raises(UsageError, match="--temperature"):
        made(temperature=temperature)


def test_small_port_is_the_authors_cifar_command() -> None:
    preset = SimCLR.card.presets["32-port"]
    assert (preset.plan.batch_size, preset.plan.lr, preset.plan.epochs) == (512, 1.0, 1000)
    assert preset.options["temperature"] == 0.5


@pytest.mark.parametrize(
    "stem", ["auto", pytest.param("standard", marks=BUG, id="the stem of ImageNet")]
)
def test_small_images_keep_their_side(stem: Literal["auto", "standard"]) -> None:
    """B.9: at 32 pixels a first convolution of 3x3 with stride 1 and no pooling."""
    with torch.device("meta"):
        encoder = encoders("resnet18", image_size=32, stem=stem)()
        maps = encoder.stages(torch.empty(2, 3, 32, 32))
    assert [m.shape[-1] for m in maps] == [32, 16, 8, 4]


class HalfCrop(SimCLRPair):
    """MoCo's smallest crop."""

    def sized(self, size: int) -> Self:
        return dataclasses.replace(super().sized(size), scale=(0.2, 1.0))


class AlwaysBlurred(SimCLRPair):
    """Blur at every size."""

    def sized(self, size: int) -> Self:
        return dataclasses.replace(super().sized(size), blur=(0.5, 0.5))


class AlwaysStrong(SimCLRPair):
    """ImageNet's color jitter at every size."""

    def sized(self, size: int) -> Self:
        return dataclasses.replace(super().sized(size), strength=1.0)


@pytest.mark.parametrize(
    "kind",
    [SimCLRPair, *(pytest.param(k, marks=BUG) for k in (HalfCrop, AlwaysBlurred, AlwaysStrong))],
)
def test_views_are_the_paper_ones(kind: type[SimCLRPair]) -> None:
    """Appendix A; at 32 pixels B.9: half the color strength and no blur."""
    large, small = kind().sized(224), kind().sized(32)
    assert made().views == SimCLRPair().sized(16)
    for sized in (large, small):
        assert (sized.scale, sized.color) == ((0.08, 1.0), (0.8, 0.8, 0.8, 0.2))
        assert (sized.jitter, sized.gray, sized.flip) == (0.8, 0.2, 0.5)
    assert (large.strength, large.blur, large.sigma) == (1.0, (0.5, 0.5), (0.1, 2.0))
    assert (small.strength, small.blur) == (0.5, (0.0, 0.0))


# Negative controls.


class EachViewAlone(SimCLR):
    """Batch norm sees one view at a time."""

    def forward(self, views: Views, step: Step) -> Out:
        first, second = (self.projector(self.encoder(v)) for v in views["views"].chunk(2))
        return Out(nt_xent(first, second, temperature=self.temperature))


class LossOnFeatures(SimCLR):
    """The projector is forgotten."""

    def forward(self, views: Views, step: Step) -> Out:
        first, second = self.encoder(views["views"]).chunk(2)
        return Out(nt_xent(first, second, temperature=self.temperature), collapsed=math.log(11))


class Interleaved(SimCLR):
    """Views are taken as pairs of neighbors, not as halves."""

    def forward(self, views: Views, step: Step) -> Out:
        first, second = self.projector(self.encoder(views["views"])).view(B, 2, -1).unbind(1)
        return Out(nt_xent(first, second, temperature=self.temperature))


class SumOfDirections(SimCLR):
    """The released code's factor of two."""

    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        out.loss = 2 * out.loss
        return out


class NoGather(SimCLR):
    """Negatives of this process only."""

    def forward(self, views: Views, step: Step) -> Out:
        first, second = self.projector(self.encoder(views["views"])).chunk(2)
        return Out(nt_xent(first, second, temperature=self.temperature))


class GatherWithoutGradient(SimCLR):
    """Other processes' rows are constants."""

    def forward(self, views: Views, step: Step) -> Out:
        first, second = self.projector(self.encoder(views["views"])).chunk(2)

        def gather(rows: Tensor) -> tuple[Tensor, int]:
            everyone, start = world.gather(rows)
            return everyone.detach(), start

        return Out(nt_xent(first, second, temperature=self.temperature, gather=gather))


class WithLoss(SimCLR):
    """The method with a wrong loss of the rows and their partners' numbers."""

    @staticmethod
    def of(z: Tensor, partner: Tensor, t: float) -> Tensor:
        raise NotImplementedError

    def forward(self, views: Views, step: Step) -> Out:
        rows = self.projector(self.encoder(views["views"]))
        partner = torch.arange(2 * B).roll(B)
        return Out(type(self).of(rows, partner, self.temperature))


def _masked(scores: Tensor) -> Tensor:
    return scores.clone().fill_diagonal_(-math.inf)


def _cosines(rows: Tensor) -> Tensor:
    return normalize(rows, dim=1) @ normalize(rows, dim=1).T


class SelfAmongNegatives(WithLoss):
    """Every row is a negative of itself."""

    of = staticmethod(lambda z, partner, t: cross_entropy(_cosines(z) / t, partner))


class PartnerNotInTheSum(WithLoss):
    """The positive is masked in the denominator, like oneself."""

    @staticmethod
    def of(z: Tensor, partner: Tensor, t: float) -> Tensor:
        scores, rows = _masked(_cosines(z) / t), torch.arange(2 * B)
        others = scores.index_put((rows, partner), torch.tensor(-math.inf).double())
        return (others.logsumexp(1) - scores[rows, partner]).mean()


class OtherViewOnly(WithLoss):
    """Negatives of one's own view are left out."""

    @staticmethod
    def of(z: Tensor, partner: Tensor, t: float) -> Tensor:
        first, second = z.chunk(2)
        return info_nce(first, second, temperature=t)


class OwnViewOnly(WithLoss):
    """Negatives of the other view are left out."""

    @staticmethod
    def of(z: Tensor, partner: Tensor, t: float) -> Tensor:
        scores, rows = _masked(_cosines(z) / t), torch.arange(2 * B)
        own = (rows[:, None] // B == rows // B) | (partner[:, None] == rows)
        return cross_entropy(scores.masked_fill(~own, -math.inf), partner)


class DotProducts(WithLoss):
    """Embeddings keep their lengths."""

    of = staticmethod(lambda z, partner, t: cross_entropy(_masked(z @ z.T / t), partner))


class WithoutTemperature(WithLoss):
    """Plain cosines."""

    of = staticmethod(lambda z, partner, t: cross_entropy(_masked(_cosines(z)), partner))


class TimesTemperature(WithLoss):
    """Cosines times the temperature."""

    of = staticmethod(lambda z, partner, t: cross_entropy(_masked(_cosines(z) * t), partner))


class NextRow(WithLoss):
    """Positives off by one."""

    of = staticmethod(
        lambda z, partner, t: cross_entropy(_masked(_cosines(z) / t), partner.roll(1))
    )


class ProjectorExported(SimCLR):
    """The representation is g(h)."""

    @property
    def backbone(self) -> Backbone:
        return nn.Sequential(self.encoder, self.projector)  # type: ignore[return-value]


class LinearHead(SimCLR):
    """No layer between representation and embedding."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.projector = mlp(self.encoder.dim, 128)


class NormInTheHead(SimCLR):
    """The second version's head."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.projector = mlp(self.encoder.dim, 64, 128, norm=nn.BatchNorm1d)


class SameViewTwice(SimCLR):
    """Both views have the same draws."""

    class Twice(SimCLRPair):
        def __call__(self, batch: Batch, draw: Draw) -> Views:
            first, _ = super().__call__(batch, draw)["views"].chunk(2)
            return {"views": torch.cat((first, first))}

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.views: Recipe = self.Twice().sized(16)


@BUG
@pytest.mark.parametrize(
    ("mistake", "check"),
    [
        (EachViewAlone, check_one_pass_of_both_views),
        (Interleaved, check_one_pass_of_both_views),
        (LossOnFeatures, check_collapsed),
        (SumOfDirections, check_collapsed),
        (SumOfDirections, check_loss_by_hand),
        (NoGather, check_all_processes_are_negatives),
        (GatherWithoutGradient, check_all_processes_are_negatives),
        (SelfAmongNegatives, check_loss_by_hand),
        (PartnerNotInTheSum, check_loss_by_hand),
        (OtherViewOnly, check_loss_by_hand),
        (OwnViewOnly, check_loss_by_hand),
        (DotProducts, check_loss_by_hand),
        (WithoutTemperature, check_loss_by_hand),
        (TimesTemperature, check_loss_by_hand),
        (NextRow, check_loss_by_hand),
        (ProjectorExported, check_representation_is_before_the_projector),
        (LinearHead, check_head_of_the_paper),
        (NormInTheHead, check_head_of_the_paper),
        (SameViewTwice, check_views_differ),
    ],
)
def test_mistakes_are_caught(mistake: type[SimCLR], check: Callable[[type[SimCLR]], None]) -> None:
    check(mistake)
