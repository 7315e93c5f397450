from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from presight.errors import IntegrityError, UsageError
from presight.reporting.page import write_report
from presight.reporting.sections.table1 import answered, read_table1, sections

COMMON = ["60 images of 3 classes instead of ImageNet's", "resnet9:8 instead of resnet50"]


def line(title: str, score: list[float] | None, **changes: Any) -> dict[str, Any]:
    published = {
        "title": title, "survey": 0.7, "value": 0.693, "epochs": 1000, "batch_size": 4096,
        "crops": "2 x 224", "source": f"the paper of {title}", "note": "",
    }  # fmt: skip
    return {
        "title": title,
        "method": "/home/somebody/runs/a",
        "published": published,
        "status": "measured" if score else "not here yet",
        "score": score,
        "by_seed": [score[0]] if score else [],
        "epochs": 20.0 if score else None,
        "batch_size": 32 if score else None,
        "crops": "2 x 32" if score else "",
        "difference": score[0] - 0.693 if score else None,
        "apart": [*COMMON, "epochs 20 instead of 1000"] if score else [],
        **changes,
    }


def told(**changes: Any) -> dict[str, Any]:
    """A table's file: one row measured, one that has not landed, one that is not verified."""
    unverified = {"title": "Third", "survey": 0.765, "value": None, "note": "learned from labels"}
    return {
        "layout": 1,
        "plan": {"data": "/home/somebody/photos", "methods": ["/home/somebody/runs/a"], "seeds": 1},
        "setting": {"images": 60, "classes": 3, "backbone": "resnet9:8", "side": 32,
                    "probe_epochs": 5, "apart": COMMON},
        "blind": 0.333,
        "sentence": "Best of 1 frozen: First on resnet9:8: 61.5 % (95 % interval 58.0 to 65.0); "
        "+20.0 points over the untrained network (+15.0 to +25.0).",
        "rows": [
            line("First", [0.615, 0.58, 0.65]),
            line("Second", None),
            line("Third", None, published=unverified),
            line("untrained", [0.415, 0.38, 0.45], published=None, difference=None, apart=[]),
        ],
        **changes,
    }  # fmt: skip


def written(folder: Path, value: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "table1.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return folder


def test_the_sentence_is_the_verdict(tmp_path: Path) -> None:
    found = answered(read_table1(written(tmp_path / "t", told())))
    assert found.before == "Best of 1 frozen: First on resnet9:8:"
    assert found.figure == "61.5\N{NO-BREAK SPACE}%"
    assert found.after == "(95 % interval 58.0 to 65.0)"
    assert found.lede.startswith("+20.0 points over the untrained network")
    assert found.above_untrained
    nothing = told(sentence="No pretrained backbone was measured.", rows=[line("Second", None)])
    assert answered(read_table1(written(tmp_path / "t", nothing))).before == nothing["sentence"]


def test_the_gain_is_none_within_the_interval(tmp_path: Path) -> None:
    value = told()
    value["rows"][3]["score"] = [0.59, 0.55, 0.63]
    assert not answered(read_table1(written(tmp_path / "t", value))).above_untrained


def test_the_page_has_all_and_names_no_place_of_the_machine(tmp_path: Path) -> None:
    page = write_report([written(tmp_path / "t", told())], tmp_path / "r.html").read_text()
    for text in (
        "How does it stand beside the survey",
        "not here yet",
        "not verified",
        "epochs 20 instead of 1000",
        "the paper of First",
        "learned from labels",
        "What was asked",
        "\N{MINUS SIGN}7.8",
        "1,000 epochs, batch 4,096, 2 x 224",
        "20 epochs, batch 32, 2 x 32",
    ):
        assert text in page
    assert "somebody" not in page
    assert "on a table" in page


def test_a_published_figure_is_drawn_only_where_it_compares(tmp_path: Path) -> None:
    def drawing(value: Any) -> str:
        beside = sections(read_table1(written(tmp_path / "t", value)))[0]
        return str(beside.blocks[1].drawing)  # type: ignore[union-attr]

    assert "69.3 %" not in drawing(told())
    value = told()
    value["rows"][0]["apart"] = []
    assert "First published 69.3 %" in drawing(value)


@pytest.mark.parametrize(("seeds", "words"), [(1, "one seed; 95 % over test"), (2, "2 seeds; 95")])
def test_an_interval_says_what_it_is_over(tmp_path: Path, seeds: int, words: str) -> None:
    value = told(rows=[line("First", [0.615, 0.58, 0.65], by_seed=[0.615] * seeds)])
    beside = sections(read_table1(written(tmp_path / "t", value)))[0]
    assert words in beside.blocks[1].protocol  # type: ignore[union-attr]


def test_what_holds_for_all_is_said_once(tmp_path: Path) -> None:
    beside, apart, *_ = sections(read_table1(written(tmp_path / "t", told())))
    assert all(reason in beside.finding for reason in COMMON)
    assert apart.blocks[0].rows == [["First", "epochs 20 instead of 1000"]]  # type: ignore[union-attr]


def test_what_is_known_of_a_pretraining_is_said_and_no_more(tmp_path: Path) -> None:
    value = told()
    for name in ("epochs", "batch_size", "crops"):
        value["rows"][1]["published"][name] = None
    beside, *_ = sections(read_table1(written(tmp_path / "t", value)))
    rows = beside.blocks[0].rows  # type: ignore[union-attr]
    assert rows[1][1:3] == ["69.3\N{NO-BREAK SPACE}%", "epochs and crops not verified"]
    assert rows[2][1:] == ["not verified", "", "not here yet", "", ""]
    assert rows[3][1:3] == ["", ""]
    value["rows"] = value["rows"][1:3]
    kept = sections(read_table1(written(tmp_path / "t", value)))
    assert [one.key for one in kept] == ["beside", "sources", "asked"]


def test_names_full_of_markup_stay_text(tmp_path: Path) -> None:
    value = told(sentence="<b>bold</b>")
    value["rows"][0]["title"] = "<script>alert(1)</script>"
    page = write_report([written(tmp_path / "t", value)], tmp_path / "r.html").read_text()
    assert "<script>alert" not in page
    assert "<b>bold" not in page


@pytest.mark.parametrize(
    "value",
    [
        "",
        "{",
        "[]",
        "{}",
        told(layout=2),
        told(rows=3),
        told(rows=[{"title": "a"}]),
        told(blind="x"),
    ],
)
def test_a_damaged_table_is_said(tmp_path: Path, value: Any) -> None:
    with pytest.raises(IntegrityError, match="table1"):
        read_table1(written(tmp_path / "t", value))


def test_a_table_has_a_page_alone(tmp_path: Path) -> None:
    folder = written(tmp_path / "t", told())
    with pytest.raises(UsageError, match="alone"):
        write_report([folder, folder], tmp_path / "r.html")
