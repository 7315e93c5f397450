from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.making import write
from presight.data.labels.palette import Palette, read_palette
from presight.data.labels.planes import Plane
from presight.errors import DataError


def palette(root: Path, text: str) -> Palette:
    return read_palette(write(root / "palette.csv", text.encode()))


def test_values_to_classes(tmp_path: Path) -> None:
    given = palette(tmp_path, "name,index\nsky,0\nthing,255\nfar,700\n")
    assert given.classes == ("sky", "thing", "far")
    plane = Plane(np.array([[0, 255, 700, 5]], dtype=np.int32))
    assert given.applied(plane).tolist() == [[0, 1, 2, 255]]
    bare = palette(tmp_path, "name\nsky\nthing\n")
    assert bare.applied(Plane(np.array([[1, 0, 2]], dtype=np.uint8))).tolist() == [[1, 0, 255]]


def test_colors_to_classes(tmp_path: Path) -> None:
    given = palette(tmp_path, "name,red,green,blue\nsky,200,0,1\nroad,0,0,0\ncar,7,7,7\n")
    colors = np.array([[[7, 7, 7], [0, 0, 0], [200, 0, 1], [200, 0, 2]]], dtype=np.uint8)
    assert given.applied(Plane(colors)).tolist() == [[2, 1, 0, 255]]
    own = np.array([[1, 2, 3], [200, 0, 1]], dtype=np.uint8)
    assert given.applied(Plane(np.array([[1, 0]], dtype=np.uint8), own)).tolist() == [[0, 255]]
    assert given.applied(Plane(np.array([[7, 0]], dtype=np.uint8))).tolist() == [[2, 1]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("index,class\n0,a\n", "no column name"),
        ("name,index\na,-1\n", "line 2: index is '-1'; a whole number from 0 to 65535"),
        ("name,r,g,b\na,0,0,256\n", "b is '256'; a whole number from 0 to 255"),
        ("name,index\na,1\na,2\n", "each with its own name"),
        ("name,index\na,1\n,2\n", "each with its own name"),
        ("name,index\na,1\nb,1\n", "two classes the same value"),
    ],
)
def test_damaged_palettes(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        palette(tmp_path, text)
