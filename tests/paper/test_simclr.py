"""SimCLR against its paper: Chen et al., ICML 2020."""

from __future__ import annotations

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
from presight.losses.contrastive import nt_xent
from presight.methods.contrastive.simclr import SimCLR
from presight.testing.tiny import tiny_batch, tiny_data, tiny_encoders
from presight.views.pairs import SimCLRPair

B = 6


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


CHECKS = (check_one_pass_of_both_views, check_collapsed, check_all_processes_are_negatives)


@pytest.mark.parametrize("check", CHECKS)
def test_simclr(check: Callable[[type[SimCLR]], None]) -> None:
    check(SimCLR)


def test_the_representation_is_before_the_projector() -> None:
    method = made()
    assert method.backbone is method.encoder
    assert method.backbone(torch.rand(2, 3, 16, 16).double()).shape == (2, method.encoder.dim)


def test_the_paper_head_has_two_layers_and_no_norm() -> None:
    kinds = [type(layer) for layer in made().projector]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear]
    assert made()(views(made()), step()).embedding.shape == (B, 128)


def test_every_parameter_learns() -> None:
    method = made()
    method(views(method), step()).loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in method.parameters())


def test_imagenet_preset() -> None:
    """Appendix B.6: LARS, 0.3 x batch / 256 = 4.8, decay 1e-6, 10 warm-up epochs."""
    preset = SimCLR.card.preset(224)
    plan = preset.plan
    assert preset.origin == "paper"
    assert (plan.optimizer, plan.batch_size, plan.schedule) == ("lars", 4096, "cosine")
    assert plan.peak_lr() == pytest.approx(4.8)
    assert (plan.weight_decay, plan.warmup_epochs, plan.epochs) == (1e-6, 10, 1000)
    assert not plan.decay_all
    assert preset.options == {"temperature": 0.1, "projector": (2048, 128)}


def test_small_preset_is_the_authors_cifar_command() -> None:
    preset = SimCLR.card.preset(32)
    assert (preset.plan.batch_size, preset.plan.lr, preset.plan.epochs) == (512, 1.0, 1000)
    assert preset.options["temperature"] == 0.5


def test_views_are_the_paper_ones() -> None:
    """Appendix A; at 32 pixels B.9: half the color strength and no blur."""
    large, small = SimCLRPair().sized(224), SimCLRPair().sized(32)
    assert made().views == SimCLRPair().sized(16)
    assert (large.scale, large.color) == ((0.08, 1.0), (0.8, 0.8, 0.8, 0.2))
    assert (large.strength, large.blur) == (1.0, (0.5, 0.5))
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


@pytest.mark.parametrize(
    ("mistake", "check"),
    [
        (EachViewAlone, check_one_pass_of_both_views),
        (Interleaved, check_one_pass_of_both_views),
        (LossOnFeatures, check_collapsed),
        (SumOfDirections, check_collapsed),
        (NoGather, check_all_processes_are_negatives),
        (GatherWithoutGradient, check_all_processes_are_negatives),
    ],
)
def test_mistakes_are_caught(mistake: type[SimCLR], check: Callable[[type[SimCLR]], None]) -> None:
    with pytest.raises(AssertionError):
        check(mistake)
