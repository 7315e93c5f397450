"""What `auto` stands for: pure functions that give a value and the rule it came from. No torch.

A rule is looked up once, printed, and saved as a plain number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

SIZES = (32, 64, 96, 128, 160, 224)
CPU_LARGEST = 64
"""Without an accelerator a larger view would make a run of days."""
CPU_MINUTES = 30.0
LARGEST_BATCH = 256
SMALLEST_BATCH = 16
UPDATES_AN_EPOCH = 16


class Rule(NamedTuple):
    """A value and why."""

    value: float | int | str
    why: str

    @property
    def number(self) -> int:
        """The value as a whole number."""
        return int(self.value)


def image_size(short_sides: Sequence[int], accelerator: bool) -> Rule:
    """The largest of the usual sizes not above the 25th percentile of the short sides.

    Args:
        short_sides: of the images, pixels; at least one.
        accelerator: whether there is one; without, 64 is the largest.
    """
    ordered = sorted(short_sides)
    quarter = ordered[(len(ordered) - 1) // 4]
    fitting = [size for size in SIZES if size <= quarter]
    size = fitting[-1] if fitting else max(16, quarter // 8 * 8)
    if not accelerator and size > CPU_LARGEST:
        return Rule(
            CPU_LARGEST,
            f"{CPU_LARGEST} instead of {size}, because there is no accelerator; with one, details "
            f"down to {size} pixels would be seen",
        )
    return Rule(size, f"{size}: a quarter of the images have a short side of {quarter} or less")


def device(kind: str) -> Rule:
    """The device that was found, and why it is the one."""
    if kind == "cpu":
        return Rule(kind, "cpu, because there is no accelerator")
    return Rule(kind, f"{kind}: the first accelerator that is here")


def precision(name: str, device: str) -> Rule:
    """The precision that was picked for a device, and why."""
    if name == "bf16":
        return Rule(name, f"bf16: this {device} multiplies it natively")
    return Rule(name, f"{name}: this {device} is not known to multiply bf16 natively")


def backbone(accelerator: bool) -> Rule:
    """A resnet18 with an accelerator, a small resnet9 without."""
    if accelerator:
        return Rule("resnet18", "resnet18: a usual start")
    return Rule("resnet9:16", "resnet9:16 instead of resnet18, because there is no accelerator")


def stem(side: int) -> Rule:
    """The 3x3 stem without pooling below 64 pixels, the standard one from there on."""
    kind: Literal["small", "standard"] = "small" if side < 64 else "standard"
    return Rule(kind, f"{kind}: views of {side} pixels")


def batch_size(n_samples: int, preset: int, processes: int = 1) -> Rule:
    """The largest power of two up to 256 and the preset's that gives 16 updates an epoch.

    16 where even that gives fewer; no more than there are images; a multiple of the processes.
    """
    bound = min(LARGEST_BATCH, preset, max(n_samples // UPDATES_AN_EPOCH, SMALLEST_BATCH))
    bound = max(min(bound, n_samples), 2)
    size = 1 << (bound.bit_length() - 1)
    size = max(size // processes, 1) * processes
    if n_samples // size >= UPDATES_AN_EPOCH:
        return Rule(size, f"{size}: at least 16 updates an epoch of {n_samples:,} images")
    return Rule(
        size, f"{size}: fewer would be too few, though {n_samples:,} images fill few batches"
    )


def epochs(n_samples: int) -> Rule:
    """From the images seen: 5 million for small sets, 100 epochs at a million, 30 at five.

    Between 200 and 1,000 below ten thousand images; a straight line in the logarithms between.
    """
    if n_samples < 10_000:
        count = min(1000, max(200, round(5_000_000 / max(1, n_samples))))
        return Rule(count, f"{count}: about 5 million images seen")
    seen = 5_000_000 + (n_samples - 10_000) * (100_000_000 - 5_000_000) / 990_000
    count = min(500, max(30, round(min(seen, 150_000_000) / n_samples)))
    return Rule(count, f"{count}: about {count * n_samples / 1e6:.0f} million images seen")


RATES = {"sgd": 0.06, "lars": 0.3, "adam": 1e-3, "adamw": 1e-3}


def learning_rate(optimizer: str) -> Rule:
    """The usual rate for 256 images of an optimizer that is not the preset's."""
    rate = RATES[optimizer]
    return Rule(rate, f"{rate:g}: usual for {optimizer}; the preset's is another optimizer's")


def lr_scaling(optimizer: str) -> Rule:
    """How the rate grows with the batch, for an optimizer that is not the preset's."""
    kind = "sqrt" if optimizer in ("adam", "adamw") else "linear"
    return Rule(kind, f"{kind}: the rule for {optimizer}")


def minutes() -> Rule:
    """The time budget of a run without an accelerator whose length nobody gave."""
    return Rule(
        CPU_MINUTES,
        f"epochs that fit {CPU_MINUTES:g} minutes, because there is no accelerator; --epochs or "
        "--minutes say otherwise",
    )


def workers(cores: int) -> Rule:
    """One less than the cores, at most 8, at least 1."""
    count = max(1, min(8, cores - 1))
    return Rule(count, f"{count}: one less than {cores} cores, at most 8")


def cache_side(side: int) -> Rule:
    """1.75 times a view's side: a random crop of a third of the area is not enlarged."""
    value = round(1.75 * side)
    return Rule(value, f"{value}: 1.75 times a view's side")


def warmup_epochs(preset: float, epochs: float) -> Rule:
    """The preset's warm-up, at most a tenth of the run: a short run needs the rest to learn."""
    value = round(min(preset, epochs / 10), 4)
    return Rule(value, f"{value:g} epochs of warm-up, a tenth of the run, instead of {preset:g}")
