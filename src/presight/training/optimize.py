"""Optimizers, which parameters decay, and schedules as pure functions of the update's number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from presight.core.learner import Group, Player
from presight.core.plan import TrainPlan
from presight.training.turn import named


class LARS(torch.optim.Optimizer):
    """Layer-wise adaptive rates, the learning rate inside the momentum.

    g <- g + wd * w; trust = eta * |w| / |g| (1 where either norm is 0);
    v <- momentum * v + lr * trust * g; w <- w - v. Groups with `adapt` False use trust 1.

    Source: You, Gitman, Ginsburg: Large Batch Training of Convolutional Networks (2017), in the
    variant whose momentum holds the learning rate.
    """

    def __init__(
        self,
        params: Iterable[Any],
        *,
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        eta: float = 0.001,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "weight_decay": weight_decay,
                "eta": eta,
                "adapt": True,
            },
        )

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                gradient = weight.grad.add(weight, alpha=group["weight_decay"])
                if group["adapt"]:
                    size, slope = weight.norm(), gradient.norm()
                    usable = (size > 0) & (slope > 0)
                    trust = torch.where(usable, group["eta"] * size / slope, 1.0)
                    gradient = gradient * trust
                state = self.state[weight]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(weight)
                velocity: Tensor = state["momentum_buffer"]
                velocity.mul_(group["momentum"]).add_(gradient, alpha=float(group["lr"]))
                weight.sub_(velocity)


def grouped(
    learner: nn.Module, player: Player, parameters: Mapping[str, nn.Parameter], plan: TrainPlan
) -> list[dict[str, Any]]:
    """Optimizer groups: by the player's own groups, and by whether a parameter decays.

    Norms and biases (everything of one dimension) do not decay unless `plan.decay_all`; LARS
    does not adapt their rate either.
    """
    rest = dict(parameters)
    sets: list[tuple[Group, dict[str, nn.Parameter]]] = []
    for group in player.groups:
        own = {n: p for n, p in named(learner, group.modules).items() if n in rest}
        sets.append((group, own))
        rest = {n: p for n, p in rest.items() if n not in own}
    sets.append((Group(("",)), rest))
    result = []
    for group, members in sets:
        for decays in (True, False):
            chosen = [p for p in members.values() if (p.ndim > 1 or plan.decay_all) == decays]
            if chosen:
                result.append(_group(group, chosen, decays, plan))
    return result


def _group(
    group: Group, parameters: list[nn.Parameter], decays: bool, plan: TrainPlan
) -> dict[str, Any]:
    decay = plan.weight_decay if group.weight_decay is None else group.weight_decay
    return {
        "params": parameters,
        "lr_scale": group.lr_scale,
        "constant_lr": group.constant_lr,
        "scheduled_decay": decays and group.weight_decay is None,
        "weight_decay": decay if decays else 0.0,
        "momentum": plan.momentum if group.momentum is None else group.momentum,
        "betas": plan.betas if group.betas is None else group.betas,
        "adapt": decays,
    }


def build(player: Player, groups: list[dict[str, Any]], plan: TrainPlan) -> torch.optim.Optimizer:
    """The player's optimizer over its groups."""
    kind = player.optimizer or plan.optimizer
    unused = {"sgd": {"betas", "adapt"}, "lars": {"betas"}}.get(kind, {"momentum", "adapt"})
    groups = [{k: v for k, v in group.items() if k not in unused} for group in groups]
    lr = plan.peak_lr()
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=lr, momentum=plan.momentum)
    if kind == "lars":
        return LARS(groups, lr=lr, momentum=plan.momentum)
    return (torch.optim.AdamW if kind == "adamw" else torch.optim.Adam)(groups, lr=lr)


def rate(plan: TrainPlan, number: int, total: int, warmup: int) -> float:
    """The learning rate's factor, in [0, 1], at update `number` of `total`."""
    if number < warmup:
        return (number + 1) / warmup
    done = (number - warmup) / max(1, total - warmup)
    if plan.schedule == "constant":
        return 1.0
    if plan.schedule == "steps":
        return float(0.1 ** sum(number / total >= milestone for milestone in plan.milestones))
    return plan.final_lr + (1 - plan.final_lr) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def schedule(
    optimizer: torch.optim.Optimizer,
    player: Player,
    plan: TrainPlan,
    number: int,
    total: int,
    updates_per_epoch: int,
    factor: float = 1.0,
) -> float:
    """Set every group's rate and decay for update `number`; returns the player's rate.

    A player that starts late has its warm-up and schedule over its own span.
    """
    first = round(player.start * total)
    span = max(1, round(min(1.0, player.stop) * total) - first)
    warmup = min(round(plan.warmup_epochs * updates_per_epoch), span // 2)
    peak = plan.peak_lr() * factor
    lr = peak * rate(plan, number - first, span, warmup)
    decay = plan.weight_decay
    if plan.final_weight_decay is not None:
        bend = 0.5 * (1 + math.cos(math.pi * number / total))
        decay = plan.final_weight_decay + (plan.weight_decay - plan.final_weight_decay) * bend
    for group in optimizer.param_groups:
        group["lr"] = (peak if group["constant_lr"] else lr) * group["lr_scale"]
        if group["scheduled_decay"]:
            group["weight_decay"] = decay
    return lr
