from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.labels.making import images, opened, told
from data.making import write
from presight.errors import DataError


def table(root: Path, *lines: str, header: str = "path,w,x,y,z") -> Path:
    return write(root / "turns.csv", "\n".join([header, *lines]).encode())


def test_a_turn_has_length_1_and_w_from_0(tmp_path: Path) -> None:
    images(tmp_path, 3)
    source = opened(table(tmp_path, "0.png,1,0,0,0", "1.png,-0.6,0,0.8,0", "2.png,.7,.7,0.1,0.13"),
                    "pose")  # fmt: skip
    assert source.task == "pose"
    assert source.target(0).quaternion.tolist() == [1, 0, 0, 0]
    np.testing.assert_allclose(source.target(1).quaternion, [0.6, 0, -0.8, 0], rtol=1e-6)
    rounded = source.target(2).quaternion
    assert rounded.dtype == np.float32
    assert abs(np.linalg.norm(rounded) - 1) < 1e-6
    assert told(source) == []
    other = opened(table(tmp_path, "1.png,0,0,0,1", header="image,qx,qy,qz,qw"), "pose")
    assert other.target(0).quaternion.tolist() == [1, 0, 0, 0]


def test_what_is_wrong_is_named_by_line(tmp_path: Path) -> None:
    images(tmp_path, 3)
    source = opened(
        table(
            tmp_path,
            "0.png,1,0,0,0",
            "0.png,-1,0,0,0",
            "1.png,1,1,1,1",
            "1.png,0,0,0,0",
            "1.png,nan,0,0,1",
            "1.png,,0,0,1",
            "1.png,one,0,0,1",
            "5.png,1,0,0,0",
        ),
        "pose",
    )
    assert told(source) == [
        "turns.csv, line 3: the same row again: dropped",
        "turns.csv, line 4: quaternion whose length is not 1: dropped",
        "turns.csv, line 5: quaternion whose length is not 1: dropped",
        *(f"turns.csv, line {n}: quaternion that is not four numbers: dropped" for n in (6, 7, 8)),
        "turns.csv, line 9: label of an image that is not there: dropped",
        "images/1.png: image without usable labels: left out",
        "images/2.png: image without usable labels: left out",
    ]


def test_two_turns_of_one_image_and_other_columns_stop(tmp_path: Path) -> None:
    images(tmp_path, 1)
    with pytest.raises(DataError, match=r"lines 2 and 3: two turns of 0\.png"):
        opened(table(tmp_path, "0.png,1,0,0,0", "0.png,0,1,0,0"), "pose")
    with pytest.raises(DataError, match=r"no columns w, x, y, z .columns: path, yaw"):
        opened(table(tmp_path, "0.png,1", header="path,yaw"), "pose")
    with pytest.raises(DataError, match="no usable label"):
        opened(table(tmp_path, "0.png,2,0,0,0"), "pose")
