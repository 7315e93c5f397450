from __future__ import annotations

import dataclasses
from pathlib import Path

from presight.reporting.reading import read_run
from presight.reporting.sections import done
from presight.store import integrity
from reporting.doubles import make_run


def test_method_command_options_and_facts(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", name="rotation")
    folder.backbone.write_bytes(b"weights")
    integrity.seal(folder.path, ["backbone.safetensors", "run.json"])
    found = done.section(read_run(folder.path))
    words, command, options, defaults, facts, environment = found.blocks
    assert words.kind == "words"
    assert "trained without labels" in words.text
    assert words.title == done.title_of(read_run(folder.path))
    assert command.kind == "command"
    assert command.text.startswith("presight pretrain rotation")
    assert options.kind == "table"
    assert ("train.epochs", "3", "100", "user") in options.rows
    assert defaults.kind == "folded"
    assert ("train.lr", "0.3", "0.3", "default") in defaults.table.rows
    assert facts.kind == "facts"
    told = dict(facts.rows)
    assert told["images"] == "12,345, views of 32 px"
    assert told["fingerprint"] == "0123abcd"
    assert told["time"] == "12 min"
    assert told["backbone.safetensors"].startswith("SHA-256 ")
    assert "run.json" not in told
    assert environment.kind == "folded"


def test_what_differs_from_the_stored_defaults_is_marked(tmp_path: Path) -> None:
    """By value: a recipe's fields one by one, and what was given as it is anyway is no change."""
    run = dataclasses.replace(
        read_run(make_run(tmp_path / "run").path),
        config={
            "layout": 1, "data": "photos", "method.name": "simclr", "method.views.size": 32,
            "method.views.flip": 0.25, "train.batch_size": 16, "train.lr": 0.3, "run.out": "a",
            "run.track": [],
        },
        origins={"views": "user", "batch_size": "auto: few", "lr": "user", "out": "user"},
        defaults={"method": "simclr", "views.size": 32, "views.flip": 0.5, "batch_size": 256,
                  "lr": 0.3, "out": "", "track": []},
    )  # fmt: skip
    changed, folded = done.section(run).blocks[2:4]
    assert changed.kind == "table"
    assert changed.rows == [
        ("method.views.flip", "0.25", "0.5", "user"),
        ("run.out", "a", "none", "user"),
        ("train.batch_size", "16", "256", "auto: few"),
    ]
    assert list(changed.strong) == [0, 1]
    assert folded.kind == "folded"
    assert [row[0] for row in folded.table.rows] == [
        "method.name", "method.views.size", "train.lr", "run.track",
    ]  # fmt: skip


def test_a_run_that_stored_no_defaults_says_so(tmp_path: Path) -> None:
    run = dataclasses.replace(read_run(make_run(tmp_path / "run").path), defaults={})
    changed = done.section(run).blocks[2]
    assert changed.kind == "table"
    assert ("train.epochs", "3", "not known", "user") in changed.rows
    assert "train.lr" not in {row[0] for row in changed.rows}


def test_folders_are_left_out(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", name="/data/jane/photos").path)
    assert "jane" not in repr(done.section(run).blocks)


def test_a_method_of_another_installation_is_no_error(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", name="quiet").path)
    assert done.title_of(run) == "quiet"
    words = done.section(run).blocks[0]
    assert words.kind == "words"
    assert "no method of this installation" in words.text


def test_an_empty_run_has_little_to_say(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    for file in folder.path.rglob("*"):
        if file.is_file():
            file.write_text("{}" if file.name == "run.json" else "", encoding="utf-8")
    found = done.section(read_run(folder.path))
    assert [block.kind for block in found.blocks] == ["facts"]
