"""Batch norm over processes and over groups; the shuffle. One spawn for all checks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

from presight.core import world
from presight.errors import UsageError
from presight.nn.norm import (
    SplitBatchNorm,
    SynchronizedBatchNorm,
    shuffle,
    synchronize,
    unshuffle,
)

EXACT = 1e-11
"""float64: sums over a few hundred values, divided by standard deviations."""


def noise(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


IMAGES, SLOPE = 2 + 3 * noise(8, 3, 4, 4), noise(8, 3, 4, 4, seed=1)
ROWS = noise(8, 5, seed=2)
ORDER = torch.tensor([5, 0, 3, 7, 1, 6, 2, 4])


def network(splits: int) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1), SplitBatchNorm(3, splits)).double()
    with torch.no_grad():
        for p in net.parameters():
            p.uniform_(-1, 1)
    return net


def results(start: int, stop: int, splits: int, replace: bool) -> dict[str, Tensor]:
    """Output and gradients for some rows; gradients of weights and buffers."""
    net = network(splits)
    if replace:
        synchronize(net)
    images = IMAGES[start:stop].clone().requires_grad_()
    output = net(images)
    (output * SLOPE[start:stop]).sum().backward()
    found = {"output": output.detach(), "images": images.grad}
    found |= {f"grad {name}": p.grad for name, p in net.named_parameters()}
    found |= {f"buffer {name}": b.double() for name, b in net.named_buffers()}
    return {name: value for name, value in found.items() if value is not None}


def _worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    start, stop = 4 * rank, 4 * rank + 4
    for name, replace in (("synchronized", True), ("local", False)):
        found = results(start, stop, 2, replace)
        for key, value in found.items():
            if key.startswith("grad"):
                dist.all_reduce(value)
        torch.save(found, f"{folder}/{name}{rank}.pt")
    flat = synchronize(nn.Sequential(nn.BatchNorm1d(5, momentum=None)).double())
    shuffled = shuffle(ROWS[start:stop], ORDER)
    other = {
        "rows": flat(ROWS[start:stop]).detach(),
        "mean": flat[0].running_mean,
        "shuffled": shuffled,
        "back": unshuffle(shuffled, ORDER),
    }
    torch.save(other, f"{folder}/other{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("two")
    mp.spawn(_worker, (str(path),), nprocs=2)
    return path


def loaded(folder: Path, name: str) -> list[dict[str, Tensor]]:
    return [torch.load(folder / f"{name}{rank}.pt", weights_only=True) for rank in (0, 1)]


def same_as_one(folder: Path, name: str) -> None:
    expected, found = results(0, 8, 2, replace=False), loaded(folder, name)
    for key, value in expected.items():
        if key in ("output", "images"):
            assert torch.allclose(torch.cat([part[key] for part in found]), value, atol=EXACT), key
        else:
            for part in found:
                assert torch.allclose(part[key], value, atol=EXACT), key


def test_two_processes_equal_one(folder: Path) -> None:
    same_as_one(folder, "synchronized")


def test_without_synchronization_they_differ(folder: Path) -> None:
    with pytest.raises(AssertionError):
        same_as_one(folder, "local")


def test_rows_and_a_cumulative_mean(folder: Path) -> None:
    layer = nn.BatchNorm1d(5, momentum=None).double()
    expected, found = layer(ROWS), loaded(folder, "other")
    assert torch.allclose(torch.cat([part["rows"] for part in found]), expected, atol=EXACT)
    for part in found:
        assert torch.allclose(part["mean"], layer.running_mean, atol=EXACT)


def test_shuffle_over_processes(folder: Path) -> None:
    found = loaded(folder, "other")
    assert torch.equal(torch.cat([part["shuffled"] for part in found]), ROWS[ORDER])
    assert torch.equal(torch.cat([part["back"] for part in found]), ROWS)


# One process.


def test_synchronize_keeps_names_state_and_parameters() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.BatchNorm1d(4)), nn.BatchNorm2d(3)).eval()
    state, parameters = net.state_dict(), list(net.parameters())
    assert synchronize(net) is net
    assert list(net.state_dict()) == list(state)
    assert all(a is b for a, b in zip(net.parameters(), parameters, strict=True))
    assert [type(net[1][0]), type(net[2])] == [SynchronizedBatchNorm] * 2
    assert not net[2].training


def test_alone_it_is_torch_batch_norm() -> None:
    layer, other = nn.BatchNorm2d(3).double(), nn.Sequential(nn.BatchNorm2d(3)).double()
    synchronize(other)
    for _ in range(2):
        assert torch.equal(layer(IMAGES), other(IMAGES))
    assert torch.equal(layer.running_var, other[0].running_var)
    layer.eval()
    other.eval()
    assert torch.equal(layer(IMAGES), other(IMAGES))


def test_split_groups_are_congruent_modulo_splits() -> None:
    layer = SplitBatchNorm(3, 4).double()
    output = layer(IMAGES)
    for group in range(4):
        alone = nn.BatchNorm2d(3).double()
        assert torch.allclose(output[group::4], alone(IMAGES[group::4]), atol=EXACT)


def test_split_running_statistics_are_the_mean_of_the_groups() -> None:
    layer, alone = SplitBatchNorm(3, 4).double(), [nn.BatchNorm2d(3).double() for _ in range(4)]
    layer(IMAGES)
    for group, single in enumerate(alone):
        single(IMAGES[group::4])
    for name in ("running_mean", "running_var"):
        mean = torch.stack([getattr(single, name) for single in alone]).mean(0)
        assert torch.allclose(getattr(layer, name), mean, atol=EXACT)


def test_one_split_is_torch_batch_norm() -> None:
    layer, other = SplitBatchNorm(3, 1).double(), nn.BatchNorm2d(3).double()
    assert torch.allclose(layer(IMAGES), other(IMAGES), atol=EXACT)
    assert torch.allclose(layer.running_var, other.running_var, atol=EXACT)
    assert list(layer.state_dict()) == list(other.state_dict())
    assert torch.allclose(layer.eval()(IMAGES), other.eval()(IMAGES), atol=EXACT)


def test_a_row_feels_its_own_group_only() -> None:
    layer, changed = SplitBatchNorm(3, 4).double(), IMAGES.clone()
    changed[1] += 5  # group 1, with row 5
    moved = (layer(changed) - layer(IMAGES)).abs().amax((1, 2, 3)) > 1e-6
    assert moved.tolist() == [False, True, False, False, False, True, False, False]


def test_shuffled_keys_sit_in_other_groups_than_their_queries() -> None:
    """The reason of the shuffle: partners of a group are others for the key than for the query."""
    images = shuffle(IMAGES, ORDER)
    assert torch.equal(unshuffle(images, ORDER), IMAGES)
    partners = [{i for i in range(8) if i % 4 == row % 4} for row in range(8)]
    place = ORDER.argsort()
    shuffled = [{i for i in range(8) if place[i] % 4 == place[row] % 4} for row in range(8)]
    assert partners != shuffled


def test_half_precision_comes_back_as_it_went_in() -> None:
    output = SplitBatchNorm(3, 2)(IMAGES.bfloat16())
    assert output.dtype == torch.bfloat16
    assert output.float().mean().abs() < 0.01


def test_faults_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="a batch of 8 cannot be normalized in 3 groups"):
        SplitBatchNorm(3, 3).double()(IMAGES)
    with pytest.raises(UsageError, match="splits must be 1 or more; received 0"):
        SplitBatchNorm(3, 0)
    with pytest.raises(UsageError, match="a permutation of 8 does not fit 1 x 4 rows"):
        shuffle(ROWS[:4], ORDER)
    with pytest.raises(UsageError, match="more than one value a channel"):
        SplitBatchNorm(3, 2)(torch.zeros(2, 3, 1, 1))
    monkeypatch.setattr(world, "size", lambda: 2)
    with pytest.raises(UsageError, match=r"\[n, 3, \.\.\.\]; received \(8, 5\)"):
        synchronize(nn.Sequential(nn.BatchNorm1d(3)))(torch.zeros(8, 5))
