"""evaluate without labels: diagnostics of the run's own images, and what they do not say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import presight
from presight.core.settings import Settings
from presight.errors import DataError
from presight.evaluation.score import read_result
from presight.pretraining import unlabelled as module
from presight.pretraining.configuration import Configuration
from presight.reporting.page import write_report
from presight.reporting.reading import read_run
from presight.store.folder import RunFolder
from tinyruns import copied


def test_without_labels_features_are_diagnosed_and_nothing_is_promised(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    found = presight.evaluate(run, device="cpu", quiet=True)
    assert not found.scores
    assert list(found.diagnostics) == ["pretrained", "untrained"]
    lines = found.lines()
    assert lines[0].startswith("without labels, pretrained: effective rank")
    assert "do not prove" in lines[-1]
    scores, protocol = read_result(found.folder / "result.json")
    assert scores == []
    assert protocol["diagnostics"]["pretrained"]["lidar_views"] == 10
    assert found.summary["scores"] == {}


def test_the_report_shows_it_and_scores_go_before_it(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    presight.evaluate(run, device="cpu", quiet=True)
    facts = read_run(run)
    assert facts.embedding is not None
    page = write_report([run], tmp_path / "report.html").read_text()
    assert "RankMe" in page
    assert "Not measured" in page
    measured = presight.evaluate(
        run, "scenes:60?size=16&seed=5", device="cpu", quiet=True, stages="none"
    )
    presight.evaluate(run, device="cpu", quiet=True)
    assert [score.value for score in read_run(run).scores] == [s.value for s in measured.scores]


def test_images_are_opened_as_asked_under_the_limits_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Settings] = []

    def gone(_: str, settings: Settings) -> None:
        seen.append(settings)
        raise DataError("gone")

    monkeypatch.setattr(module, "open_data", gone)
    run = copied(tmp_path / "run")
    own = Configuration.read(RunFolder(run)).settings
    asked = {"download": True, "follow_links": True, "quiet": True}
    odd = {"min_side": 9, "max_bad_fraction": 0.5}
    with pytest.raises(DataError, match="gone"):
        presight.evaluate(run, device="cpu", **asked, **odd)
    assert seen == [dataclasses.replace(own, **asked)]
