from __future__ import annotations

from presight.reporting.pictures import Shown
from presight.reporting.sections import views


def test_views_come_before_what_the_method_makes() -> None:
    pictures = [
        Shown("samples", "shown", "Drawn from the model.", "data:,", 500),
        Shown("views", "views", "A column is an image.", "data:,", 100),
    ]
    found = views.section(pictures)
    assert found is not None
    assert [block.title for block in found.blocks if block.kind == "picture"] == [
        "Views",
        "Samples",
    ]
    assert "as the method saw them" in found.finding
    assert "below" in found.finding
    first = found.blocks[0]
    assert first.kind == "picture"
    assert first.told == "Views: A column is an image."


def test_without_pictures_there_is_no_section() -> None:
    assert views.section([]) is None
