from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from presight.core.draw import Draw, key_of, shuffled

MANY = 20_000
SIGNIFICANCE = 1e-4
"""Seeds are fixed, so a test either always passes or never does; this only says how odd is odd."""

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15

GOLDEN_INTEGERS = [[944766, 636403], [168391, 418361], [240612, 897292]]
GOLDEN_PERMUTATIONS = [[2, 3, 0, 1, 4], [2, 1, 4, 0, 3], [4, 0, 1, 3, 2]]
GOLDEN_NORMALS = [-0.3802562, -0.2305226, 0.4101976]
GOLDEN_SHUFFLE = [6, 4, 5, 0, 3, 7, 2, 1]


def mixed(value: int) -> int:
    """splitmix64's finalizer in Python's own integers."""
    value &= MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def word(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def expected_bits(
    seed: int, epoch: int, path: tuple[str, ...], stream: str, index: int, count: int
) -> list[int]:
    key = 0
    for part in (seed, epoch, *(word(p) for p in path), word(stream)):
        key = mixed(key + GOLDEN + mixed(part + GOLDEN))
    row = mixed(mixed(index * GOLDEN) + key)
    return [mixed(row + (i + 1) * GOLDEN) for i in range(count)]


def test_splitmix64_has_its_published_first_outputs() -> None:
    """State 1234567 gives these numbers in the reference program by Vigna."""
    state, outputs = 1234567, []
    for _ in range(3):
        state += GOLDEN
        outputs.append(mixed(state))
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("path", [(), ("turn 1",), ("turn 1", "again")])
@pytest.mark.parametrize("index", [0, 1, 7, 123_456_789_012])
def test_uniform_is_the_hash_of_its_key(path: tuple[str, ...], index: int) -> None:
    draw = Draw(5, 3, torch.tensor([index]), path=path)
    bits = expected_bits(5, 3, path, "crop", index, 6)
    expected = torch.tensor([b >> 40 for b in bits]).float() * 2.0**-24
    assert torch.equal(draw.uniform("crop", (2, 3)).flatten(), expected)


def test_integers_and_permutation_are_the_hash_of_their_key() -> None:
    draw = Draw(5, 3, torch.tensor([11]))
    bits = expected_bits(5, 3, (), "s", 11, 9)
    assert draw.integers("s", (9,), 10)[0].tolist() == [(b >> 2) % 10 for b in bits]
    signed = [b - (1 << 64) if b >> 63 else b for b in bits]
    assert draw.permutation("s", 9)[0].tolist() == sorted(range(9), key=signed.__getitem__)


def test_golden_numbers() -> None:
    """Any change of these breaks every saved run: resume would see other views."""
    draw = Draw(0, 0, torch.tensor([0, 1, 2]))
    assert draw.integers("golden", (2,), 1_000_000).tolist() == GOLDEN_INTEGERS
    assert draw.permutation("golden", 5).tolist() == GOLDEN_PERMUTATIONS
    assert torch.allclose(draw.normal("golden"), torch.tensor(GOLDEN_NORMALS), atol=1e-6)
    assert shuffled(8, 1, 2, "order").tolist() == GOLDEN_SHUFFLE


@settings(deadline=None, max_examples=30)
@given(
    indices=st.lists(st.integers(0, 10**12), min_size=1, max_size=12),
    order=st.randoms(use_true_random=False),
    seed=st.integers(0, 2**31),
    epoch=st.integers(0, 1000),
)
def test_a_row_does_not_depend_on_its_batch(
    indices: list[int], order: object, seed: int, epoch: int
) -> None:
    whole = Draw(seed, epoch, torch.tensor(indices))
    moved = list(range(len(indices)))
    order.shuffle(moved)  # type: ignore[attr-defined]
    other = Draw(seed, epoch, torch.tensor([indices[i] for i in moved]))
    for name, shape in (("a", ()), ("b", (2, 3))):
        assert torch.equal(whole.uniform(name, shape)[moved], other.uniform(name, shape))
        assert torch.equal(whole.normal(name, shape)[moved], other.normal(name, shape))
        assert torch.equal(whole.integers(name, shape, 7)[moved], other.integers(name, shape, 7))
    assert torch.equal(whole.permutation("p", 5)[moved], other.permutation("p", 5))
    alone = Draw(seed, epoch, torch.tensor(indices[:1]))
    assert torch.equal(whole.uniform("a", (3,))[:1], alone.uniform("a", (3,)))


@settings(deadline=None, max_examples=20)
@given(n=st.integers(2, 12), cut=st.integers(0, 12))
def test_rows_are_the_draws_of_these_rows(n: int, cut: int) -> None:
    cut = min(cut, n)
    draw = Draw(1, 2, torch.arange(n) % 3, torch.arange(n) // 3).fork("x")
    for start, stop in ((0, cut), (cut, n)):
        assert torch.equal(
            draw.rows(start, stop).normal("s", (2,)), draw.normal("s", (2,))[start:stop]
        )


def test_asking_twice_gives_the_same_and_asking_for_more_keeps_the_first() -> None:
    draw = Draw(1, 0, torch.arange(4))
    assert torch.equal(draw.uniform("a", (3,)), draw.uniform("a", (3,)))
    draw.normal("b", (100,))
    assert torch.equal(draw.uniform("a", (5,))[:, :3], draw.uniform("a", (3,)))


def test_type_of_the_index_does_not_matter() -> None:
    wide = Draw(3, 1, torch.arange(5, dtype=torch.int64))
    for kind in (torch.int32, torch.int16, torch.uint8):
        narrow = Draw(3, 1, torch.arange(5, dtype=kind), torch.zeros(5, dtype=kind))
        assert torch.equal(wide.uniform("a"), narrow.uniform("a"))


def test_results_have_the_promised_types_and_shapes() -> None:
    draw = Draw(0, 0, torch.arange(3))
    assert (draw.uniform("a").dtype, draw.uniform("a").shape) == (torch.float32, (3,))
    assert (draw.normal("a", (2, 4)).dtype, draw.normal("a", (2, 4)).shape) == (
        torch.float32,
        (3, 2, 4),
    )
    assert draw.integers("a", (), 3).dtype == torch.int64
    assert draw.permutation("a", 4).shape == (3, 4)
    assert len(draw) == 3


@pytest.mark.parametrize("change", ["seed", "epoch", "stream", "fork", "index", "occurrence"])
def test_every_part_of_the_key_matters(change: str) -> None:
    """Another value of any part gives numbers that are unrelated, not merely different."""
    index = torch.arange(MANY)
    base = Draw(0, 0, index)
    other = {
        "seed": Draw(1, 0, index),
        "epoch": Draw(0, 1, index),
        "stream": base,
        "fork": base.fork("turn 1"),
        "index": Draw(0, 0, index + 1),
        "occurrence": Draw(0, 0, index, torch.ones_like(index)),
    }[change]
    a = base.uniform("s").double()
    b = other.uniform("t" if change == "stream" else "s").double()
    assert abs(np.corrcoef(a.numpy(), b.numpy())[0, 1]) < 4 / MANY**0.5
    assert (a == b).float().mean() < 1e-3
    grid = np.histogram2d(a.numpy(), b.numpy(), bins=8, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(grid.ravel()).pvalue > SIGNIFICANCE


def test_neighbors_within_a_row_are_unrelated() -> None:
    values = Draw(0, 0, torch.arange(50)).uniform("s", (400,)).double()
    left, right = values[:, :-1].flatten().numpy(), values[:, 1:].flatten().numpy()
    assert abs(np.corrcoef(left, right)[0, 1]) < 4 / len(left) ** 0.5


def test_occurrence_zero_is_no_occurrence_and_later_ones_differ() -> None:
    index = torch.tensor([4, 4, 4, 9])
    plain = Draw(0, 0, index).uniform("s", (4,))
    counted = Draw(0, 0, index, torch.tensor([0, 1, 2, 0])).uniform("s", (4,))
    assert torch.equal(counted[[0, 3]], plain[[0, 3]])
    assert len({tuple(row.tolist()) for row in counted}) == 4


def test_fixed_forgets_the_epoch_and_keeps_the_rest() -> None:
    index = torch.arange(3)
    early, late = Draw(0, 1, index).fork("f").fixed(), Draw(0, 9, index).fork("f").fixed()
    assert torch.equal(early.uniform("s"), late.uniform("s"))
    assert not torch.equal(early.uniform("s"), Draw(0, 1, index).fixed().uniform("s"))
    assert not torch.equal(early.uniform("s"), Draw(0, 0, index).fork("f").uniform("s"))


def test_forks_are_named_paths() -> None:
    draw = Draw(0, 0, torch.arange(3))
    assert torch.equal(draw.fork("a").uniform("s"), draw.fork("a").uniform("s"))
    forks = [draw, draw.fork("a"), draw.fork("b"), draw.fork("a").fork("b"), draw.fork("ab")]
    assert len({tuple(fork.uniform("s").tolist()) for fork in forks}) == len(forks)


def test_uniform_is_uniform() -> None:
    values = Draw(0, 0, torch.arange(MANY)).uniform("s", (4,)).double().numpy()
    assert values.min() >= 0
    assert values.max() < 1
    assert stats.kstest(values.ravel(), "uniform").pvalue > SIGNIFICANCE
    counts = np.histogram(values, bins=64, range=(0, 1))[0]
    assert stats.chisquare(counts).pvalue > SIGNIFICANCE
    assert stats.kstest(values[:, 0], "uniform").pvalue > SIGNIFICANCE


def test_uniform_keeps_its_bounds() -> None:
    values = Draw(0, 0, torch.arange(MANY)).uniform("s", low=-2.0, high=3.0)
    assert -2 <= values.min() < -1.99
    assert 2.99 < values.max() < 3


def test_normal_is_normal() -> None:
    values = Draw(0, 0, torch.arange(MANY)).normal("s", (4,)).double().numpy().ravel()
    assert np.isfinite(values).all()
    assert abs(values.mean()) < 4 / len(values) ** 0.5
    assert abs(values.var() - 1) < 4 * (2 / len(values)) ** 0.5
    assert abs(stats.skew(values)) < 4 * (6 / len(values)) ** 0.5
    assert abs(stats.kurtosis(values)) < 4 * (24 / len(values)) ** 0.5
    assert stats.kstest(values, "norm").pvalue > SIGNIFICANCE


def test_integers_are_uniform_over_their_range() -> None:
    values = Draw(0, 0, torch.arange(MANY)).integers("s", (3,), 7)
    assert stats.chisquare(torch.bincount(values.flatten()).numpy()).pvalue > SIGNIFICANCE
    assert (int(values.min()), int(values.max())) == (0, 6)


def test_permutations_are_uniform() -> None:
    orders = Draw(0, 0, torch.arange(MANY)).permutation("s", 4)
    assert torch.equal(orders.sort(1).values, torch.arange(4).expand(MANY, 4))
    codes = (orders * torch.tensor([64, 16, 4, 1])).sum(1)
    counts = torch.unique(codes, return_counts=True)[1]
    assert len(counts) == 24
    assert stats.chisquare(counts.numpy()).pvalue > SIGNIFICANCE


def test_mean_over_indices_is_stable_over_streams() -> None:
    means = [Draw(0, 0, torch.arange(1000)).uniform(f"s{i}").mean().item() for i in range(200)]
    scaled = (np.array(means) - 0.5) * (12 * 1000) ** 0.5
    assert stats.kstest(scaled, "norm").pvalue > SIGNIFICANCE


def test_shuffled_is_a_permutation_of_its_key() -> None:
    order = shuffled(1000, 0, 3, "order")
    assert torch.equal(order.sort().values, torch.arange(1000))
    assert torch.equal(order, shuffled(1000, 0, 3, "order"))
    assert not torch.equal(order, shuffled(1000, 0, 4, "order"))
    assert abs(np.corrcoef(order.numpy(), np.arange(1000))[0, 1]) < 0.15


def test_keys_tell_words_numbers_and_order_apart() -> None:
    keys = [key_of(0), key_of(0, 0), key_of(0, 1), key_of(1, 0), key_of("0"), key_of("0", "0")]
    assert len(set(keys)) == len(keys)
    assert all(0 <= key <= MASK for key in keys)


def test_the_generator_of_torch_is_not_touched() -> None:
    before = torch.get_rng_state()
    draw = Draw(0, 0, torch.arange(3))
    draw.normal("a"), draw.permutation("b", 3), draw.integers("c", (), 2), shuffled(4, 1)
    assert torch.equal(before, torch.get_rng_state())
