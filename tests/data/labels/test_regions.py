from __future__ import annotations

import sys

import numpy as np
import pytest

from presight.data.labels.regions import filled, runs_reader, unpacked, unrolled
from presight.errors import Unavailable


def test_a_pixel_is_inside_where_its_center_is() -> None:
    box = filled([2, 1, 5, 1, 5, 3, 2, 3], 4, 6)
    expected = np.zeros((4, 6), dtype=bool)
    expected[1:3, 2:5] = True
    np.testing.assert_array_equal(box, expected)
    np.testing.assert_array_equal(filled([2, 3, 5, 3, 5, 1, 2, 1], 4, 6), expected)
    narrow = filled([1.6, 0, 2.4, 0, 2.4, 4, 1.6, 4], 4, 6)
    assert not narrow.any()  # between two centers


def test_outlines_are_cut_at_the_edge() -> None:
    everything = filled([-9, -9, 99, -9, 99, 99, -9, 99], 4, 6)
    assert everything.all()
    assert not filled([50, 50, 60, 50, 60, 60], 4, 6).any()
    assert filled([-9, 1, 2, 1, 2, 99, -9, 99], 4, 6).sum() == 6


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_outlines_agree_with_their_area_and_with_pycocotools() -> None:
    reader = pytest.importorskip("pycocotools.mask")
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    disk = np.stack([50 + 30 * np.cos(angle), 40 + 20 * np.sin(angle)], 1).ravel().tolist()
    ours = filled(disk, 80, 100)
    theirs = reader.decode(reader.frPyObjects([disk], 80, 100))[..., 0].astype(bool)
    assert abs(ours.sum() - np.pi * 600) < 25
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.95


def test_runs_go_down_the_columns() -> None:
    mask = unrolled([1, 2, 3], 3, 2)
    assert mask.tolist() == [[False, False], [True, False], [True, False]]


def test_packed_runs_are_those_of_pycocotools() -> None:
    reader = pytest.importorskip("pycocotools.mask")
    wanted = filled([1, 1, 7, 2, 5, 9], 12, 10)
    packed = reader.encode(np.asfortranarray(wanted.astype(np.uint8)))["counts"].decode()
    np.testing.assert_array_equal(unpacked(packed, 12, 10), wanted)


def test_without_pycocotools_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools.mask", None)
    with pytest.raises(Unavailable, match=r'pip install "presight\[tasks\]"'):
        runs_reader()
