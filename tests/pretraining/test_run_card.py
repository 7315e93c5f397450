"""The run folder's README.md and its log."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from presight.core import yamlfile
from presight.pretraining.configuration import Configuration, entry_of_method
from presight.pretraining.run_card import about, write_card
from presight.store.doctor import inspect_run
from presight.store.folder import RunFolder
from presight.store.records import read
from tinyruns import DATA, copied, tiny


def test_a_finished_run_has_a_card_of_its_own_files(finished: Path) -> None:
    folder = RunFolder(finished)
    text = folder.card.read_text()
    _, front, body = text.split("---\n", 2)
    assert yamlfile.parse(front)["library_name"] == "presight"
    config = Configuration.read(folder)
    card = entry_of_method(config, folder)
    for words in (
        f"64 images of {DATA}",
        config.fingerprint,
        f"{card.authors}, {card.venue} {card.year}",
        "1 epochs, 4 updates of 16 images, views of 16 pixels",
        f"loss: {list(read(folder.metrics))[-1]['loss']:.6g}",
        "presight.load_backbone",
    ):
        assert words in body
    assert 30 <= len(text.splitlines()) <= 60
    assert str(finished) not in text


def test_a_card_names_no_folder_of_its_owner(finished: Path, tmp_path: Path) -> None:
    folder = RunFolder(finished)
    config = dataclasses.replace(Configuration.read(folder), data=str(tmp_path / "a: b" / "photos"))
    text = about(folder, config, entry_of_method(config, folder))
    assert "images of photos, no labels" in text
    assert str(tmp_path) not in text


def test_a_card_is_made_without_numbers_and_versions(tmp_path: Path) -> None:
    folder = RunFolder(copied(tmp_path / "run"))
    folder.metrics.unlink()
    folder.environment.unlink()
    write_card(folder)
    text = folder.card.read_text()
    assert "## Numbers at the last record\n\n- none was written\n" in text
    assert text.endswith("Made with presight.\n")


def test_a_card_that_was_changed_is_found(tmp_path: Path) -> None:
    folder = RunFolder(copied(tmp_path / "run"))
    folder.card.write_text("something else")
    assert "README.md" in [finding.path for finding in inspect_run(folder) if finding.broken]


def test_the_log_tells_a_run_from_its_first_line_to_its_last(
    finished: Path, tmp_path: Path
) -> None:
    lines = RunFolder(finished).log(0).read_text().splitlines()
    told = "\n".join(lines)
    for words in (f"data      64 images of {DATA}", "note: only 64 images", "backbone  "):
        assert words in told
    folder = copied(tmp_path / "run")
    tiny(folder, epochs=1.25)
    longer = RunFolder(folder).log(0).read_text().splitlines()
    assert longer[: len(lines)] == lines
    assert len(longer) > len(lines)
    assert "1.25 epochs" in RunFolder(folder).card.read_text()
