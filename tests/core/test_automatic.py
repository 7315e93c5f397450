from __future__ import annotations

import pytest

from presight.core import automatic

SIZES = [(8, 16), (28, 24), (31, 24), (32, 32), (63, 32), (64, 64), (95, 64), (96, 96), (127, 96)]
SIZES += [(128, 128), (160, 160), (223, 160), (224, 224), (4000, 224)]
EPOCHS = [(1, 1000), (500, 1000), (5000, 1000), (10_000, 500), (1_000_000, 100)]
EPOCHS += [(5_000_000, 30), (50_000_000, 30)]


@pytest.mark.parametrize(("side", "expected"), SIZES)
def test_image_size(side: int, expected: int) -> None:
    assert automatic.image_size([side], True).value == expected
    assert automatic.image_size([side], False).value == min(expected, 64)


def test_image_size_follows_the_quarter_of_the_short_sides() -> None:
    assert automatic.image_size([32] * 30 + [500] * 70, True).value == 32
    assert automatic.image_size([32] * 20 + [500] * 80, True).value == 224


def test_image_size_says_what_was_given_up() -> None:
    assert "64 instead of 224, because there is no accelerator" in (
        automatic.image_size([300], False).why
    )
    assert "instead" not in automatic.image_size([64], False).why


@pytest.mark.parametrize(("size", "expected"), [(32, "small"), (63, "small"), (64, "standard")])
def test_stem(size: int, expected: str) -> None:
    assert automatic.stem(size).value == expected


def test_backbone() -> None:
    assert automatic.backbone(True).value == "resnet18"
    assert automatic.backbone(False).value == "resnet9:16"
    assert "instead of resnet18" in automatic.backbone(False).why


@pytest.mark.parametrize(("count", "expected"), EPOCHS)
def test_epochs(count: int, expected: int) -> None:
    assert automatic.epochs(count).value == expected


def test_epochs_never_rise_with_the_number_of_images() -> None:
    values = [automatic.epochs(round(10 ** (power / 20))).number for power in range(160)]
    assert values == sorted(values, reverse=True)


def test_minutes() -> None:
    assert automatic.minutes().value == 30
    assert "no accelerator" in automatic.minutes().why


@pytest.mark.parametrize(
    ("count", "preset", "expected"),
    [
        (1_000_000, 4096, 256),
        (1_000_000, 256, 256),
        (1_000_000, 128, 128),
        (1_000_000, 100, 64),
        (4096, 256, 256),
        (4095, 256, 128),
        (2048, 256, 128),
        (512, 256, 32),
        (256, 256, 16),
        (37, 256, 16),
        (20, 256, 16),
        (15, 256, 8),
        (3, 256, 2),
        (2, 256, 2),
    ],
)
def test_batch_size(count: int, preset: int, expected: int) -> None:
    assert automatic.batch_size(count, preset).value == expected


def test_batch_size_is_a_multiple_of_the_processes() -> None:
    for processes in range(1, 9):
        value = automatic.batch_size(10_000, 256, processes).number
        assert value % processes == 0
        assert 256 - processes < value <= 256


def test_batch_size_says_whether_an_epoch_has_sixteen_updates() -> None:
    assert "at least 16 updates" in automatic.batch_size(256, 256).why
    assert "at least 16 updates" not in automatic.batch_size(37, 256).why


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (2, 1), (4, 3), (9, 8), (64, 8)])
def test_workers(cores: int, expected: int) -> None:
    assert automatic.workers(cores).value == expected


@pytest.mark.parametrize(("size", "expected"), [(32, 56), (64, 112), (96, 168), (224, 392)])
def test_cache_side(size: int, expected: int) -> None:
    assert automatic.cache_side(size).value == expected
