from __future__ import annotations

import pytest

from presight.data.scenes import Scenes
from presight.data.source import Labelled, Reduced, Sized, Source, name_of, shown


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a b/ж中.jpg", "a b/ж中.jpg"),
        ("\x1b]0;title\x07.jpg", r"\x1b]0;title\x07.jpg"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\u200b\u2066x", r"\u200b\u2066x"),
        ("\udcff.png", r"\udcff.png"),
        ("\x9b31m", r"\x9b31m"),
        ("[red]<b>.jpg", "[red]<b>.jpg"),
    ],
)
def test_names_are_shown_without_control_characters(name: str, expected: str) -> None:
    assert shown(name) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("/home/somebody/photos/", "photos"),
        ("../lists/a.csv", "a.csv"),
        ("/gone/trip: 2020/photos", "photos"),
        ("/gone/trip: 2020", "trip: 2020"),
        ("scenes:64?size=16", "scenes:64?size=16"),
        ("torchvision:STL10:unlabeled", "torchvision:STL10:unlabeled"),
        (".", "a folder"),
        ("../..", "a folder"),
        ("/", "a folder"),
        ("a/\x1b[31m", r"\x1b[31m"),
    ],
)
def test_data_is_named_without_the_folders_above(data: str, expected: str) -> None:
    assert name_of(data) == expected


def test_protocols_are_told_apart() -> None:
    scenes = Scenes(3)
    assert isinstance(scenes, Source)
    assert isinstance(scenes, Labelled)
    assert isinstance(scenes, Sized)
    assert not isinstance(scenes, Reduced)
    assert not isinstance("scenes:3", Source)
