from __future__ import annotations

import json
from pathlib import Path

from presight.evaluation.score import write_result
from presight.reporting.reading import read_run
from presight.reporting.sections import learned
from reporting.doubles import make_embedding, make_run, score, usual_scores


def test_gallery_and_map_cut_from_one_sheet(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", scores=usual_scores())
    make_embedding(folder.evaluation("one") / "embedding")
    found, sheets = learned.section(read_run(folder.path), "r0")
    assert [block.kind for block in found.blocks] == ["gallery", "map"]
    assert sheets is not None
    assert (sheets.id, sheets.width) == ("r0-sheet", 128)
    assert "share its class" in found.finding


def test_less_detail_keeps_the_gallery(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", scores=usual_scores())
    make_embedding(folder.evaluation("one") / "embedding")
    run = read_run(folder.path)
    (full, first), (less, second), (none, third) = (
        learned.section(run, "r0", detail) for detail in (0, 1, 2)
    )
    assert first is not None
    assert second is not None
    assert len(second.address) < len(first.address)
    assert [block.kind for block in less.blocks] == [block.kind for block in full.blocks]
    assert third is None
    assert [block.kind for block in none.blocks] == ["map"]


def test_label_free_numbers_stand_beside_each_other(tmp_path: Path) -> None:
    scores = [score(row, "linear", 0.5, effective_rank=rank, rank_images=99)
              for row, rank in (("pretrained", 30.25), ("untrained", 4.0))]  # fmt: skip
    run = read_run(make_run(tmp_path / "run", scores=scores).path)
    table = learned.diagnostics(run)
    assert table is not None
    assert table.head == ("number", "pretrained", "untrained")
    assert table.rows[0] == ("effective rank, centered", "30.25", "4")


def test_diagnostics_of_the_protocol_come_first(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    held = {"pretrained": {"dead_units": 0.5, "words": "x"}, "broken": 3}
    write_result(folder.evaluation("one"), usual_scores(), {"diagnostics": held})
    table = learned.diagnostics(read_run(folder.path))
    assert table is not None
    assert table.rows == [("dead units", "0.5")]


def test_with_nothing_the_command_is_named(tmp_path: Path) -> None:
    found, sheets = learned.section(read_run(make_run(tmp_path / "run").path), "r0")
    assert sheets is None
    assert not found.blocks
    assert "presight evaluate" in found.finding


def test_an_embedding_without_a_map_has_its_gallery(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    place = make_embedding(folder.path / "embed" / "x")
    told = json.loads((place / "embed.json").read_text())
    (place / "embed.json").write_text(json.dumps({**told, "map": {"kind": "none"}}))
    found, _ = learned.section(read_run(folder.path), "r0")
    assert [block.kind for block in found.blocks] == ["gallery"]
