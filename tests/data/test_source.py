from __future__ import annotations

import pytest

from presight.data.scenes import Scenes
from presight.data.source import Labelled, Reduced, Sized, Source, shown


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


def test_protocols_are_told_apart() -> None:
    scenes = Scenes(3)
    assert isinstance(scenes, Source)
    assert isinstance(scenes, Labelled)
    assert isinstance(scenes, Sized)
    assert not isinstance(scenes, Reduced)
    assert not isinstance("scenes:3", Source)
