from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from presight.core.learner import Group, Player
from presight.core.plan import TrainPlan
from presight.training.optimize import LARS, build, grouped, rate, schedule
from presight.training.turn import named

TOTAL = 1000
EXACT = 1e-12


def plan(**changes: object) -> TrainPlan:
    return TrainPlan(**{"batch_size": 256, "lr": 1.0} | changes)  # type: ignore[arg-type]


# Schedules


@pytest.mark.parametrize("number", [0, 1, 250, 500, 999])
@pytest.mark.parametrize("final", [0.0, 0.1])
def test_cosine_is_its_closed_form(number: int, final: float) -> None:
    expected = final + (1 - final) * math.cos(math.pi * number / TOTAL / 2) ** 2
    assert rate(plan(final_lr=final), number, TOTAL, 0) == pytest.approx(expected, abs=EXACT)


def test_warmup_is_linear_and_ends_at_the_peak() -> None:
    values = [rate(plan(), number, TOTAL, 10) for number in range(12)]
    assert values[:10] == pytest.approx([(i + 1) / 10 for i in range(10)], abs=EXACT)
    assert values[10] == pytest.approx(1.0, abs=EXACT)
    assert values[11] < 1


def test_cosine_spans_what_is_left_after_warmup() -> None:
    middle = rate(plan(), 100 + 450, TOTAL, 100)
    assert middle == pytest.approx(0.5, abs=EXACT)


def test_steps_drop_tenfold_at_each_milestone() -> None:
    steps = plan(schedule="steps", milestones=(0.6, 0.8))
    numbers = (0, 599, 600, 799, 800, 999)
    values = [rate(steps, n, TOTAL, 0) for n in numbers]
    assert values == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01], abs=EXACT)


def test_constant_stays() -> None:
    assert {rate(plan(schedule="constant"), n, TOTAL, 0) for n in (0, 500, 999)} == {1.0}


@pytest.mark.parametrize("name", ["cosine", "steps", "constant"])
def test_no_schedule_leaves_the_unit_interval(name: str) -> None:
    values = [rate(plan(schedule=name), n, 7, 2) for n in range(7)]
    assert all(0 <= v <= 1 for v in values)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 2)


def optimizer_of(player: Player, made: TrainPlan, net: Net | None = None) -> torch.optim.Optimizer:
    net = net or Net()
    return build(player, grouped(net, player, named(net, player.modules), made), made)


def test_schedule_sets_rate_and_decay_of_every_group() -> None:
    made = plan(batch_size=512, weight_decay=0.1, final_weight_decay=0.3, warmup_epochs=1)
    optimizer = optimizer_of(Player("all"), made)
    lr = schedule(optimizer, Player("all"), made, 4, 100, 10)
    assert lr == pytest.approx(2 * 5 / 10, abs=EXACT)
    decay = 0.3 - 0.2 * 0.5 * (1 + math.cos(math.pi * 0.04))
    assert [g["lr"] for g in optimizer.param_groups] == [lr, lr]
    assert [g["weight_decay"] for g in optimizer.param_groups] == [
        pytest.approx(decay, abs=EXACT),
        0.0,
    ]


def test_a_late_player_has_warmup_and_schedule_over_its_own_span() -> None:
    made, late = plan(warmup_epochs=1), Player("all", start=0.5, stop=0.9)
    optimizer = optimizer_of(late, made)

    def at(number: int) -> float:
        return schedule(optimizer, late, made, number, 1000, 10)

    assert at(500) == pytest.approx(0.1, abs=EXACT)
    assert at(509) == pytest.approx(1.0, abs=EXACT)
    assert at(510 + 195) == pytest.approx(0.5, abs=EXACT)
    assert at(899) < 1e-4


def test_groups_have_their_own_factor_and_may_leave_the_schedule() -> None:
    player = Player("all", groups=(Group(("head",), lr_scale=10, constant_lr=True),))
    made = plan()
    optimizer = optimizer_of(player, made)
    schedule(optimizer, player, made, 50, 100, 10)
    rates = {g["lr_scale"]: g["lr"] for g in optimizer.param_groups}
    assert rates[10] == pytest.approx(10, abs=EXACT)
    assert rates[1.0] == pytest.approx(0.5, abs=EXACT)


def test_the_factor_after_a_loss_that_was_not_finite_halves_every_rate() -> None:
    player = Player("all", groups=(Group(("head",), constant_lr=True),))
    made = plan(schedule="constant")
    optimizer = optimizer_of(player, made)
    schedule(optimizer, player, made, 0, 10, 10, 0.5)
    assert {g["lr"] for g in optimizer.param_groups} == {0.5}


# Groups


def test_norms_and_biases_do_not_decay() -> None:
    net, made = Net(), plan(weight_decay=0.1)
    decays = {
        id(p): group["weight_decay"]
        for group in grouped(net, Player("all"), named(net, ("",)), made)
        for p in group["params"]
    }
    by_name = {name: decays[id(p)] for name, p in net.named_parameters()}
    assert by_name == {
        "conv.weight": 0.1,
        "head.weight": 0.1,
        "conv.bias": 0.0,
        "norm.weight": 0.0,
        "norm.bias": 0.0,
        "head.bias": 0.0,
    }


def test_decay_all_decays_all() -> None:
    net = Net()
    groups = grouped(net, Player("all"), named(net, ("",)), plan(weight_decay=0.1, decay_all=True))
    assert [g["weight_decay"] for g in groups] == [0.1]


def test_every_parameter_is_in_exactly_one_group() -> None:
    net = Net()
    player = Player("all", groups=(Group(("head.bias",)), Group(("head",)), Group(("norm",))))
    groups = grouped(net, player, named(net, ("",)), plan())
    listed = [id(p) for g in groups for p in g["params"]]
    assert sorted(listed) == sorted(id(p) for p in net.parameters())


def test_a_groups_own_decay_is_not_scheduled_and_norms_stay_out() -> None:
    net = Net()
    player = Player("all", groups=(Group(("head",), weight_decay=0.7, momentum=0.0),))
    made = plan(weight_decay=0.1, final_weight_decay=0.4)
    groups = grouped(net, player, named(net, ("",)), made)
    optimizer = build(player, groups, made)
    schedule(optimizer, player, made, 5, 10, 10)
    head = {id(p) for p in net.head.parameters()}
    found = sorted(
        (g["weight_decay"], g["momentum"])
        for g in optimizer.param_groups
        if id(g["params"][0]) in head
    )
    assert found == [(0.0, 0.0), (0.7, 0.0)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sgd", torch.optim.SGD),
        ("adam", torch.optim.Adam),
        ("adamw", torch.optim.AdamW),
        ("lars", LARS),
    ],
)
def test_optimizers_by_name(name: str, kind: type) -> None:
    made = plan(optimizer=name, momentum=0.8, betas=(0.5, 0.9))
    optimizer = optimizer_of(Player("all"), made)
    assert type(optimizer) is kind
    key, value = ("betas", (0.5, 0.9)) if name.startswith("adam") else ("momentum", 0.8)
    assert {g[key] for g in optimizer.param_groups} == {value}


def test_a_player_may_have_another_optimizer_than_the_plans() -> None:
    made = plan(optimizer="lars")
    assert type(optimizer_of(Player("all", optimizer="adamw"), made)) is torch.optim.AdamW


# LARS


def stepped(
    weight: Tensor, gradients: list[Tensor], *, adapt: bool = True, **options: float
) -> Tensor:
    parameter = nn.Parameter(weight.clone())
    optimizer = LARS(
        [{"params": [parameter], "adapt": adapt}], lr=options.pop("lr", 0.5), **options
    )
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
    return parameter.detach()


WEIGHT = torch.tensor([[3.0, 4.0]], dtype=torch.float64)
SLOPE = torch.tensor([[0.6, -0.8]], dtype=torch.float64)


def test_lars_first_step_is_its_closed_form() -> None:
    """|w| = 5, |g| = 1: the step is lr * eta * 5 * g."""
    got = stepped(WEIGHT, [SLOPE], eta=0.01)
    assert torch.allclose(got, WEIGHT - 0.5 * 0.01 * 5 * SLOPE, atol=EXACT, rtol=0)


def test_lars_decays_inside_the_trust_ratio() -> None:
    slope = SLOPE + 0.1 * WEIGHT
    trust = 0.001 * 5 / slope.norm()
    got = stepped(WEIGHT, [SLOPE], weight_decay=0.1)
    assert torch.allclose(got, WEIGHT - 0.5 * trust * slope, atol=EXACT, rtol=0)


def test_lars_keeps_the_rate_inside_the_momentum() -> None:
    first = 0.5 * 0.001 * 5 * SLOPE
    middle = WEIGHT - first
    second = 0.9 * first + 0.5 * 0.001 * middle.norm() * SLOPE
    got = stepped(WEIGHT, [SLOPE, SLOPE])
    assert torch.allclose(got, middle - second, atol=EXACT, rtol=0)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_lars_does_not_see_the_scale_of_the_loss(scale: float) -> None:
    slopes = [SLOPE, SLOPE.flip(1)]
    scaled = [s * scale for s in slopes]
    assert torch.allclose(stepped(WEIGHT, slopes), stepped(WEIGHT, scaled), atol=EXACT, rtol=0)


def test_lars_without_adaptation_is_momentum_sgd() -> None:
    got = stepped(WEIGHT, [SLOPE, SLOPE], adapt=False)
    parameter = nn.Parameter(WEIGHT.clone())
    reference = torch.optim.SGD([parameter], lr=0.5, momentum=0.9)
    for _ in range(2):
        parameter.grad = SLOPE.clone()
        reference.step()
    assert torch.allclose(got, parameter, atol=EXACT, rtol=0)


@pytest.mark.parametrize("zero", ["weight", "gradient"])
def test_lars_does_not_divide_by_zero(zero: str) -> None:
    weight = torch.zeros_like(WEIGHT) if zero == "weight" else WEIGHT
    slope = torch.zeros_like(SLOPE) if zero == "gradient" else SLOPE
    assert torch.allclose(stepped(weight, [slope]), weight - 0.5 * slope, atol=EXACT, rtol=0)


def test_lars_leaves_norms_and_biases_unadapted() -> None:
    net, made = Net(), plan(optimizer="lars")
    optimizer = optimizer_of(Player("all"), made, net)
    adapted = {id(p) for g in optimizer.param_groups if g["adapt"] for p in g["params"]}
    assert adapted == {id(net.conv.weight), id(net.head.weight)}


def test_lars_skips_what_has_no_gradient() -> None:
    parameter = nn.Parameter(WEIGHT.clone())
    optimizer = LARS([parameter], lr=0.5)
    optimizer.step()
    assert torch.equal(parameter, WEIGHT)
    assert not optimizer.state
