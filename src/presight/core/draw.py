"""Randomness as a pure function of (seed, epoch, stream, sample index, occurrence).

A draw keeps no state: asking twice gives the same numbers, on any device, in any batch, in any
order and on any number of processes. Exact resume and one = N processes follow from it.

The generator is splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
OOPSLA 2014) used as a counter-based hash: one 64-bit key a row, one counter an element.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import torch
from torch import Tensor

Size = Sequence[int]

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _signed(value: int) -> int:
    value &= _MASK
    return value - (1 << 64) if value >= 1 << 63 else value


_GAMMA = _signed(_GOLDEN)
_FIRST = _signed(0xBF58476D1CE4E5B9)
_SECOND = _signed(0x94D049BB133111EB)


def _mix_int(value: int) -> int:
    value &= _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def _shift(value: Tensor, by: int) -> Tensor:
    """Logical right shift of int64."""
    return (value >> by) & ((1 << (64 - by)) - 1)


def _mix(value: Tensor) -> Tensor:
    value = (value ^ _shift(value, 30)) * _FIRST
    value = (value ^ _shift(value, 27)) * _SECOND
    return value ^ _shift(value, 31)


def key_of(*parts: int | str) -> int:
    """A 64-bit key from integers and words, the same on every machine."""
    key = 0
    for part in parts:
        if isinstance(part, str):
            part = int.from_bytes(hashlib.blake2b(part.encode(), digest_size=8).digest(), "little")
        key = _mix_int(key + _GOLDEN + _mix_int(part + _GOLDEN))
    return key


class Draw:
    """Random numbers for a batch, a row a sample.

    Args:
        seed: the run's seed.
        epoch: the epoch, from 0.
        index: int64 [B], the samples' identities; results live on its device.
        occurrence: int64 [B] or None, how often the sample came before in this epoch.
        path: names of the forks taken so far.

    Example:
        >>> import torch
        >>> from presight import Draw
        >>> both = Draw(0, 0, torch.tensor([5, 9])).uniform("crop", (2,))
        >>> alone = Draw(0, 0, torch.tensor([9])).uniform("crop", (2,))
        >>> torch.equal(both[1:], alone)  # a sample's numbers do not depend on its batch
        True
    """

    __slots__ = ("_rows", "epoch", "index", "occurrence", "path", "seed")

    def __init__(
        self,
        seed: int,
        epoch: int,
        index: Tensor,
        occurrence: Tensor | None = None,
        path: tuple[str, ...] = (),
    ) -> None:
        self.seed, self.epoch, self.index = seed, epoch, index
        self.occurrence, self.path = occurrence, path
        rows = _mix(index.long() * _GAMMA)
        if occurrence is not None:  # the first time draws as if there were no other
            rows = torch.where(occurrence > 0, _mix(rows + occurrence.long()), rows)
        self._rows = rows

    def __len__(self) -> int:
        return len(self.index)

    def _bits(self, stream: str, shape: Size) -> Tensor:
        """Int64 [B, *shape], all 64 bits random."""
        key = _signed(key_of(self.seed, self.epoch, *self.path, stream))
        rows = _mix(self._rows + key)
        count = math.prod(shape)
        counter = torch.arange(1, count + 1, device=rows.device) * _GAMMA
        return _mix(rows[:, None] + counter).view(len(rows), *shape)

    def uniform(self, stream: str, shape: Size = (), low: float = 0.0, high: float = 1.0) -> Tensor:
        """Float32 [B, *shape], uniform in [low, high); high itself only by rounding."""
        unit = _shift(self._bits(stream, shape), 40).float() * 2.0**-24
        return unit * (high - low) + low

    def normal(self, stream: str, shape: Size = ()) -> Tensor:
        """Float32 [B, *shape], standard normal (Box and Muller, in float64)."""
        bits = self._bits(stream, (2, *shape))
        device = bits.device
        bits = bits.cpu() if device.type == "mps" else bits  # which has no float64
        unit = (_shift(bits, 11).double() + 0.5) * 2.0**-53
        radius = torch.sqrt(-2.0 * torch.log(unit[:, 0]))
        return (radius * torch.cos(2.0 * math.pi * unit[:, 1])).float().to(device)

    def integers(self, stream: str, shape: Size, high: int) -> Tensor:
        """Int64 [B, *shape], uniform over 0..high-1 (bias below high / 2^62)."""
        return _shift(self._bits(stream, shape), 2) % high

    def permutation(self, stream: str, n: int) -> Tensor:
        """Int64 [B, n], a uniform permutation of 0..n-1 a row."""
        return torch.argsort(self._bits(stream, (n,)), dim=1, stable=True)

    def fixed(self) -> Draw:
        """The same stream in every epoch."""
        return Draw(self.seed, -1, self.index, self.occurrence, self.path)

    def fork(self, name: str) -> Draw:
        """A new, independent stream: a second turn on the same batch."""
        return Draw(self.seed, self.epoch, self.index, self.occurrence, (*self.path, name))

    def rows(self, start: int, stop: int) -> Draw:
        """The draw of some of the batch's rows; equal to drawing for these samples alone."""
        occurrence = None if self.occurrence is None else self.occurrence[start:stop]
        return Draw(self.seed, self.epoch, self.index[start:stop], occurrence, self.path)


def shuffled(n: int, *key: int | str) -> Tensor:
    """Int64 [n], a permutation of 0..n-1 that depends on the key only."""
    counter = torch.arange(1, n + 1) * _GAMMA + _signed(key_of(*key))
    return torch.argsort(_mix(counter), stable=True)
