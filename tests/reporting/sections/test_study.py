from __future__ import annotations

from pathlib import Path

import pytest

from presight.errors import UsageError
from presight.reporting.page import write_report
from presight.reporting.sections.study import parts, sections, verdict
from presight.reporting.sections.study_reading import read_study
from reporting.sections.studies import answer, scratch_alone, told, written


def test_the_page_has_all_and_names_no_place_of_the_machine(tmp_path: Path) -> None:
    page = write_report([written(tmp_path / "s", told())], tmp_path / "r.html").read_text()
    for text in (
        "What do labels buy?",
        "How many labels does pretraining save?",
        "200 (150 to more)",
        "more than 200",
        "Frozen or fine-tuned?",
        "Where in the network is it?",
        "What does it cost?",
        "Which method, which task?",
        "What was asked",
    ):
        assert text in page
    assert "somebody" not in page
    assert "report on a study" in page
    assert "All answers" not in page


def test_several_answers_stand_side_by_side_and_each_has_a_part(tmp_path: Path) -> None:
    value = told(answers=[answer(stages=[], modes=[]), answer("depth", "b", stages=[], modes=[])])
    folder = written(tmp_path / "s", value)
    facts = read_study(folder)
    assert [one.key for one in sections(facts)] == ["answers", "gains", "asked"]
    assert [one.name for one in parts(facts)] == ["classification", "depth on b"]
    assert verdict(facts).before == (
        "For classification, with 200 labels take good on resnet9:8 frozen:"
    )
    page = write_report([folder], tmp_path / "r.html").read_text()
    assert '<a href="#r1">depth on b</a>' in page
    assert 'id="r1"' in page
    assert page.count('<details class="whole"') == 2
    assert page.count('<details class="whole" open') == 1
    assert "Each task" in page
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))  # no two charts share a name


def test_without_pretraining_there_is_nothing_saved(tmp_path: Path) -> None:
    facts = read_study(written(tmp_path / "s", scratch_alone()))
    assert [one.key for one in sections(facts)] == ["labels", "asked"]


def test_names_full_of_markup_stay_text(tmp_path: Path) -> None:
    value = scratch_alone()
    value["answers"][0]["entries"][0]["arm"]["method"] = "<script>alert(1)</script>"
    value["answers"][0]["sentence"] = "<b>bold</b>"
    page = write_report([written(tmp_path / "s", value)], tmp_path / "r.html").read_text()
    assert "<script>alert" not in page
    assert "<b>bold" not in page


def test_the_table_goes_with_the_page(tmp_path: Path) -> None:
    folder = written(tmp_path / "s", scratch_alone())
    (folder / "results.csv").write_text("method,value\ngood,0.7\n")
    page = write_report([folder], tmp_path / "r.html").read_text()
    assert 'download="results.csv"' in page
    assert "data:text/csv;charset=utf-8;base64,bWV0aG9kLHZhbHVlCmdvb2QsMC43Cg==" in page


def test_a_large_table_stays_beside_the_page(tmp_path: Path) -> None:
    folder = written(tmp_path / "s", scratch_alone())
    (folder / "results.csv").write_text("x" * 1_600_000)
    page = write_report([folder], tmp_path / "r.html").read_text()
    assert "All cells are in results.csv" in page
    assert len(page) < 1_000_000


def test_a_study_has_a_page_alone(tmp_path: Path) -> None:
    folder = written(tmp_path / "s", scratch_alone())
    with pytest.raises(UsageError, match="alone"):
        write_report([folder, folder], tmp_path / "r.html")


def test_claims_have_a_section_where_the_study_holds_some(tmp_path: Path) -> None:
    one = {"said": "More is more.", "where": "somewhere", "verdict": "agrees",
           "measured": "+3 points.", "missing": ""}  # fmt: skip
    facts = read_study(written(tmp_path / "s", scratch_alone(claims=[one])))
    assert [section.key for section in sections(facts)] == ["labels", "claims", "asked"]


def test_what_did_not_fit_into_the_budget_is_said(tmp_path: Path) -> None:
    value = scratch_alone(budget={"left_out": ["detection: it takes long"]})
    page = write_report([written(tmp_path / "s", value)], tmp_path / "r.html").read_text()
    assert "Left out of the budget" in page
    assert "detection: it takes long." in page
    assert "results-by-image" not in page
