from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.evaluation.tasks.geometry import Framed, Place, extents, mirrored, places

HALF = Place((10.0, 20.0, 30.0, 60.0), False, 10)
TURNED = dataclasses.replace(HALF, flip=True)


def test_points_by_hand() -> None:
    assert HALF.points(np.array([[10, 20], [30, 60], [20, 40]], np.float32)).tolist() == [
        [0, 0],
        [10, 10],
        [5, 5],
    ]
    assert TURNED.points(np.array([[12.0, 24.0]], np.float32)).tolist() == [[9, 1]]


@pytest.mark.parametrize("place", [HALF, TURNED])
def test_back_is_the_inverse_of_points(place: Place) -> None:
    points = np.random.default_rng(0).uniform(0, 80, (7, 3, 2)).astype(np.float32)
    assert place.back(place.points(points)) == pytest.approx(points, abs=1e-4)


def test_a_mirrored_box_keeps_its_width_and_two_mirrors_change_nothing() -> None:
    """Catalogue T25: flips are involutions, and the left corner stays left."""
    boxes = np.array([[12, 24, 20, 40], [0, 0, 5, 5]], np.float32)
    plain, turned = HALF.boxes(boxes), TURNED.boxes(boxes)
    assert turned[0, 2] - turned[0, 0] == plain[0, 2] - plain[0, 0] == 4
    assert (turned[:, :2] <= turned[:, 2:]).all()
    again = Place((0.0, 0.0, 10.0, 10.0), True, 10).boxes(turned)
    assert again == pytest.approx(plain)
    assert (plain[1, 2:] - plain[1, :2]).prod() == 0  # outside of the view


def test_planes_are_read_at_pixel_centers() -> None:
    plane = np.arange(48).reshape(6, 8)
    whole = Place((0.0, 0.0, 8.0, 6.0), False, 2)
    assert whole.plane(plane).tolist() == [[10, 14], [34, 38]]
    assert dataclasses.replace(whole, flip=True).plane(plane).tolist() == [[14, 10], [38, 34]]
    part = Place((2.0, 1.0, 6.0, 5.0), False, 4)
    assert (part.plane(plane) == plane[1:5, 2:6]).all()


@pytest.mark.parametrize("flip", [0.0, 1.0])
@pytest.mark.parametrize("executor", ["batched", "per-image"])
def test_labels_lie_where_the_picture_does(flip: float, executor: str) -> None:
    """A white square on black, drawn and labelled: the label covers the square in every view."""
    images = torch.zeros(6, 3, 48, 64, dtype=torch.uint8)
    images[:, :, 12:30, 20:44] = 255
    batch = Batch.of(images)
    recipe = Framed(size=32, scale=(0.4, 1.0), flip=flip, executor=executor)  # type: ignore[arg-type]
    view = recipe.params(batch, Draw(0, 0, batch.index))
    drawn = recipe.drawn(batch, view)
    # The pictures are twice as large as their canvases.
    originals = np.array([[96, 128]] * 6)
    mask = np.zeros((96, 128), np.uint8)
    mask[24:60, 40:88] = 1
    box = np.array([[40, 24, 88, 60]], np.float32)
    for row, place in enumerate(places(batch, view, 32, originals)):
        shown = drawn[row].mean(0).numpy() > 0.5
        told = place.plane(mask) > 0
        assert (shown != told).mean() < 0.03
        x0, y0, x1, y1 = place.boxes(box)[0]
        inside = np.zeros((32, 32), bool)
        inside[round(y0) : round(y1), round(x0) : round(x1)] = True
        assert (shown != inside).mean() < 0.06


def test_the_whole_picture_is_taken_without_draws() -> None:
    batch = Batch.of(torch.randint(0, 256, (2, 3, 20, 30), dtype=torch.uint8))
    view = Framed(size=8).params(batch, Draw(0, 0, batch.index))
    assert view.boxes.tolist() == [[0, 0, 30, 20]] * 2
    assert view.flip is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("left_eye", "right_eye", "nose"), (1, 0, 2)),
        (("eye left", "nose", "eye right"), (2, 1, 0)),
        (("nose", "tail"), None),
        (("0", "1"), None),
        (("center", "front", "left", "top"), None),
        (("left_eye", "right_eye", "left_ear"), None),
        (("cleft", "cright"), None),
    ],
)
def test_mirrors_by_names(names: tuple[str, ...], expected: tuple[int, ...] | None) -> None:
    assert mirrored(names) == expected


def test_extents_are_width_height_and_one() -> None:
    assert extents([(20, 30), (5, 7)]).tolist() == [[[30, 20, 1]], [[7, 5, 1]]]
    assert extents(np.array([[20, 30]])).tolist() == [[[30, 20, 1]]]
