"""Heads in one against heads one by one, with torch's own SGD."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from presight.evaluation.sgd_heads import Heads

SETTINGS = [(rate, decay) for rate in (0.01, 0.1, 1.0, 3.0) for decay in (0.0, 1e-6, 1e-2, 0.1)]
UPDATES = 20
CLOSE = 1e-6


def made(n: int = 64, d: int = 5, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % classes
    means = torch.randn(classes, d, generator=generator, dtype=torch.float64)
    noise = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return means[labels] + noise, labels


def batches() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randperm(64, generator=generator)[:16] for _ in range(UPDATES)]


def alone(setting: tuple[float, float], *, normalize: bool) -> Tensor:
    """Logits of one head that was trained by torch, on all rows."""
    features, labels = made()
    head = nn.Linear(5, 3).double()
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    norm = nn.BatchNorm1d(5, eps=1e-6 * float(features.var(0).mean()), affine=False).double()
    norm.running_mean, norm.running_var = features.mean(0), features.var(0)
    model = nn.Sequential(norm, head) if normalize else head
    sgd = torch.optim.SGD(head.parameters(), lr=setting[0], momentum=0.9, weight_decay=setting[1])
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, UPDATES)
    for some in batches():
        sgd.zero_grad()
        nn.functional.cross_entropy(model(features[some]), labels[some]).backward()
        sgd.step()
        cosine.step()
    logits: Tensor = model.eval()(features)
    return logits.detach()


def together(settings: list[tuple[float, float]], *, normalize: bool) -> Heads:
    features, labels = made()
    heads = Heads(settings, 3, features, normalize=normalize)
    for update, some in enumerate(batches()):
        factor = 0.5 * (1 + math.cos(math.pi * update / UPDATES))
        heads.update(features[some], labels[some], factor)
    return heads


@pytest.mark.parametrize("normalize", [False, True])
def test_sixteen_heads_are_sixteen_trainings_one_by_one(normalize: bool) -> None:
    features, _ = made()
    logits = together(SETTINGS, normalize=normalize).logits(features)
    for number, setting in enumerate(SETTINGS):
        assert logits[:, number].numpy() == pytest.approx(
            alone(setting, normalize=normalize).numpy(), abs=CLOSE, rel=CLOSE
        )


def test_a_head_that_diverges_disturbs_no_other() -> None:
    features, _ = made()
    calm = [setting for setting in SETTINGS if setting[0] < 1.0]
    quiet = together(calm, normalize=False)
    wild = together([(1e200, 1.0), *calm, (math.inf, 0.0)], normalize=False)
    assert wild.finite().tolist() == [False, *[True] * len(calm), False]
    assert torch.isnan(wild.logits(features)[:, 0]).any()
    assert wild.weight[1:-1].numpy() == pytest.approx(quiet.weight.numpy(), abs=1e-12)


@pytest.mark.parametrize("normalize", [False, True])
def test_the_plain_head_answers_as_the_head_behind_its_norm(normalize: bool) -> None:
    features, _ = made()
    heads = together(SETTINGS, normalize=normalize)
    weight, bias = heads.plain(6)
    plain = features @ weight.T + bias
    assert plain.numpy() == pytest.approx(heads.logits(features)[:, 6].numpy(), abs=1e-9)


def test_measuring_changes_nothing() -> None:
    features, _ = made()
    heads = together(SETTINGS[:2], normalize=True)
    before = heads.logits(features[:3])
    assert torch.equal(heads.logits(features[3:] * 100)[:0], before[:0])
    assert torch.equal(heads.logits(features[:3]), before)
