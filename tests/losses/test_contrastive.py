"""Closed forms, symmetries and two processes for the contrastive losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from presight.core import world
from presight.errors import UsageError
from presight.losses.contrastive import info_nce, nt_xent, unit

EXACT = 1e-12
"""float64: rounding of a few dozen additions."""
TEMPERATURES = (1.0, 0.5, 0.2, 0.1, 0.07)
INFO_NCE = (1.27401, 0.666468, 0.0460871, 3.17749e-4, 4.37412e-6)
NT_XENT = (1.81650, 1.06288, 0.0901435, 6.35397e-4, 8.74821e-6)

Loss = Callable[..., Tensor]


def eye(n: int = 8) -> Tensor:
    return torch.eye(n, dtype=torch.float64)


def noise(n: int, d: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, dtype=torch.float64, generator=generator)


def simplex(n: int) -> Tensor:
    return eye(n) - 1 / n


# Constants of the atlas's catalogue, T1 to T5: N = 8.


@pytest.mark.parametrize(("temperature", "value"), list(zip(TEMPERATURES, INFO_NCE, strict=True)))
def test_info_nce_of_orthonormal_pairs(temperature: float, value: float) -> None:
    loss = info_nce(eye(), eye(), temperature=temperature).item()
    assert loss == pytest.approx(value, rel=5e-6)
    assert loss == pytest.approx(math.log1p(7 * math.exp(-1 / temperature)), rel=1e-9)


def check_orthonormal_nt_xent(loss: Loss) -> None:
    for temperature, value in zip(TEMPERATURES, NT_XENT, strict=True):
        assert loss(eye(), eye(), temperature=temperature).item() == pytest.approx(value, rel=5e-6)


def check_collapsed_nt_xent(loss: Loss) -> None:
    same = torch.ones(8, 4, dtype=torch.float64)
    assert loss(same, same, temperature=0.5).item() == pytest.approx(math.log(15), abs=EXACT)


def check_length_does_not_count(loss: Loss) -> None:
    first, second = noise(6, 5), noise(6, 5, 1)
    lengths = torch.linspace(0.3, 20, 6, dtype=torch.float64)[:, None]
    expected = loss(first, second, temperature=0.2)
    assert torch.allclose(loss(first * lengths, second, temperature=0.2), expected, rtol=1e-10)


def check_temperature_counts(loss: Loss) -> None:
    first, second = noise(6, 5), noise(6, 5, 1)
    values = {loss(first, second, temperature=t).item() for t in (0.1, 1.0)}
    assert len(values) == 2


NT_XENT_CHECKS = (
    check_orthonormal_nt_xent,
    check_collapsed_nt_xent,
    check_length_does_not_count,
    check_temperature_counts,
)


@pytest.mark.parametrize("check", NT_XENT_CHECKS)
def test_nt_xent(check: Callable[[Loss], None]) -> None:
    check(nt_xent)


def test_nt_xent_of_a_simplex() -> None:
    loss = nt_xent(simplex(8), simplex(8), temperature=0.5).item()
    assert loss == pytest.approx(0.885345, rel=1e-6)
    assert loss == pytest.approx(math.log1p(14 * math.exp((-1 / 7 - 1) / 0.5)), abs=EXACT)


def test_collapsed_info_nce() -> None:
    same = torch.ones(8, 4, dtype=torch.float64)
    assert info_nce(same, same, temperature=0.1).item() == pytest.approx(math.log(8), abs=EXACT)


def test_collapsed_queue() -> None:
    same, queue = torch.ones(8, 4), torch.ones(64, 4)
    loss = info_nce(same, same, temperature=0.07, negatives=queue).item()
    assert loss == pytest.approx(4.17439, abs=5e-6)


def test_one_pair_has_no_negatives() -> None:
    assert nt_xent(noise(1, 4), noise(1, 4, 1), temperature=0.1).item() == 0


def test_info_nce_with_negatives_by_hand() -> None:
    queries, keys = torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    negatives = torch.tensor([[0.0, 2.0], [-1.0, 0.0]])
    expected = -0.6 / 0.5 + math.log(math.exp(0.6 / 0.5) + 1 + math.exp(-1 / 0.5))
    loss = info_nce(queries, keys, temperature=0.5, negatives=negatives)
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_info_nce_takes_rows_of_keys_as_negatives() -> None:
    queries, keys = noise(5, 3), noise(5, 3, 1)
    cosines = normalize(queries, dim=1) @ normalize(keys, dim=1).T
    expected = cross_entropy(cosines / 0.2, torch.arange(5))
    assert torch.allclose(info_nce(queries, keys, temperature=0.2), expected, atol=EXACT)
    one = info_nce(queries[:1], keys[:1], temperature=0.2, negatives=keys[1:])
    assert torch.allclose(one, cross_entropy(cosines[:1] / 0.2, torch.tensor([0])), atol=EXACT)


# Symmetries.


def test_views_may_be_exchanged() -> None:
    first, second = noise(7, 5), noise(7, 5, 1)
    expected = nt_xent(first, second, temperature=0.3)
    assert torch.allclose(nt_xent(second, first, temperature=0.3), expected, atol=EXACT)


def test_order_of_pairs_does_not_count() -> None:
    first, second, order = noise(7, 5), noise(7, 5, 1), torch.randperm(7)
    expected = nt_xent(first, second, temperature=0.3)
    assert torch.allclose(nt_xent(first[order], second[order], temperature=0.3), expected)


def test_rotating_the_embedding_space_changes_nothing() -> None:
    first, second = noise(7, 5), noise(7, 5, 1)
    turn = torch.linalg.qr(noise(5, 5, 2)).Q
    expected = nt_xent(first, second, temperature=0.3)
    assert torch.allclose(nt_xent(first @ turn, second @ turn, temperature=0.3), expected)


def test_a_constant_before_normalization_changes_it() -> None:
    first, second = noise(7, 5), noise(7, 5, 1)
    moved = nt_xent(first + 3, second + 3, temperature=0.3)
    assert (moved - nt_xent(first, second, temperature=0.3)).abs() > 0.1


def test_info_nce_is_softmax_minus_one_hot() -> None:
    """Gradients of unit queries against orthonormal keys: each row of dL/ds adds up to 0."""
    queries = normalize(noise(6, 6), dim=1).requires_grad_()
    info_nce(queries, eye(6), temperature=0.25).backward()
    assert queries.grad is not None
    slope = (torch.softmax(queries.detach() / 0.25, 1) - eye(6)) / 0.25 / 6
    across = slope - (slope * queries.detach()).sum(1, keepdim=True) * queries.detach()
    assert torch.allclose(queries.grad, across, atol=EXACT)


# Precision.


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_embeddings_give_a_full_precision_loss(dtype: torch.dtype) -> None:
    first, second = noise(64, 32).to(dtype), noise(64, 32, 1).to(dtype)
    expected = nt_xent(first.double(), second.double(), temperature=0.07)
    with torch.autocast("cpu", torch.bfloat16):
        loss = nt_xent(first, second, temperature=0.07)
        queue = info_nce(first, second, temperature=0.07, negatives=second)
    assert loss.dtype == queue.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)


def test_float64_stays() -> None:
    assert unit(noise(2, 3)).dtype == torch.float64
    assert nt_xent(noise(4, 3), noise(4, 3), temperature=0.1).dtype == torch.float64


# Messages.


def test_maps_are_refused_in_words() -> None:
    maps = torch.zeros(64, 128, 7, 7)
    for loss in (nt_xent, info_nce):
        with pytest.raises(UsageError) as caught:
            loss(maps, maps, temperature=0.1)
        text = "embedding must be [n, d]; received (64, 128, 7, 7). Pool it first."
        assert str(caught.value) == text


def test_other_faults_are_refused() -> None:
    good = noise(4, 3)
    with pytest.raises(UsageError, match=r"\(4, 3\) and \(5, 3\)"):
        nt_xent(good, noise(5, 3), temperature=0.1)
    with pytest.raises(UsageError, match=r"negatives must be \[K, 3\]; received \(9, 2\)"):
        info_nce(good, good, temperature=0.1, negatives=noise(9, 2))
    for temperature in (0.0, -1.0, math.nan):
        with pytest.raises(UsageError, match="temperature must be above 0"):
            nt_xent(good, good, temperature=temperature)


# Negative controls: the same checks must fail on the usual mistakes.


def _scores(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    both = torch.cat((normalize(first, dim=1), normalize(second, dim=1)))
    return both @ both.T, torch.arange(len(both)).roll(len(first))


def without_self_mask(first: Tensor, second: Tensor, *, temperature: float) -> Tensor:
    scores, partner = _scores(first, second)
    return cross_entropy(scores / temperature, partner)


def without_temperature(first: Tensor, second: Tensor, *, temperature: float) -> Tensor:
    return nt_xent(first, second, temperature=1.0)


def without_same_view_negatives(first: Tensor, second: Tensor, *, temperature: float) -> Tensor:
    return info_nce(first, second, temperature=temperature)


def sum_of_directions(first: Tensor, second: Tensor, *, temperature: float) -> Tensor:
    return 2 * nt_xent(first, second, temperature=temperature)


def without_normalization(first: Tensor, second: Tensor, *, temperature: float) -> Tensor:
    both = torch.cat((first, second))
    scores = (both @ both.T / temperature).fill_diagonal_(-math.inf)
    return cross_entropy(scores, torch.arange(len(both)).roll(len(first)))


@pytest.mark.parametrize(
    ("mistake", "check"),
    [
        (without_self_mask, check_orthonormal_nt_xent),
        (without_temperature, check_temperature_counts),
        (without_same_view_negatives, check_collapsed_nt_xent),
        (sum_of_directions, check_collapsed_nt_xent),
        (without_normalization, check_length_does_not_count),
    ],
)
def test_mistakes_are_caught(mistake: Loss, check: Callable[[Loss], None]) -> None:
    with pytest.raises(AssertionError):
        check(mistake)


# Two processes: one spawn for all variants.

FIRST, SECOND = noise(6, 4, 3), noise(6, 4, 4)


def _own_slice_only(rows: Tensor) -> tuple[Tensor, int]:
    everyone, start = world.gather_detached(rows), world.rank() * len(rows)
    return torch.cat((everyone[:start], rows, everyone[start + len(rows) :])), start


def _no_gradient(rows: Tensor) -> tuple[Tensor, int]:
    return world.gather_detached(rows), world.rank() * len(rows)


def _no_offset(rows: Tensor) -> tuple[Tensor, int]:
    return world.gather(rows)[0], 0


GATHERS = {
    "right": world.gather,
    "own slice": _own_slice_only,
    "no gradient": _no_gradient,
    "no offset": _no_offset,
}


def _worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    found = {}
    for name, gather in GATHERS.items():
        weight = eye(4).requires_grad_()
        first, second = (view[rank * 3 : rank * 3 + 3] @ weight for view in (FIRST, SECOND))
        loss = nt_xent(first, second, temperature=0.3, gather=gather)
        loss.backward()
        value, gradient = loss.detach() / 2, weight.grad / 2
        dist.all_reduce(value)
        dist.all_reduce(gradient)
        found[name] = torch.cat((value[None], gradient.flatten()))
    if rank == 0:
        torch.save(found, f"{folder}/found.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    folder: Path = tmp_path_factory.mktemp("two")
    mp.spawn(_worker, (str(folder),), nprocs=2)
    found: dict[str, Tensor] = torch.load(folder / "found.pt", weights_only=True)
    return found


def single_process() -> Tensor:
    weight = eye(4).requires_grad_()
    loss = nt_xent(FIRST @ weight, SECOND @ weight, temperature=0.3)
    loss.backward()
    assert weight.grad is not None
    return torch.cat((loss.detach()[None], weight.grad.flatten()))


def test_two_processes_equal_one(two_processes: dict[str, Tensor]) -> None:
    assert torch.allclose(two_processes["right"], single_process(), atol=EXACT)


@pytest.mark.parametrize("mistake", ["own slice", "no gradient", "no offset"])
def test_other_gathers_do_not(two_processes: dict[str, Tensor], mistake: str) -> None:
    error = (two_processes[mistake] - single_process()).norm() / single_process().norm()
    assert error > 0.05
