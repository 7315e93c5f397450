"""HTML for notebooks: whole, escaped, and never larger than it should be."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

from presight.pretraining import markup

HOSTILE = "<script>alert('x')</script>\" onload=\"&\u202e"


def test_no_text_becomes_markup(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (4, 4)).save(path)
    made = markup.frame(
        markup.line(HOSTILE),
        markup.note(HOSTILE),
        markup.folded(HOSTILE, [HOSTILE]),
        markup.preformatted([HOSTILE]),
        markup.rows([(HOSTILE, HOSTILE)]),
        markup.bar(0.5, HOSTILE),
        markup.curve([1.0, 2.0], HOSTILE),
        markup.picture(path, HOSTILE),
    )
    assert "<script" not in made
    tree = ElementTree.fromstring(_closed(made))
    assert tree.tag == "div"
    assert not [e for e in tree.iter() if any(key.startswith("on") for key in e.attrib)]


def _closed(made: str) -> str:
    """HTML leaves its pictures open, XML does not."""
    start = made.index("<img ")
    end = made.index(">", made.index("base64,", start))
    return made[:end] + "/" + made[end:]


@pytest.mark.parametrize(
    ("share", "width"), [(0.0, "0.0"), (0.256, "25.6"), (7.0, "100.0"), (math.nan, "0.0")]
)
def test_a_bar_is_as_long_as_its_share(share: float, width: str) -> None:
    assert f"width:{width}%" in markup.bar(share, "x")


def test_a_curve_rises_where_its_values_do() -> None:
    made = markup.curve([0.0, math.inf, 2.0, 1.0], "loss", width=102, height=22)
    assert 'points="1.0,21.0 51.0,1.0 101.0,11.0"' in made
    assert "loss, from 0 to 1" in made
    assert markup.curve([1.0], "loss") == markup.curve([], "loss") == ""
    assert "nan" not in markup.curve([3.0, 3.0], "loss")


def test_many_values_are_thinned_and_few_are_not() -> None:
    values = [float(i) for i in range(10_000)]
    found = markup.thinned(values)
    assert len(found) == markup.POINTS
    assert (found[0], found[-1]) == (0.0, 9999.0)
    assert found == sorted(found)
    assert markup.thinned([1.0, 2.0]) == [1.0, 2.0]


def test_nothing_is_folded_where_there_is_nothing() -> None:
    assert markup.folded("what runs", []) == ""


def test_a_picture_that_is_none_is_left_out(tmp_path: Path) -> None:
    damaged = tmp_path / "x.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    assert markup.picture(damaged, "x") == markup.picture(tmp_path / "none.png", "x") == ""
    large = tmp_path / "large.png"
    Image.new("1", (8000, 8000)).save(large)
    assert markup.picture(large, "x") == ""
    wide = tmp_path / "wide.png"
    Image.effect_noise((4000, 400), 80).save(wide)
    assert len(markup.picture(wide, "x")) < 100_000
