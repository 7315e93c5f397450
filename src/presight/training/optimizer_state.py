"""An optimizer's state as named tensors and JSON, keyed by the parameters' names."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from presight.errors import RunError

_SWITCHES = ("params", "foreach", "fused", "capturable", "differentiable")
"""Options that choose an implementation; the machine that resumes chooses its own."""


def flatten_optimizer(
    optimizer: torch.optim.Optimizer, names: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Tensors and JSON from which `restore_optimizer` makes the same optimizer, bit for bit.

    Args:
        optimizer: any of torch's or of ours whose state holds tensors, numbers, words and None.
        names: name -> parameter, for every parameter of the optimizer.

    Returns:
        Tensors by `parameter/key`, and the options of the groups and what is no tensor.
    """
    name_of = {id(parameter): name for name, parameter in names.items()}
    tensors: dict[str, Tensor] = {}
    groups: list[dict[str, object]] = []
    states: dict[str, dict[str, object]] = {}
    for number, group in enumerate(optimizer.param_groups):
        members = [name_of[id(parameter)] for parameter in group["params"]]
        options = {key: value for key, value in group.items() if key not in _SWITCHES}
        groups.append({"names": members, "options": _split(options, f"group {number}", tensors)})
        for name, parameter in zip(members, group["params"], strict=True):
            if parameter in optimizer.state:
                states[name] = _split(optimizer.state[parameter], name, tensors)
    return tensors, {"groups": groups, "states": states}


def _split(
    values: Mapping[str, object], prefix: str, tensors: dict[str, Tensor]
) -> dict[str, object]:
    """What is no tensor; tensors go aside under `prefix/key` and leave a mark."""
    rest: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, Tensor):
            tensors[f"{prefix}/{key}"] = value.detach()
            rest[key] = {"tensor": f"{prefix}/{key}"}
        else:
            rest[key] = value
    return rest


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    names: Mapping[str, Tensor],
    tensors: Mapping[str, Tensor],
    told: Mapping[str, object],
) -> None:
    """Give an optimizer the state that `flatten_optimizer` took.

    Args:
        optimizer: made for the same parameters, in the same groups; the order may differ.
        names: name -> parameter.
        tensors: as flattened.
        told: the JSON as flattened.

    Raises:
        RunError: the groups hold other parameters, or a tensor has another shape.
    """
    name_of = {id(parameter): name for name, parameter in names.items()}
    saved = told["groups"]
    states = told["states"]
    assert isinstance(saved, list)
    assert isinstance(states, Mapping)
    now = [[name_of[id(p)] for p in group["params"]] for group in optimizer.param_groups]
    _check_members(now, [list(group["names"]) for group in saved])
    optimizer.state.clear()
    for group, old in zip(optimizer.param_groups, saved, strict=True):
        for key, value in old["options"].items():
            if key in group:
                group[key] = _option(value, group[key], tensors)
        awake = bool(group.get("capturable") or group.get("fused"))
        for parameter in group["params"]:
            name = name_of[id(parameter)]
            if name in states:
                optimizer.state[parameter] = {
                    key: _state(key, value, parameter, tensors, awake)
                    for key, value in states[name].items()
                }


def _check_members(now: list[list[str]], saved: list[list[str]]) -> None:
    if [sorted(members) for members in now] == [sorted(members) for members in saved]:
        return
    here = {name for members in now for name in members}
    there = {name for members in saved for name in members}
    odd = sorted(here ^ there)
    what = f"{odd[0]!r} is in one of them only" if odd else "they are grouped otherwise"
    raise RunError(
        f"the checkpoint's optimizer is of other parameters ({len(there)}, now {len(here)}): "
        f"{what}. The same method, backbone and options were expected."
    )


def _option(value: object, now: object, tensors: Mapping[str, Tensor]) -> object:
    if isinstance(value, Mapping) and "tensor" in value:
        saved = tensors[value["tensor"]]
        return saved.to(now.device) if isinstance(now, Tensor) else saved.clone()
    return tuple(value) if isinstance(now, tuple) and isinstance(value, list) else value


def _state(
    key: str, value: object, parameter: Tensor, tensors: Mapping[str, Tensor], awake: bool
) -> object:
    if not (isinstance(value, Mapping) and "tensor" in value):
        return value
    saved = tensors[value["tensor"]]
    if key == "step":  # torch counts steps on the CPU unless the count is part of a graph
        return saved.to(parameter.device) if awake else saved.clone()
    if saved.dim() == 0:
        return saved.to(parameter.device, copy=True)
    if saved.shape != parameter.shape:
        raise RunError(
            f"the checkpoint's {value['tensor']!r} has shape {tuple(saved.shape)}, its parameter "
            f"{tuple(parameter.shape)}. The same method, backbone and options were expected."
        )
    # In the parameter's memory format: another order of elements may round otherwise.
    return torch.empty_like(parameter, dtype=saved.dtype, requires_grad=False).copy_(saved)
