from __future__ import annotations

import pytest

from presight.reporting.privacy import bare, without_folders


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/data/jane doe/photos", "photos"),
        ("~/photos/", "photos"),
        ("C:\\Users\\jane\\photos", "photos"),
        ("\\\\server\\share\\x", "x"),
        ("../../other/set", "set"),
        ("--labels=/data/jane/labels.csv", "--labels=labels.csv"),
        ("file:/data/x.tar", "x.tar"),
        ("runs/a", "runs/a"),
        ("scenes:600?size=32", "scenes:600?size=32"),
        ("hf:user/set", "hf:user/set"),
        ("3/4", "3/4"),
        ("", ""),
        ("/", "/"),
    ],
)
def test_values(value: str, shown: str) -> None:
    assert bare(value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot read /data/jane/a.png: cut", "cannot read a.png: cut"),
        ("'/data/jane/a.png' and \"~/b/c.csv\"", "'a.png' and \"c.csv\""),
        ("at C:\\Users\\jane\\x.jpg, twice", "at x.jpg, twice"),
        ("../../secret/x is gone", "x is gone"),
        ("runs/a and 3/4 and/or", "runs/a and 3/4 and/or"),
        ("a rate of 12 / 5", "a rate of 12 / 5"),
    ],
)
def test_sentences(text: str, shown: str) -> None:
    assert without_folders(text) == shown
