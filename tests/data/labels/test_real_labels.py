"""Labels of real images, where they are at hand."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from data.labels.making import opened, told
from data.test_real import place


def unpacked(name: str, target: Path) -> Path:
    with tarfile.open(place(name)) as archive:
        archive.extractall(target, filter="data")
    return target


def test_raccoons(tmp_path: Path) -> None:
    root = unpacked("raccoon/raccoon-voc.tar", tmp_path)
    source = opened(root, "detection")
    assert (len(source), source.classes, told(source)) == (200, ("raccoon",), [])
    first = [source.identity(i) for i in range(200)].index("raccoon-1.jpg")
    assert source.target(first).boxes.tolist() == [[80, 87, 522, 408]]
    parts = [opened(root / f"ImageSets/Main/{name}.txt", "detection") for name in ("train", "test")]
    assert [len(part) for part in parts] == [160, 40]
    packed = opened(root / "Annotations", "detection", images=place("raccoon/raccoon-voc.tar"))
    assert len(packed) == 200


def test_roads(tmp_path: Path) -> None:
    root = unpacked("camvid/camvid.tar", tmp_path)
    for name, count in (("train", 140), ("test", 60)):
        source = opened(root / name, "segmentation", ignore=[11])
        assert (len(source), len(source.classes), told(source)) == (count, 11, [])
        assert set(np.unique(source.target(0).mask)) <= {*range(11), 255}


def test_faces(tmp_path: Path) -> None:
    root = unpacked("faces/faces.tar", tmp_path)
    sources: list[Any] = [
        opened(root / f"{name}.csv", "keypoints") for name in ("training", "test")
    ]
    assert [len(source) for source in sources] == [450, 150]
    for source in sources:
        assert len(source.target(0).names) == 68
        share = np.mean([source.target(i).visible.mean() for i in range(len(source))])
        assert share > 0.99
