from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_percentage_error, root_mean_squared_error

from data.labels.making import opened
from evaluation.tasks.painted import DEPTHS, Fine, Painted, learned, unlabelled
from presight.errors import DataError
from presight.evaluation.tasks import dense
from presight.evaluation.tasks.dense import Head
from presight.evaluation.tasks.depth import Depth, sums


class Distances(Painted):
    def __init__(self, count: int = 8, seed: int = 0, **options: Any) -> None:
        super().__init__(count, seed, "depth", **options)


def task(source: Painted, **options: Any) -> Depth:
    return Depth.of(source, source, **options)


def figures(answers: torch.Tensor, source: Painted) -> dict[str, float]:
    """Scores of logarithms [n, 1, h, w]."""
    held, rows = task(source), torch.arange(len(source))
    found = held.score(held.judge(answers, rows), rows)
    assert list(found) == [metric.name for metric in held.metrics]
    return {name: float(parts.mean()) for name, parts in found.items()}


@pytest.mark.parametrize(("factor", "delta"), [(1.2499, 1.0), (1.2501, 0.0), (1 / 1.2501, 0.0)])
def test_a_factor_just_within_and_just_beyond(factor: float, delta: float) -> None:
    """Catalogue T11."""
    truth = torch.linspace(0.3, 9.0, 50)
    found = sums(factor * truth.double(), truth) / 50
    assert found[1] == delta
    assert found[2:4].tolist() == [1.0, 1.0]
    assert found[4] == pytest.approx(abs(factor - 1), abs=1e-6)


def test_exactly_the_factor_is_beyond() -> None:
    truth = torch.tensor([4.0, 4.0, 4.0, 5.0])
    answer = torch.tensor([5.0, 6.25, 7.8125, 4.0])
    assert sums(answer, truth)[:4].tolist() == [4, 0, 2, 3]


def test_right_answers() -> None:
    source = Distances(2, sizes=((6, 8),))
    depth = np.stack([source.target(row).depth for row in range(2)])
    answers = torch.from_numpy(np.where(depth > 0, depth, 7)).log()[:, None]
    found = figures(answers, source)
    for name, value in found.items():
        assert value == pytest.approx(1.0 if name.startswith("delta") else 0.0, abs=1e-6)


def test_both_conventions_agree_with_loops() -> None:
    source = Distances(5)
    answers = torch.randn(5, 1, 1, 1, generator=torch.Generator().manual_seed(0))
    found = figures(answers, source)
    pairs = []
    for row in range(5):
        truth = source.target(row).depth
        truth = truth[truth > 0].astype(np.float64)
        pairs.append((truth, np.full_like(truth, float(answers[row].exp()))))

    def near(truth: Any, answer: Any, limit: float) -> float:
        return float(np.mean(np.abs(np.log(answer / truth)) < np.log(limit)))

    everything = tuple(np.concatenate(parts) for parts in zip(*pairs, strict=True))
    for suffix, sets in (("", pairs), (" by pixel", [everything])):
        for power, name in enumerate(("delta 1.25", "delta 1.25^2", "delta 1.25^3"), start=1):
            value = np.mean([near(*pair, 1.25**power) for pair in sets])
            assert found[name + suffix] == pytest.approx(value)
        relative = np.mean([mean_absolute_percentage_error(*pair) for pair in sets])
        assert found["AbsRel" + suffix] == pytest.approx(relative, rel=1e-6)
        root = np.mean([root_mean_squared_error(*pair) for pair in sets])
        assert found["RMSE" + suffix] == pytest.approx(root, rel=1e-6)
    assert found["RMSE"] != pytest.approx(found["RMSE by pixel"], rel=1e-3)


def test_what_is_not_known_changes_nothing() -> None:
    source, other = Distances(2), Distances(2)
    rows, answers = torch.arange(2), torch.randn(2, 1, 3, 4)
    before = task(source).judge(answers, rows)
    plain = other.target

    def spoiled(i: int) -> Any:
        target = plain(i)
        for number, garbage in enumerate((np.nan, np.inf, -3.0)):
            target.depth[number][target.depth[number] == 0] = garbage
        return target

    other.target = spoiled  # type: ignore[method-assign]
    assert (task(other).judge(answers, rows) == before).all()


def test_answers_stay_between_bounds() -> None:
    source = Distances(1)
    held = task(source)
    low, high = (held.judge(torch.full((1, 1, 1, 1), value), torch.tensor([0]))[0]
                 for value in (-200.0, 200.0))  # fmt: skip
    assert low[4] / low[0] == pytest.approx(1 - 1e-3)
    assert high[4] / high[0] == pytest.approx(1e4 - 1)


def test_images_without_a_depth_are_skipped_and_counted() -> None:
    source = Distances(4)
    answers = torch.randn(4, 1, 1, 1, generator=torch.Generator().manual_seed(1))
    unlabelled(source, 2)
    held, rows = task(source), torch.arange(4)
    judged = held.judge(answers, rows)
    assert held.skipped(judged) == 1
    found = held.score(judged, rows)
    others = torch.tensor([0, 1, 3])
    for name, parts in held.score(judged[others], others).items():
        assert found[name].mean() == pytest.approx(parts.mean())
        assert found[name][2] == pytest.approx(parts.mean())
    with pytest.raises(DataError, match="no pixel of the test images has a depth"):
        held.score(judged[[2]], torch.tensor([2]))


def test_the_root_of_pooled_squares_by_image_is_its_derivative() -> None:
    source = Distances(5)
    held, rows = task(source), torch.arange(5)
    judged = held.judge(torch.randn(5, 1, 1, 1, generator=torch.Generator().manual_seed(2)), rows)
    found = held.score(judged, rows)["RMSE by pixel"]
    pixels, squares = judged[:, 0].numpy(), judged[:, 5].numpy()
    score = np.sqrt(squares.sum() / pixels.sum())
    for row in range(5):
        weights = np.ones(5)
        weights[row] += 1e-6
        slope = (np.sqrt((weights * squares).sum() / (weights * pixels).sum()) - score) / 1e-6
        assert found[row] == pytest.approx(score + 5 * slope, abs=1e-4)


def test_the_loss_is_a_mean_over_pixels_that_count_and_begins_at_the_median() -> None:
    held = task(Distances(2))
    model = held.model(Fine())
    label = torch.zeros(2, 4, 4)
    views = {"view": torch.rand(2, 3, 4, 4), "label": label}
    assert held.losses(model, views)["log distance"].item() == 0.0
    label[0, 0] = torch.tensor([1.0, 8.0, 8.0, 64.0])
    assert held.losses(model, views)["log distance"].item() == pytest.approx(np.log(8) / 2)
    assert model.start.tolist() == pytest.approx([np.log(8)])


def test_views_are_mirrored_but_never_cropped() -> None:
    recipe = task(Distances(2)).views(16, augment=True)
    assert (recipe.scale, recipe.flip) == ((1.0, 1.0), 0.5)


def test_a_blind_answer_is_the_median_depth() -> None:
    source, other = Distances(6), Distances(2, seed=1)
    unlabelled(source, 0)
    rows = torch.arange(2)
    # Images show 1, 4 and 2 meters in turn; the first has none.
    judged = task(source).blind(torch.tensor([0, 1, 4, 5]), task(other), rows)
    expected = task(other).judge(torch.full((2, 1, 1, 1), float(np.log(4))), rows)
    assert (torch.as_tensor(judged) == expected).all()
    with pytest.raises(DataError, match="no labelled image has a pixel of known depth"):
        task(source).blind(torch.tensor([0]), task(other), rows)


@pytest.mark.parametrize("head", ["linear", "fcn"])
def test_what_is_there_is_learned(head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "WIDTH", 32)
    source = Distances(4, sizes=((12, 12),))
    updates, rate = (60, 3e-2) if head == "linear" else (120, 3e-3)
    scores = learned(
        lambda each: task(each, head=head), source, source, updates=updates, rate=rate, size=12
    )
    assert scores["delta 1.25"] > 0.98
    assert scores["AbsRel"] < 0.05


def test_what_is_not_there_is_not_learned() -> None:
    square = {"sizes": ((20, 20),)}
    test = Distances(9, seed=1, **square)
    right = learned(task, Distances(9, **square), test)
    wrong = learned(task, Distances(9, **square).shuffled(), test)
    assert right["delta 1.25"] > 0.85
    assert wrong["delta 1.25"] < 0.5


def test_scenes() -> None:
    source = opened("scenes:4?size=32&factors=TCVLD&objects=4", "depth")
    held, rows = task(source), torch.arange(4)
    judged = held.blind(rows, held, rows)
    assert held.skipped(judged) == 0
    found = held.score(judged, rows)
    assert 0.2 < found["delta 1.25"].mean() < 1.0
    assert found["RMSE"].mean() < 2.0
    assert DEPTHS[0] == 0
