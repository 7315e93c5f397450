"""What a method writes, and in which verb; and that all it changes comes back from its state."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from presight.core.batch import Out, Step
from presight.core.method import Method
from presight.testing.declared import require
from presight.testing.trial import Trial, comparable, play


def trained(trial: Trial) -> Method:
    """A method after a few updates: right at the start, moving a twin would change nothing."""
    method = trial.build()
    trial.train(method)
    return method


def check_forward_writes(trial: Trial) -> None:
    """A forward changes no parameter, no view, and no buffer but those of normalization layers."""
    method = trained(trial)
    norms = tuple(
        f"{name}." for name, module in method.named_modules() if isinstance(module, _NormBase)
    )
    before = {k: v.clone() for k, v in method.state_dict().items()}
    copies: dict[str, Tensor] = {}
    touched: set[str] = set()

    def enter(module: nn.Module, given: tuple[Any, ...]) -> None:
        copies.update({name: view.clone() for name, view in given[0].items()})

    def leave(module: nn.Module, given: tuple[Any, ...], out: Out) -> None:
        touched.update(k for k, v in given[0].items() if k in copies and not _same(v, copies[k]))

    hooks = method.register_forward_pre_hook(enter), method.register_forward_hook(leave)
    play(trial, method)
    for hook in hooks:
        hook.remove()
    written = [
        k
        for k, v in method.state_dict().items()
        if not torch.equal(v, before[k]) and not k.startswith(norms)
    ]
    require(
        not written,
        f"{trial.name}: forward writes {_listed(written)}; write queues, banks and centers in "
        "after_batch, moving averages in after_update.",
    )
    require(
        not touched,
        f"{trial.name}: forward changes the views {_listed(touched)} in place, which others read; "
        "make a new tensor.",
    )


def check_after_batch(trial: Trial) -> None:
    """What comes after a micro-batch moves no parameter: that is for after an update."""
    method = trial.build()
    verb = method.after_batch
    moved: set[str] = set()

    def watched(out: Out, step: Step) -> None:
        before = {name: p.detach().clone() for name, p in method.named_parameters()}
        verb(out, step)
        moved.update(k for k, p in method.named_parameters() if not torch.equal(p, before[k]))

    method.after_batch = watched  # type: ignore[method-assign]
    trial.train(method)
    require(
        not moved,
        f"{trial.name}: after_batch moves {_listed(moved)}; it runs once a micro-batch, and also "
        "where the optimizer then takes no step. Move parameters in after_update.",
    )


def _listed(names: Iterable[str]) -> str:
    """Three names at most, in order, and how many more there are."""
    words = sorted(names)
    return ", ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")


def _plain_state(learner: nn.Module) -> Iterator[tuple[str, Any]]:
    """Attributes that are neither parameters, buffers nor submodules."""
    own = set(vars(nn.Module())) | {"training"}
    for name, module in learner.named_modules():
        for key, value in vars(module).items():
            if key not in own:
                yield f"{name}.{key}".lstrip("."), value


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and torch.equal(one, other)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, torch.Generator) and isinstance(other, torch.Generator):
        return torch.equal(one.get_state(), other.get_state())
    if isinstance(one, nn.Module) and isinstance(other, nn.Module):
        return _same(one.state_dict(), other.state_dict())
    if "__eq__" not in {name for kind in type(one).__mro__[:-1] for name in vars(kind)}:
        alike = type(one) is type(other)
        return alike and (not hasattr(one, "__dict__") or _same(vars(one), vars(other)))
    return bool(one == other)


def check_state(trial: Trial) -> None:
    """What changes while training is parameters and buffers: a reload brings all of it back."""
    method = trial.build()
    before = {name: copy.deepcopy(value) for name, value in _plain_state(method)}
    trial.train(method)
    after = dict(_plain_state(method))
    changed = [n for n in before.keys() | after.keys() if not _same(before.get(n), after.get(n))]
    require(
        not changed,
        f"{trial.name}: {', '.join(sorted(changed))} changed while training and would be lost on "
        "a resume; make it a buffer, or a submodule if it is a network, and take random numbers "
        "from step.draw.",
    )
    other = trial.build(seed=1).train()
    other.load_state_dict(method.state_dict())
    for learner in (method, other):
        comparable(learner)  # each drops something else
    one, two = play(trial, method), play(trial, other)
    require(
        one == two, f"{trial.name}: the loss is {one} before and {two} after a reload of the state."
    )
