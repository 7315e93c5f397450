"""Selection on features whose clusters are the classes, and on features that know nothing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from evaluation.doubles import colored
from presight.errors import UsageError
from presight.evaluation.embedding.choose import typical
from presight.evaluation.probes import linear_answers
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.depth import Depth
from presight.evaluation.tasks.sets import TaskDivision, TaskSet
from presight.store.plain import as_json
from presight.studies import selection
from presight.studies.cells import Arm
from presight.studies.rows import packed
from presight.studies.selection import KINDS, Chosen, Pool, choose, gain, record, selected, sentence

ARM = Arm("good", "resnet9:4")
CLASSES = 8


def clustered(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Features in a tight cluster for each class, of which the first has half of the images."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.where(torch.arange(n) % 2 == 0, 0, torch.arange(n) // 2 % CLASSES)
    noise = torch.randn(n, 16, generator=generator)
    return 4.0 * torch.nn.functional.one_hot(labels, 16) + 0.5 * noise, labels


def pool(labels: Tensor, truth: Tensor) -> Pool:
    return Pool(labels, torch.arange(len(labels)), truth, "two sets")


def nearest_mean(
    train: Tensor, labels: Tensor, test: Tensor, seed: int
) -> tuple[Tensor, dict[str, Any]]:
    seen = torch.unique(labels)
    means = torch.stack([train[labels == one].mean(0) for one in seen])
    return seen[torch.cdist(test, means).argmin(1)], {}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A classifier that takes no time, but where the real one is tested."""
    if "probe" not in request.node.name:
        monkeypatch.setattr(selection, "linear_answers", nearest_mean)


def measured(folder: Path, seed: int = 0, noise: bool = False) -> Chosen:
    bank, labels = clustered(240, 0)
    queries, truth = clustered(160, 1)
    if noise:
        generator = torch.Generator().manual_seed(seed)
        bank, queries = (torch.randn(one.shape, generator=generator) for one in (bank, queries))
    found = selected(
        ARM, seed, lambda: (bank, queries), pool(labels, truth), folder,
        weights={"seed": seed, "noise": noise}, draws=3,
    )  # fmt: skip
    assert found is not None
    return found


def test_on_clusters_that_are_classes_few_chosen_labels_beat_drawn_ones(tmp_path: Path) -> None:
    found = gain([measured(tmp_path, seed) for seed in range(4)])
    first = found.gains["random"][0]
    assert first.low > 0.05
    assert found.mean["random"].low > 0.0
    assert found.classes["selected"][0] > found.classes["random"][0] + 2
    assert found.saved["random"][0].value > 0.5
    assert "beats drawing" in sentence(found)


def test_on_handwritten_digits_chosen_labels_beat_drawn_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real images, their pixels as features."""
    read = load_digits()
    pixels, digits = torch.tensor(read.data).float() / 16, torch.tensor(read.target)
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
    bank, test = order[:600], order[600:]
    monkeypatch.setattr(Pool, "counts", lambda _: [10, 20])
    made = [
        selected(ARM, seed, lambda: (pixels[bank], pixels[test]), pool(digits[bank], digits[test]),
                 tmp_path, weights={})
        for seed in range(3)
    ]  # fmt: skip
    found = gain([one for one in made if one is not None])
    assert found.gains["random"][0].low > 0.05
    assert found.mean["random"].low > 0.05


def test_on_features_that_know_nothing_it_gains_nothing(tmp_path: Path) -> None:
    found = gain([measured(tmp_path, seed, noise=True) for seed in range(3)])
    assert found.mean["random"].low < 0.0 < found.mean["random"].high
    assert "cannot be told" in sentence(found)


def test_choosing_never_sees_a_label() -> None:
    bank, labels = clustered(240, 0)
    other = labels[torch.randperm(240, generator=torch.Generator().manual_seed(5))]
    for kind in ("random", "selected"):
        one, two = (choose(kind, bank, pool(given, given), 16, 3) for given in (labels, other))
        assert torch.equal(one, two)
    one, two = (choose("stratified", bank, pool(given, given), 16, 3) for given in (labels, other))
    assert not torch.equal(one, two)


def test_it_is_the_choice_of_embed() -> None:
    bank, labels = clustered(240, 0)
    assert torch.equal(
        choose("selected", bank, pool(labels, labels), 9, 2), typical(bank, 9, seed=2)
    )


def test_random_labels_are_nested_and_other_ones_each_draw() -> None:
    bank, labels = clustered(240, 0)
    made = pool(labels, labels)
    few, more, other = (choose("random", bank, made, n, d) for n, d in ((8, 0), (16, 0), (8, 1)))
    assert set(few.tolist()) < set(more.tolist())
    assert set(few.tolist()) != set(other.tolist())


def test_answers_are_those_of_the_probe_of_the_chosen_labels(tmp_path: Path) -> None:
    bank, labels = clustered(24, 0)
    queries, truth = clustered(30, 1)
    labels, truth = labels % 3, truth % 3
    made = pool(labels, truth)
    found = selected(ARM, 0, lambda: (bank, queries), made, tmp_path, weights={}, draws=1)
    assert found is not None
    rows = choose("selected", bank, made, 6, 0)
    answers, _ = linear_answers(bank[rows], labels[rows], queries, 0)
    right = found.results()[0, KINDS.index("selected"), found.counts.index(6)]
    assert right.tolist() == (answers == truth).float().tolist()


def test_a_network_is_measured_once(tmp_path: Path) -> None:
    first = measured(tmp_path)

    def refuse() -> tuple[Tensor, Tensor]:
        raise AssertionError

    labels = clustered(240, 0)[1]
    again = selected(
        ARM, 0, refuse, pool(labels, clustered(160, 1)[1]), tmp_path,
        weights={"seed": 0, "noise": False}, draws=3,
    )  # fmt: skip
    assert again == first


def planted(values: dict[str, float], seed: int, draws: int = 2) -> Chosen:
    """A network with given accuracies on 400 images, the same for all counts and draws."""
    words = {
        k: [[packed((np.arange(400) < round(400 * v)).astype(float))] * 2] * draws
        for k, v in values.items()
    }
    return Chosen(ARM, seed, [8, 16], 400, words, {kind: [3.0, 4.0] for kind in values})


def test_gains_are_differences_of_the_kinds_over_networks() -> None:
    values = {"random": 0.4, "stratified": 0.5, "selected": 0.55}
    found = gain([planted({k: v + apart for k, v in values.items()}, s)
                  for s, apart in enumerate((-0.05, 0.0, 0.05))])  # fmt: skip
    assert found.networks == 3
    assert found.draws == 2
    for kind in ("random", "stratified"):
        value, low, high = found.gains[kind][1]
        assert value == pytest.approx(values["selected"] - values[kind])
        assert low <= value <= high
        # What networks have in common with each other is no spread of a paired difference.
        assert high - low < 0.1
    assert [s.value for s in found.scores["random"]] == pytest.approx([0.4, 0.4])


def test_ends_of_shares_are_shares() -> None:
    made = [planted(dict.fromkeys(KINDS, value), s) for s, value in enumerate((0.0, 0.5))]
    assert [(one.low, one.high) for one in gain(made).scores["random"]] == [(0.0, 1.0)] * 2


def test_more_draws_are_no_more_networks() -> None:
    def width(draws: int) -> float:
        made = [planted({"random": 0.4, "stratified": 0.5, "selected": value}, s, draws)
                for s, value in enumerate((0.5, 0.55, 0.6))]  # fmt: skip
        _, low, high = gain(made).gains["random"][0]
        return high - low

    assert width(20) == pytest.approx(width(1))


def test_every_draw_has_labels_of_its_own(tmp_path: Path) -> None:
    found = [measured(tmp_path, seed).results()[:, KINDS.index("random")] for seed in range(2)]
    assert len(np.unique(np.concatenate(found).reshape(6, -1), axis=0)) == 6


def test_the_record_is_plain(tmp_path: Path) -> None:
    told = json.loads(as_json(record([gain([measured(tmp_path)])])))
    assert told["arms"][0]["arm"] == dataclasses.asdict(ARM)
    assert set(told["arms"][0]["scores"]) == set(KINDS)


def test_the_pool_is_of_the_rows_that_count() -> None:
    images = colored(30, 0)
    task = Classification(images.labels, 3)
    own = TaskSet(task, images.images, task.strata, "print", tuple(map(str, range(30))))
    made = Pool.of(TaskDivision(own, own, torch.arange(20), torch.arange(20, 30), "held out"))
    assert torch.equal(made.labels, images.labels[:20])
    assert torch.equal(made.truth, images.labels[20:])
    assert made.counts() == [3, 6]


def test_other_tasks_are_refused() -> None:
    images = colored(30, 0)
    strata = torch.zeros(30, dtype=torch.long)
    own = TaskSet(Depth.__new__(Depth), images.images, strata, "print", tuple(map(str, range(30))))
    with pytest.raises(UsageError, match="not on depth"):
        Pool.of(TaskDivision(own, own, torch.arange(20), torch.arange(20, 30), "held out"))


def test_a_pool_too_small_says_nothing(tmp_path: Path) -> None:
    _, labels = clustered(20, 0)
    found = selected(ARM, 0, lambda: (labels, labels), pool(labels, labels), tmp_path, weights={})
    assert found is None
