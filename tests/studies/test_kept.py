from __future__ import annotations

from pathlib import Path

import pytest

from presight.studies.cells import Arm
from presight.studies.kept import kept


class Measure:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, int]:
        self.calls += 1
        return {"value": self.calls}


ARM = Arm("a/b", "resnet9:4")


def test_what_was_measured_is_read(tmp_path: Path) -> None:
    measure = Measure()
    for _ in range(2):
        assert kept(tmp_path / "new", ARM, 0, {"images": 5}, measure) == {"value": 1}


def test_whatever_it_depends_on_has_a_file_of_its_own(tmp_path: Path) -> None:
    measure = Measure()
    kept(tmp_path, ARM, 0, {"images": 5}, measure)
    kept(tmp_path, ARM, 1, {"images": 5}, measure)
    kept(tmp_path, Arm("a-b", "resnet9:4"), 0, {"images": 5}, measure)
    kept(tmp_path, ARM, 0, {"images": 6}, measure)
    assert measure.calls == len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_damaged_file_is_measured_again(tmp_path: Path, text: str) -> None:
    measure = Measure()
    kept(tmp_path, ARM, 0, {}, measure)
    (path,) = tmp_path.iterdir()
    path.write_text(text)
    assert kept(tmp_path, ARM, 0, {}, measure) == {"value": 2}
