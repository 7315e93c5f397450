"""Damaged files never end the process, and every answer is an image or a reason."""

from __future__ import annotations

import numpy as np
import pytest

from data.making import encoded, pixels
from presight.data.decode import FORMATS, Limits
from presight.data.pool import Pool, Task
from presight.data.source import Piece


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, a stretch removed or repeated, or the end cut."""
    array = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(0, len(array), rng.integers(1, 12))
    array[places] = rng.integers(0, 256, len(places))
    start, stop = sorted(rng.integers(0, len(array), 2))
    how = rng.integers(0, 4)
    if how == 1:
        array = np.concatenate([array[:start], array[stop:]])
    elif how == 2:
        array = np.concatenate([array[:stop], array[start:]])
    elif how == 3:
        array = array[:stop]
    return array.tobytes()


def answers_to(count: int) -> int:
    """Damage so many files a format, decode them, and count the images that came out."""
    rng = np.random.default_rng(0)
    image = pixels(48, 64)
    files = [damaged(encoded(image, kind), rng) for kind in FORMATS for _ in range(count)]
    tasks: list[Task] = [
        (Piece("", "x", data=data), {"do": do, "side": 16})
        for data in files
        for do in ("inspect", "decode")
    ]
    made = Pool(2)
    try:
        answers = made.run(tasks[::2], Limits()) + made.run(tasks[1::2], Limits())
    finally:
        made.close()
    for reply, _ in answers:
        assert isinstance(reply, list) or reply["reason"]
    return sum(isinstance(reply, list) for reply, _ in answers)


def test_a_few_damaged_files() -> None:
    assert 0 < answers_to(8) < 8 * 2 * len(FORMATS)


@pytest.mark.slow
def test_two_thousand_damaged_files() -> None:
    assert 0 < answers_to(290) < 290 * 2 * len(FORMATS)
