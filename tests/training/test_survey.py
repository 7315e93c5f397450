from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from presight.core.batch import Views
from presight.training import survey as module
from presight.training.runtime import Runtime
from presight.training.survey import DataSurvey
from workbench import COUNT, Diary, Mean, loader


class Normed(Diary):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    made = Runtime("cpu", "fp32")
    yield made
    made.close()


def survey(learner: nn.Module, runtime: Runtime, epoch: int = 2) -> DataSurvey:
    return DataSurvey(learner, loader(3), runtime, seed=1, epoch=epoch)


def expected() -> Tensor:
    images = loader().images.batch(torch.arange(COUNT)).images
    return images.float().mean((2, 3)) / 255


def test_row_i_is_sample_i_and_the_last_batch_is_not_padded(runtime: Runtime) -> None:
    sizes = []

    def look(views: Views) -> Tensor:
        sizes.append(len(views["x"]))
        return views["x"]

    rows = survey(Diary(), runtime).embed(look, views=Mean())
    assert torch.equal(rows, expected())
    assert sum(sizes) == COUNT
    assert sizes[-1] == 1


def test_draws_are_those_of_the_survey(runtime: Runtime) -> None:
    def noise(views: Views) -> Tensor:
        return views["noise"][:, None]

    first = survey(Diary(), runtime).embed(noise, views=Mean())
    again = survey(Diary(), runtime).embed(noise, views=Mean())
    other = survey(Diary(), runtime, epoch=3).embed(noise, views=Mean())
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(first.unique()) == COUNT


@pytest.mark.parametrize("eval_mode", [True, False])
def test_modes_come_back_and_statistics_stay(runtime: Runtime, eval_mode: bool) -> None:
    learner = Normed().train()
    learner.b.eval()
    before = learner.norm.running_mean.clone()
    modes: list[bool] = []

    def look(views: Views) -> Tensor:
        modes.append(learner.norm.training)
        return learner.norm(views["x"]) if eval_mode else views["x"]

    survey(learner, runtime).embed(look, views=Mean(), eval_mode=eval_mode)
    assert set(modes) == {not eval_mode}
    assert torch.equal(learner.norm.running_mean, before)
    assert (learner.training, learner.norm.training, learner.b.training) == (True, True, False)


def test_modes_come_back_after_an_error(runtime: Runtime) -> None:
    learner = Normed().train()

    def fail(views: Views) -> Tensor:
        raise KeyError

    with pytest.raises(KeyError):
        survey(learner, runtime).embed(fail, views=Mean())
    assert learner.norm.training


def test_there_is_no_gradient(runtime: Runtime) -> None:
    learner = Diary()
    rows = survey(learner, runtime).embed(lambda v: learner.a(v["x"]), views=Mean())
    assert not rows.requires_grad


def test_torchs_generator_is_a_function_of_seed_and_epoch(runtime: Runtime) -> None:
    found = []
    for epoch in (2, 2, 3):
        survey(Diary(), runtime, epoch=epoch)
        found.append(torch.rand(3))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_once_runs_once(runtime: Runtime) -> None:
    calls: list[int] = []
    made = survey(Diary(), runtime)
    assert made.once(lambda: len(calls) or calls.append(1) or "done") == "done"
    assert calls == [1]
    assert (made.n_samples, made.seed, made.epoch) == (COUNT, 1, 2)


def test_a_large_table_is_a_map_on_disk(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAP_ABOVE_BYTES", 10)
    rows = survey(Diary(), runtime).embed(lambda v: v["x"], views=Mean())
    assert rows.dtype == torch.float16
    assert torch.allclose(rows.float(), expected(), atol=1e-3)


def test_who_waits_is_told_how_far_it_is(runtime: Runtime) -> None:
    told: list[tuple[str, int, int]] = []

    def wait(what: str, done: int, total: int) -> None:
        told.append((what, done, total))

    passes = DataSurvey(Diary(), loader(3), runtime, seed=1, epoch=2, wait=wait)
    passes.embed(lambda views: views["x"], views=Mean())
    counts = [(done, total) for what, done, total in told if "before epoch 3" in what]
    assert counts == [(done, COUNT) for done in (3, 6, 9, 12, 15, 16)]
    assert passes.once(lambda: torch.ones(1)).item() == 1
    assert told[-1][1:] == (0, 1)
