"""check_method: what every method must keep, whatever it learns. No method is named here.

    from presight.testing import check_method
    check_method(MyMethod)

Each check is a function of a `Trial` and says in words what is broken.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from presight.core.backbone import Encoders
from presight.core.method import Method
from presight.errors import IntegrityError
from presight.exporting.safetensors import export
from presight.store.tensors import load_tensors
from presight.testing.counts import count
from presight.testing.declared import (
    check_constructor,
    check_help,
    check_players,
    check_round_trip,
    check_views,
    require,
)
from presight.testing.interruption import check_resume
from presight.testing.processes import check_two_processes
from presight.testing.trial import Trial, play
from presight.testing.writing import check_after_batch, check_forward_writes, check_state
from presight.training.turn import assign

ROUNDING = 1e-9
"""Float64 sums in another order, relative to the loss."""

Check = Callable[[Trial], None]


def check_method(
    method: type[Method],
    *,
    options: Mapping[str, Any] | None = None,
    encoders: Encoders | None = None,
) -> None:
    """Run every generic check on a method.

    Args:
        method: the class; an importable one, since two processes import it.
        options: of its constructor; None makes it small: whole numbers above 16 become 16.
        encoders: None is the tiny backbone.

    Raises:
        AssertionError: the first check that fails, in words.
    """
    trial = Trial(method, options, encoders)
    for check in CHECKS:
        check(trial)
    check_two_processes([trial])


def check_loss(trial: Trial) -> None:
    """Each turn's loss is one finite number."""
    method = trial.ready()

    def visit(player: str, loss: Tensor) -> None:
        require(
            loss.shape == () and bool(loss.isfinite()),
            f"{trial.name}: the loss of player {player} must be a finite scalar, not "
            f"{loss.detach()}.",
        )

    play(trial, method, visit)


def check_gradients(trial: Trial) -> None:
    """In its turn each player's parameters get a gradient, and no others."""
    method = trial.ready()
    owned = assign(method)
    names = {id(parameter): name for name, parameter in method.named_parameters()}
    moved: set[int] = set()

    def visit(player: str, loss: Tensor) -> None:
        method.zero_grad(set_to_none=True)
        require(loss.requires_grad, f"{trial.name}: the loss of player {player} has no gradient.")
        torch.autograd.backward(loss)
        for parameter in method.parameters():
            own = any(parameter is p for p in owned[player].values())
            got = parameter.grad is not None
            require(
                own == got,
                f"{trial.name}: in the turn of player {player} parameter {names[id(parameter)]} "
                f"{'gets no' if own else 'of another gets a'} gradient.",
            )
            if parameter.grad is not None and bool(parameter.grad.abs().max() > 0):
                moved.add(id(parameter))

    play(trial, method, visit)
    still = [n for o in owned.values() for n, p in o.items() if id(p) not in moved]
    require(not still, f"{trial.name}: the gradient of {', '.join(still)} is all zeros.")


def check_permutation(trial: Trial) -> None:
    """The order of the batch changes nothing beyond rounding."""
    straight = play(trial, trial.ready(exact=True), dtype=torch.float64)
    order = (torch.arange(trial.batch) * 3 + 1) % trial.batch
    require(len(set(order.tolist())) == trial.batch, "the batch must not be a multiple of 3")
    mixed = play(trial, trial.ready(exact=True), dtype=torch.float64, rows=order)
    for one, other in zip(straight, mixed, strict=True):
        require(
            math.isclose(one, other, rel_tol=ROUNDING, abs_tol=ROUNDING),
            f"{trial.name}: the loss is {one:.12g}, and {other:.12g} with the batch in another "
            "order. Usual causes: stacked views are read image by image although all first ones "
            "come first; random numbers that are not from step.draw.",
        )


def check_generator(trial: Trial) -> None:
    """With dropout off the loss is the same when asked again, whatever torch's generator says."""
    found = []
    for seed in (1, 1, 2):
        method = trial.ready(exact=True)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            found.append(play(trial, method, dtype=torch.float64))
    require(
        found[0] == found[1],
        f"{trial.name}: the same weights and batch give the loss {found[0]}, and {found[1]} when "
        "asked again; take random numbers from step.draw, not from numpy or random.",
    )
    require(
        found[0] == found[2],
        f"{trial.name}: the loss depends on torch's generator; take numbers from step.draw.",
    )


def check_box(trial: Trial) -> None:
    """An update costs what the method's box says; a method without a box is not asked."""
    declared = trial.build().box  # of these options
    if declared is not None and trial.encoders is None:
        counted = count(trial)
        require(
            declared == counted,
            f"{trial.name}: counted {counted}, declared {declared}. More `learning` and less "
            "`still` than declared: a gradient runs through what should stand still, such as a "
            "target; see presight.nn.ema.twin. Less `learning`: a gradient is cut off. Or the box "
            "is wrong.",
        )


def check_backbone(trial: Trial) -> None:
    """The backbone learns; its weights leave the method and give the same features elsewhere."""
    method = trial.ready()
    first = method.backbone
    before = [p.detach().clone() for p in first.parameters()]
    trial.train(method)
    require(
        any(not torch.equal(p, old) for p, old in zip(first.parameters(), before, strict=True)),
        f"{trial.name}: training changes no weight of the backbone; hand back the network that "
        "learns, as a submodule of the method.",
    )
    images = trial.loader().images.batch(trial.step().index).images.float() / 255
    with tempfile.TemporaryDirectory() as folder:
        try:
            file = export(first, Path(folder) / "backbone.safetensors").path
        except IntegrityError as error:
            raise AssertionError(
                f"{trial.name}: an exported backbone gives other features, or none: {error}"
            ) from error
        second = trial.build(seed=1).backbone
        second.load_state_dict(load_tensors(file))
    with torch.no_grad():
        same = torch.equal(first.eval()(images), second.eval()(images))
    require(same, f"{trial.name}: an exported backbone gives other features.")
    maps = first.stages(images)
    require(
        tuple(m.shape[1] for m in maps) == first.stage_dims and maps[-1].shape[1] == first.dim,
        f"{trial.name}: the backbone's maps have {[m.shape[1] for m in maps]} channels, declared "
        f"{first.stage_dims} and {first.dim}.",
    )


def check_show(trial: Trial) -> None:
    """Pictures are float [n, 1 or 3, h, w] in [0, 1]; showing them changes nothing, twice alike."""
    method, step = trial.ready().eval(), trial.step()
    before = {name: value.clone() for name, value in method.state_dict().items()}
    views = trial.views(method, step)
    with torch.no_grad():
        first, second = method.show(views, step), method.show(views, step)
    for name, made in first.items():
        pictures = made.ndim == 4 and made.shape[1] in (1, 3) and made.is_floating_point()
        require(
            pictures and bool(((made >= 0) & (made <= 1)).all()),
            f"{trial.name}: show gives {name} as {made.dtype} {tuple(made.shape)} from "
            f"{float(made.min()):.3g} to {float(made.max()):.3g}; float [n, 3, h, w] in [0, 1] was "
            "expected.",
        )
        same = name in second and torch.equal(made, second[name])
        require(same, f"{trial.name}: show gives other {name} when asked again.")
    after = method.state_dict()
    changed = [name for name, value in before.items() if not torch.equal(value, after[name])]
    require(not changed, f"{trial.name}: show changes {changed[:3]}.")


CHECKS: tuple[Check, ...] = (
    check_constructor,
    check_help,
    check_round_trip,
    check_players,
    check_views,
    check_loss,
    check_gradients,
    check_forward_writes,
    check_after_batch,
    check_permutation,
    check_generator,
    check_state,
    check_box,
    check_backbone,
    check_show,
    check_resume,
)
"""Every check of one process."""
