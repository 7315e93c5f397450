from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from presight.core import world
from presight.errors import PresightError

ROUNDING = 1e-12
"""Float64 sums in another order."""


def test_alone_everything_is_the_identity() -> None:
    rows = torch.rand(3, 2, requires_grad=True)
    assert (world.size(), world.rank()) == (1, 0)
    gathered, start = world.gather(rows)
    assert gathered is rows
    assert start == 0
    assert torch.equal(world.gather_detached(rows), rows)
    assert not world.gather_detached(rows).requires_grad
    for function in (world.total, world.mean, world.broadcast, world.broadcast_object):
        assert function(rows) is rows  # type: ignore[operator]
    assert world.averaged([0.1, 2.0]) == [0.1, 2.0]
    assert world.any_true(True) is True
    assert world.any_true(False) is False
    world.barrier()


@pytest.fixture
def exchanged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[int], str, Any]]:
    """Two processes of which the other sets nothing: what was exchanged, where, by which group."""
    found: list[tuple[list[int], str, Any]] = []

    def all_reduce(value: torch.Tensor, op: Any, group: Any) -> None:
        found.append((value.tolist(), value.device.type, group))

    monkeypatch.setattr(world, "size", lambda: 2)
    monkeypatch.setattr(world, "_controls", [])
    monkeypatch.setattr(dist, "all_reduce", all_reduce)
    return found


@pytest.mark.parametrize("backend", ["gloo", "nccl"])
def test_flags_are_exchanged_together_on_the_processor(
    backend: str, exchanged: list[tuple[list[int], str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def new_group(backend: str) -> str:
        made.append(backend)
        return "beside"

    monkeypatch.setattr(dist, "get_backend", lambda: backend)
    monkeypatch.setattr(dist, "new_group", new_group)
    assert world.agreed(False, True) == (False, True)
    assert world.any_true(False) is False
    group = None if backend == "gloo" else "beside"
    assert exchanged == [([0, 1], "cpu", group), ([0], "cpu", group)]
    assert made == ([] if backend == "gloo" else ["gloo"])


def test_other_errors_are_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer")
    with pytest.raises(RuntimeError, match="closed by peer"), world.together():
        raise lost
    monkeypatch.setattr(world, "size", lambda: 2)
    with pytest.raises(RuntimeError, match="shapes differ"), world.together():
        raise RuntimeError("shapes differ")
    with pytest.raises(PresightError, match="another process"), world.together():
        raise lost


def loss_of(rows: torch.Tensor) -> torch.Tensor:
    """Every row meets every row, so each process's gradient has parts from all."""
    return torch.logsumexp(rows @ rows.T, 1).mean()


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    whole = torch.linspace(-1, 1, 24, dtype=torch.float64).view(6, 4).sin()
    result: dict[str, object] = {"size": world.size(), "rank": world.rank()}

    mine = whole[rank * 3 : rank * 3 + 3].clone().requires_grad_()
    gathered, start = world.gather(mine)
    # The local rows' share of the loss: mean over processes is what DDP makes of gradients.
    local = torch.logsumexp(gathered[start : start + 3] @ gathered.T, 1).mean()
    local.backward()
    assert mine.grad is not None
    result |= {"gathered": gathered.detach(), "start": start, "grad": mine.grad / 2}

    value = (whole[rank] ** 2).requires_grad_()
    world.total(value).sin().sum().backward()
    result |= {"total": world.total(value).detach(), "total_grad": value.grad}
    value.grad = None
    world.mean(value).sin().sum().backward()
    result |= {"mean": world.mean(value).detach(), "mean_grad": value.grad}

    result["detached"] = world.gather_detached(mine)
    result["broadcast"] = world.broadcast(torch.full((2,), float(rank + 5)))
    result["object"] = world.broadcast_object({"rank": rank})
    result["averaged"] = world.averaged([float(rank), 0.1, float("nan") if rank else 0.0])
    result["any"] = [world.any_true(rank == 1), world.any_true(False), world.any_true(True)]
    world.barrier()
    if rank == 0:
        try:
            with world.together():
                world.barrier()
        except PresightError as error:
            result["gone"] = str(error)
    torch.save(result, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.timeout(60)
def test_two_processes_are_one(tmp_path: Path) -> None:
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    mp.spawn(work, (str(tmp_path),), nprocs=2)
    results: list[dict[str, Any]] = [
        torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)
    ]

    assert "another process of this run has ended" in results[0]["gone"]
    whole = torch.linspace(-1, 1, 24, dtype=torch.float64).view(6, 4).sin().requires_grad_()
    loss_of(whole).backward()
    assert whole.grad is not None
    gradients = torch.cat([r["grad"] for r in results])
    assert torch.allclose(gradients, whole.grad, atol=ROUNDING, rtol=0)

    squares = [(whole.detach()[rank] ** 2).requires_grad_() for rank in (0, 1)]
    # Both processes compute the function of the sum, so the gradient counts both.
    (2 * (squares[0] + squares[1]).sin().sum()).backward()
    for rank, result in enumerate(results):
        assert (result["size"], result["rank"], result["start"]) == (2, rank, rank * 3)
        assert torch.equal(result["gathered"], whole)
        assert torch.equal(result["detached"], whole)
        assert torch.allclose(result["total"], squares[0] + squares[1], atol=ROUNDING)
        assert torch.allclose(result["total_grad"], squares[rank].grad, atol=ROUNDING)
        assert torch.allclose(result["mean"] * 2, result["total"], atol=ROUNDING)
        expected = (result["mean"]).cos()
        assert torch.allclose(result["mean_grad"], expected, atol=ROUNDING)
        assert result["broadcast"].tolist() == [5, 5]
        assert result["object"] == {"rank": 0}
        assert result["averaged"][:2] == [0.5, 0.1]
        assert math.isnan(result["averaged"][2])
        assert result["any"] == [True, False, True]
