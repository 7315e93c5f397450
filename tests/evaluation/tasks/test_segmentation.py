from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, jaccard_score

from data.labels.making import opened
from data.test_real import place
from evaluation.tasks.painted import CLASSES, Fine, Painted, learned, unlabelled
from presight.core.draw import Draw
from presight.data.canvas import images_of
from presight.errors import DataError
from presight.evaluation.tasks import dense, segmentation
from presight.evaluation.tasks.dense import Head
from presight.evaluation.tasks.segmentation import Segmentation, largest


def task(source: Painted, **options: Any) -> Segmentation:
    return Segmentation.of(source, source, **options)


def confusion(*rows: list[list[int]]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.int32)


def scored(judged: torch.Tensor, classes: int) -> dict[str, np.ndarray[Any, Any]]:
    held = task(Painted(2))
    held.outputs = classes
    return dict(held.score(judged, torch.arange(len(judged))))


def test_a_class_that_is_absent_is_left_out_and_one_that_is_answered_is_not() -> None:
    """Catalogue T10, by hand: IoU 2/4 and 3/5, and a third class without a pixel."""
    there = confusion([[2, 1, 0], [1, 3, 0], [0, 0, 0]])
    found = scored(there, 3)
    assert found["mIoU"].mean() == pytest.approx((2 / 4 + 3 / 5) / 2)
    assert found["pixel accuracy"].mean() == pytest.approx(5 / 7)
    answered = confusion([[2, 1, 0], [1, 2, 1], [0, 0, 0]])
    assert scored(answered, 3)["mIoU"].mean() == pytest.approx((2 / 4 + 2 / 5 + 0) / 3)


def test_the_set_has_one_confusion_matrix() -> None:
    """Means of images' own IoU would be (1 + 0) / 2 here, or (1 + 1/3) / 2."""
    judged = confusion([[9, 0], [0, 0]], [[0, 0], [2, 1]])
    assert scored(judged, 2)["mIoU"].mean() == pytest.approx((9 / 11 + 1 / 3) / 2)
    assert scored(judged, 2)["pixel accuracy"].mean() == pytest.approx(10 / 12)


def test_nothing_that_counts_is_refused() -> None:
    with pytest.raises(DataError, match="no pixel of the test images has a class"):
        scored(torch.zeros(3, 2, 2, dtype=torch.int32), 2)


def whole(judged: np.ndarray[Any, Any], weights: np.ndarray[Any, Any]) -> float:
    """mIoU of weighted images."""
    total = (judged * weights[:, None, None]).sum(0)
    hits = np.diag(total)
    return float(np.mean(hits / (total.sum(0) + total.sum(1) - hits)))


def test_influences_are_derivatives_with_respect_to_an_image_s_weight() -> None:
    judged = np.random.default_rng(0).integers(0, 50, (6, 3, 3)).astype(float)
    judged[4] = 0
    found = scored(torch.tensor(judged), 3)["mIoU"]
    score = whole(judged, np.ones(6))
    assert found.mean() == pytest.approx(score, abs=1e-12)
    for row in range(6):
        moved = np.ones(6)
        moved[row] += 1e-6
        slope = (whole(judged, moved) - score) / 1e-6
        assert found[row] == pytest.approx(score + 6 * slope, abs=1e-4)


def random_answers(source: Painted, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(source), 4, 5, 7, generator=generator)


def test_figures_agree_with_other_libraries() -> None:
    source = Painted(6)
    source.masks[2][:9] = 255
    held, rows = task(source), torch.arange(6)
    answers = random_answers(source)
    found = held.score(held.judge(answers, rows), rows)
    enlarged = [
        torch.nn.functional.interpolate(answers[[i]], source.masks[i].shape, mode="bilinear")
        for i in range(6)
    ]
    shown = np.concatenate([one[0].argmax(0).numpy().ravel() for one in enlarged])
    truth = np.concatenate([mask.ravel() for mask in source.masks])
    known = truth != 255
    pair = truth[known], shown[known]
    assert found["mIoU"].mean() == pytest.approx(jaccard_score(*pair, average="macro"))
    assert found["pixel accuracy"].mean() == pytest.approx(accuracy_score(*pair))
    library = pytest.importorskip("torchmetrics.classification")
    index = library.MulticlassJaccardIndex(4, ignore_index=255)
    value = index(torch.from_numpy(shown), torch.from_numpy(truth).long())
    assert found["mIoU"].mean() == pytest.approx(float(value), abs=1e-6)


def test_pixels_that_count_neither_way_change_nothing() -> None:
    """Catalogue T10."""
    source, other = Painted(2), Painted(2)
    source.masks[0][:12], other.masks[0][:12] = 255, 255
    rows, answers = torch.arange(2), random_answers(source)
    before = task(source).judge(answers, rows)
    answers[0, :, :1] = -answers[0, :, :1]
    # Bilinear enlarging of 5 rows to 24: the first reaches to pixel 6.
    assert (task(other).judge(answers, rows) == before).all()
    assert before[0].sum() == 12 * 32
    assert before[1].sum() == 20 * 20


def test_answers_are_enlarged_to_the_original_picture_before_they_are_decided() -> None:
    """Left 0, right 1, and 2 is second everywhere: between the two it is first."""
    source = Painted(1)
    source.masks[0][:] = 0
    logits = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [0.4, 0.4], [-9.0, -9.0]])
    logits = logits[None, :, None, :].expand(1, 4, 2, 2)
    # 32 columns of two cells: from 1 to -1 in 16 steps of 1/8; 2 where neither exceeds 0.4.
    judged = task(source).judge(logits, torch.tensor([0]))
    assert judged[0, 0].tolist() == [24 * 13, 24 * 13, 24 * 6, 0]


def test_many_pixels_are_decided_some_classes_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = torch.randn(7, 3, 4, generator=torch.Generator().manual_seed(0))
    at_once = largest(logits, (9, 11))
    assert len(at_once.unique()) > 4
    for room in (1, 99 * 3):
        monkeypatch.setattr(segmentation, "_AT_ONCE", room)
        assert (largest(logits, (9, 11)) == at_once).all()


def test_classes_of_a_test_set_are_matched_by_name() -> None:
    source, rows = Painted(3), torch.arange(3)
    names = ("blue", "nothing", "green", "red", "black")
    renamed = task(source, names=names)
    assert (renamed.names, renamed.outputs) == (names, 5)
    expected = np.array([1, 3, 2, 0])[source.masks[0]]
    assert (renamed.planes[0] == expected).all()
    answers = torch.zeros(3, 5, 1, 1)
    answers[:, 3] = 1
    assert (renamed.judge(answers, rows)[:, 3, 3] > 0).tolist() == [True, False, False]


def test_a_class_that_nobody_learned() -> None:
    source = Painted(3)
    with pytest.raises(DataError, match=r"mask of 1\.png shows the class green.*palette\.csv"):
        task(source, names=("nothing", "red", "blue"))
    task(Painted(1), names=("nothing", "red"))  # its masks show no other


def test_a_value_beyond_the_classes() -> None:
    source = Painted(2)
    source.masks[1][0, 0] = 4
    with pytest.raises(DataError, match=r"mask of 1\.png has the value 4; the set has 4 classes"):
        task(source).planes[1]


def test_the_loss_is_a_mean_over_pixels_that_count_and_begins_at_the_shares() -> None:
    source = Painted(2)
    held = task(source)
    model = held.model(Fine())
    views = {"view": torch.rand(2, 3, 8, 8), "label": torch.full((2, 8, 8), 255)}
    assert held.losses(model, views)["cross-entropy"].item() == 0.0
    views["label"][0, 0, :4] = torch.tensor([1, 1, 1, 3])
    loss = held.losses(model, views)["cross-entropy"].item()
    assert loss == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25), abs=3e-3)
    assert model.start.softmax(0).tolist() == pytest.approx([0, 0.75, 0, 0.25], abs=2e-3)


def test_a_blind_answer_is_the_commonest_class() -> None:
    source, other = Painted(3), Painted(6, seed=1)
    source.masks[0][:], source.masks[1][:9], source.masks[2][:] = 255, 2, 3
    rows = torch.arange(6)
    judged = task(source).blind(torch.tensor([0, 1]), task(other), rows)
    answered = torch.as_tensor(judged).sum((0, 1)).tolist()
    assert answered == [sum(mask.size for mask in other.masks), 0, 0, 0]
    judged = task(source).blind(torch.tensor([0, 2]), task(other), rows)
    assert torch.as_tensor(judged)[:, :, :3].sum() == 0


@pytest.mark.parametrize("head", ["linear", "fcn"])
def test_what_is_there_is_learned(head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "WIDTH", 32)
    source = Painted(4, sizes=((12, 12),))
    updates, rate = (60, 3e-2) if head == "linear" else (120, 3e-3)
    scores = learned(
        lambda each: task(each, head=head), source, source, updates=updates, rate=rate, size=12
    )
    assert scores["mIoU"] > 0.97
    assert scores["pixel accuracy"] > 0.98


def test_what_is_not_there_is_not_learned() -> None:
    square = {"sizes": ((20, 20),)}
    test = Painted(9, seed=1, **square)
    right = learned(task, Painted(9, **square), test)
    wrong = learned(task, Painted(9, **square).shuffled(), test)
    assert right["mIoU"] > 0.85
    assert wrong["mIoU"] < 0.45


def test_pictures_without_a_label_are_no_obstacle() -> None:
    source = Painted(6)
    unlabelled(source, 3)
    scores = learned(task, source, source)
    assert scores["mIoU"] > 0.8


def test_scenes() -> None:
    source = opened("scenes:8?size=32&objects=2", "segmentation")
    assert source.classes[0] == "background"
    held = task(source)
    assert (held.outputs, held.planes[3].shape) == (11, (32, 32))
    model = held.model(Fine()).eval()
    views = held.views(32, augment=True)
    batch = images_of(source, side=32).batch(torch.arange(4))
    losses = held.losses(model, views(batch, Draw(0, 0, batch.index)))
    assert 0 < losses["cross-entropy"].item() < np.log(11) / 2


def test_roads(tmp_path: Path) -> None:
    with tarfile.open(place("camvid/camvid.tar")) as archive:
        names = [name for name in archive.getnames() if name.startswith("test/")]
        kept = [name for name in names if Path(name).stem in {Path(n).stem for n in names[:6]}]
        archive.extractall(tmp_path, members=map(archive.getmember, kept), filter="data")
    source = opened(tmp_path / "test", "segmentation", ignore=[11])
    held = Segmentation.of(source, images_of(source, side=64, cache_dir=tmp_path / "packs"))
    rows = torch.arange(len(source))
    judged = torch.as_tensor(held.blind(rows, held, rows))
    assert judged.shape == (len(source), 11, 11)
    void = sum(int((held.planes[row] == 255).sum()) for row in range(len(source)))
    assert int(judged.sum()) == len(source) * 480 * 360 - void
    found = held.score(judged, rows)
    assert 0.02 < found["mIoU"].mean() < 0.06
    assert 0.15 < found["pixel accuracy"].mean() < 0.5
    assert CLASSES[0] not in held.names
