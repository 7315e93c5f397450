"""A run measured on tasks: files, figures, and a model that gives the answers that were scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import presight
from presight.data.canvas import images_of
from presight.data.labels import open_task
from presight.errors import DataError, UsageError
from presight.evaluation.outcomes import read_outcomes
from presight.evaluation.tasks.sets import TASKS, TaskSet
from presight.pretraining.tasks import Answered
from presight.reporting.reading import read_run
from presight.store.doctor import inspect_run
from presight.store.folder import RunFolder
from tinyruns import copied, files

SPEC = "scenes:40?size=16"
TEST = "scenes:12?size=16&seed=5"


def asked(run: Path, task: str, mode: str, **options: Any) -> Answered:
    given = {"updates": 3, **options}
    found = presight.evaluate(run, SPEC, task=task, mode=mode, device="cpu", quiet=True, **given)  # type: ignore[arg-type]
    assert isinstance(found, Answered)
    return found


@pytest.mark.parametrize(
    ("task", "mode"),
    [("classification", "finetune"), ("multilabel", "frozen"), ("pose", "frozen"),
     ("segmentation", "finetune"), ("depth", "frozen")],
)  # fmt: skip
def test_the_kept_model_gives_the_answers_that_were_scored(
    task: str, mode: str, tmp_path: Path
) -> None:
    run = copied(tmp_path / "run")
    found = asked(run, task, mode, test=TEST, keep=True)
    model = presight.load_model(found.folder)
    assert found.model == found.folder / "model.safetensors"
    assert (model.task, model.facts.mode, model.facts.about["n_labels"]) == (task, mode, 40)
    source: Any = open_task(TEST, task=TASKS[task].reads)
    whole = TaskSet.of(task, source, images_of(source, side=16), size=16)
    rows = torch.arange(12)
    answers = model.predict(list(source.decode_many(range(12))))
    told = torch.from_numpy(np.stack(answers))
    predictions: Any = {
        "classification": lambda: told.argmax(1),
        "multilabel": lambda: told.logit(),
        "pose": lambda: told,
        "segmentation": lambda: torch.nn.functional.one_hot(told.long(), 11).permute(0, 3, 1, 2),
        "depth": lambda: told.log()[:, None],
    }[task]()
    judged = whole.task.judge(predictions.float() if told.ndim > 2 else predictions, rows)
    metric = whole.task.metrics[0].name
    scored = float(whole.task.score(judged, rows)[metric].mean())
    assert scored == pytest.approx(found.score("pretrained", metric), abs=1e-4)
    assert model.facts.about["scores"][metric] == found.score("pretrained", metric)


def test_rows_figures_and_files(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    before = files(run)
    found = asked(run, "depth", "frozen", label_counts="10,all", seed=2)
    n = len(np.load(found.folder / "by-image.npz")["identity"])
    assert found.folder.name.startswith("depth-frozen-seed2-")
    outcomes, protocol = read_outcomes(found.folder / "task.json")
    assert outcomes == list(found.outcomes)
    most = 40 - n
    assert {(one.row, one.n_train) for one in outcomes} == {
        (row, count) for row in ("pretrained", "untrained", "blind guess") for count in (10, most)
    }
    assert [one.metric for one in outcomes[:6]] == ["delta 1.25"] * 6
    held = np.load(found.folder / "by-image.npz")
    for one in outcomes:
        part = held[f"{one.row}/{one.metric}/{one.n_train}"]
        assert part.mean() == pytest.approx(one.value, rel=1e-5)
        assert one.low <= one.value <= one.high
        assert set(one.above) == (
            {"untrained", "blind guess"} if one.row == "pretrained" else set()
        )
        for other, (gap, low, high) in one.above.items():
            theirs = held[f"{other}/{one.metric}/{one.n_train}"]
            assert gap == pytest.approx((part - theirs).mean(), abs=1e-5)
            assert low <= gap <= high
    assert (protocol["task"], protocol["mode"], protocol["n_test"]) == ("depth", "frozen", n)
    assert protocol["budget"]["least"] == 3
    assert set(protocol["learning"]) == {
        f"{row}/{count}" for row in ("pretrained", "untrained") for count in (10, most)
    }
    errors = [found.score(row, "RMSE") for row in ("pretrained", "untrained", "blind guess")]
    assert len(set(errors)) == 3
    after = files(run)
    assert {Path(name).parts[0] for name in after.keys() - before.keys()} == {"eval"}
    assert {name: after[name] for name in before} == before
    assert found.model is None
    assert not (found.folder / "model.safetensors").exists()
    assert [one for one in inspect_run(run) if one.broken] == []
    assert read_run(run).remarks == []
    assert found.lines()[-1] == found.summary["verdict"]
    assert found.summary["scores"]["pretrained/RMSE"] == found.score("pretrained", "RMSE")
    with pytest.raises(KeyError, match="pretrained, AP"):
        found.score("pretrained", "AP")
    again = asked(run, "depth", "frozen", label_counts="10,all", seed=2)
    assert again.folder == found.folder
    assert again.outcomes == found.outcomes


def test_from_scratch_is_the_row_beside_a_fine_tuned_network(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    found = asked(run, "pose5", "finetune", test=TEST)
    rows = dict.fromkeys(one.row for one in found.outcomes)
    assert list(rows) == ["pretrained", "from scratch", "blind guess"]
    assert "the fine-tuned network" in found.lines()[-1]
    assert (found.folder / "task.json").exists()
    weights = RunFolder(run).backbone.read_bytes()
    assert weights == (copied(tmp_path / "other") / "backbone.safetensors").read_bytes()


def test_a_damaged_model_is_found_by_doctor(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    found = asked(run, "pose5", "frozen", test=TEST, keep=True)
    assert f"model {found.model}" in found.lines()
    assert found.model is not None
    whole = found.model.read_bytes()
    found.model.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    broken = [one for one in inspect_run(run) if one.broken]
    assert [one.path for one in broken] == [f"eval/{found.folder.name}/model.safetensors"]


def test_labels_that_do_not_do_are_refused(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    with pytest.raises(UsageError, match="asks for 999 labels"):
        asked(run, "pose5", "frozen", label_counts="999")
    with pytest.raises(DataError, match="no nowhere here"):
        presight.evaluate(run, "nowhere", task="depth", device="cpu", quiet=True)
