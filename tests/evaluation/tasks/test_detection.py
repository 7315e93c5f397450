from __future__ import annotations

import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from data.test_real import place
from evaluation.doubles import Pictures
from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.data.canvas import images_of
from presight.data.labels import open_task
from presight.data.targets import BoxesTarget
from presight.errors import DataError
from presight.evaluation.finetune import StepBudget, finetune, judged
from presight.evaluation.tasks.average_precision import Detections
from presight.evaluation.tasks.detection import Boxed, Detection
from presight.evaluation.tasks.geometry import Framed
from presight.nn.native import ResNet9
from presight.training.runtime import Runtime

SIDE = 32


class Blocks:
    """Pictures with one or two bright rectangles: red ones are of class a, blue ones of class b."""

    task = "detection"

    def __init__(self, n: int, seed: int, classes: tuple[str, ...] = ("a", "b")) -> None:
        random = np.random.default_rng(seed)
        self.classes = classes
        self.pixels = random.integers(0, 60, (n, 3, SIDE, SIDE)).astype(np.uint8)
        self.targets = [self._paint(row, random) for row in range(n)]
        self.sizes = np.full((n, 2), SIDE)

    def _paint(self, row: int, random: np.random.Generator) -> BoxesTarget:
        boxes = []
        for _ in range(random.integers(1, 3)):
            wide, high = random.integers(8, 15, 2)
            half = 16 * len(boxes)  # one in the left half, one in the right: none hides another
            x, y = half + random.integers(0, 17 - wide), random.integers(0, SIDE + 1 - high)
            boxes.append((x, y, x + wide, y + high))
        labels = random.integers(0, 2, len(boxes))
        for (x0, y0, x1, y1), label in zip(boxes, labels, strict=True):
            self.pixels[row, 0 if label == 0 else 2, y0:y1, x0:x1] = 250
        return of_boxes(boxes, labels.tolist())

    def __len__(self) -> int:
        return len(self.targets)

    def decode(self, i: int) -> np.ndarray:
        return self.pixels[i].transpose(1, 2, 0)

    def identity(self, i: int) -> str:
        return f"{i}.png"

    @property
    def fingerprint(self) -> str:
        return "blocks"

    def target(self, i: int) -> BoxesTarget:
        return self.targets[i]

    @property
    def images(self) -> Pictures:
        return Pictures(torch.from_numpy(self.pixels))


def of_boxes(
    boxes: Sequence[Sequence[float]], labels: Sequence[int], crowd: Sequence[bool] | None = None
) -> BoxesTarget:
    held = np.array(boxes, np.float32).reshape(-1, 4)
    none = [False] * len(held)
    return BoxesTarget(
        held,
        np.array(labels, np.int64),
        np.array(none if crowd is None else crowd, bool),
        (held[:, 2:] - held[:, :2]).prod(1),
    )


def learned(
    source: Blocks, rows: Tensor, updates: int, *, frozen: bool = False, detector: str = "auto"
) -> tuple[Detection, torch.nn.Module]:
    task = Detection.of(source, source.images, detector=detector)  # type: ignore[arg-type]
    torch.manual_seed(0)
    budget = StepBudget(least=updates, most=updates, batch_size=4, rates=(3e-3,))
    runtime = Runtime("cpu", "fp32")
    done = finetune(task, ResNet9(4), source.images, rows, size=SIDE, frozen=frozen, budget=budget,
                    runtime=runtime)  # fmt: skip
    return task, done.model


def figures(
    task: Detection, model: torch.nn.Module, source: Blocks, rows: Tensor
) -> dict[str, float]:
    found = judged(task, model, source.images, rows, size=SIDE)  # type: ignore[arg-type]
    return {name: float(parts.mean()) for name, parts in task.score(found, rows).items()}


def test_a_few_images_are_learned_by_heart() -> None:
    source = Blocks(4, 0)
    task, model = learned(source, torch.arange(4), 90)
    assert task.detector == "centernet"
    told = figures(task, model, source, torch.arange(4))
    assert told["AP50"] > 0.95
    assert told["AP"] > 0.5
    assert list(told) == [metric.name for metric in task.metrics]


def test_what_is_learned_from_shuffled_labels_finds_nothing_new() -> None:
    source = Blocks(24, 0)
    rows = torch.arange(16)
    source.targets = [source.targets[(row + 7) % 24] if row < 16 else source.targets[row]
                      for row in range(24)]  # fmt: skip
    task, model = learned(source, rows, 40)
    assert figures(task, model, source, torch.arange(16, 24))["AP"] < 0.1


@pytest.mark.parametrize(
    "detector", [pytest.param("faster-rcnn", marks=pytest.mark.slow), "retinanet"]
)
def test_torchvisions_detectors_go_the_same_road(detector: str) -> None:
    source = Blocks(4, 0)
    task, model = learned(source, torch.arange(4), 2, frozen=True, detector=detector)
    told = figures(task, model, source, torch.arange(4))
    assert 0.0 <= told["AP"] <= told["AP50"] <= 1.0


def test_views_move_boxes_and_say_whose_they_are() -> None:
    source = Blocks(6, 1)
    source.targets[2] = of_boxes([], [])
    source.targets[3] = of_boxes([[0, 0, 8, 8], [8, 8, 16, 16]], [0, 1], [False, True])
    task = Detection.of(source, source.images)
    batch = source.images.batch(torch.tensor([3, 2, 0]))
    views = task.views(16, augment=False)(batch, Draw(0, 0, batch.index))
    assert views["view"].shape == (3, 3, 16, 16)
    assert views["owner"][0] == 0
    assert views["boxes"][0].tolist() == [0, 0, 4, 4]
    assert views["label"][0] == 0
    first = source.targets[0]
    assert views["owner"].tolist() == [0] + [2] * len(first.boxes)
    assert views["boxes"][1:] == pytest.approx(torch.from_numpy(first.boxes / 2))


def test_boxes_of_parts_lie_on_what_is_bright() -> None:
    source = Blocks(16, 2)
    task = Detection.of(source, source.images)
    batch = source.images.batch(torch.arange(16))
    views = task.views(64, augment=True)(batch, Draw(0, 0, batch.index))
    assert len(views["boxes"]) > 12
    for box, owner, label in zip(views["boxes"], views["owner"], views["label"], strict=True):
        x0, y0, x1, y1 = box.round().int().tolist()
        inside = views["view"][owner, 2 * label, y0:y1, x0:x1]
        assert inside.mean() > 0.85


def test_an_object_less_than_two_pixels_wide_in_the_view_is_not_learned() -> None:
    targets = [of_boxes([[0, 0, 3, 20], [0, 0, 4, 20], [0, 0, 20, 3]], [0, 1, 0])]
    recipe = Boxed(base=Framed(size=16), targets=targets, originals=np.array([[32, 32]]), size=16)
    batch = Batch.of(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
    assert recipe(batch, Draw(0, 0, batch.index))["label"].tolist() == [1]


def test_predictions_are_judged_in_pixels_of_the_picture() -> None:
    task = Detection([of_boxes([[20, 10, 60, 40]], [1])], np.array([[80, 120]]), ("a", "b"))
    shares = np.array([[20 / 120, 10 / 80, 0.5, 0.5]], np.float32)
    one = Detections(shares, np.array([0.5], np.float32), np.array([1]))
    (match,) = task.judge([one], torch.tensor([0]))
    assert match.found.all()
    assert match.detections.boxes == pytest.approx(np.array([[20, 10, 60, 40]]), abs=1e-4)
    told = task.score([match], torch.tensor([0]))
    assert {name: parts.tolist() for name, parts in told.items()} == {
        "AP": [1.0], "AP50": [1.0], "AP75": [1.0],
    }  # fmt: skip


def test_each_figure_reads_its_own_overlaps() -> None:
    """An overlap of 0.76 counts at 0.75 and below."""
    task = Detection([of_boxes([[0, 0, 100, 100]], [0])], np.array([[100, 100]]), ("a",))
    box = np.array([[0, 0, 1.0, 0.76]], np.float32)
    one = Detections(box, np.array([0.5], np.float32), np.array([0]))
    told = task.score(task.judge([one], torch.tensor([0])), torch.tensor([0]))
    assert [float(parts.mean()) for parts in told.values()] == pytest.approx([0.6, 1.0, 1.0])


@pytest.mark.parametrize(
    ("size", "chosen"), [(0, "centernet"), (159, "centernet"), (160, "faster-rcnn")]
)
def test_the_detector_is_chosen_by_the_side_of_a_view(size: int, chosen: str) -> None:
    source = Blocks(2, 0)
    assert Detection.of(source, source.images, size=size).detector == chosen
    assert Detection.of(source, source.images, size=size, detector="retinanet").detector == (
        "retinanet"
    )


def test_classes_of_the_test_set_are_those_of_their_name() -> None:
    tested = Blocks(12, 3, classes=("b", "c"))  # its red ones are called b, its blue ones c
    task = Detection.of(tested, tested.images, names=("a", "b"))
    assert task.names == ("a", "b")
    reds = sum(int((target.labels == 0).sum()) for target in tested.targets)
    assert [label for target in task.targets for label in target.labels] == [1] * reds
    blues = [row for row in range(12) if (tested.targets[row].labels == 1).any()]
    assert [problem.place for problem in task.problems] == [f"{row}.png" for row in blues]
    assert str(task.problems[0]).endswith("box of 'c', a class that was not learned: dropped")


def test_sets_with_nothing_to_find_are_refused() -> None:
    source = Blocks(2, 0)
    with pytest.raises(DataError, match=r"the labels show a, b, and none of .* learned: x"):
        Detection.of(source, source.images, names=("x",))
    source.targets = [of_boxes([], []), of_boxes([[0, 0, 9, 9]], [0], [True])]
    with pytest.raises(DataError, match="no image has a labelled object that counts"):
        Detection.of(source, source.images)
    with pytest.raises(DataError, match="3 labels and 2 images"):
        Detection.of(Blocks(3, 0), source.images)


def test_the_blind_answer_is_the_middle_box_of_each_class() -> None:
    boxes = [[[0, 0, 10, 10]], [[0, 0, 20, 10]], [[0, 0, 30, 10], [5, 5, 20, 20]]]
    targets = [of_boxes(boxes[0], [0]), of_boxes(boxes[1], [0]), of_boxes(boxes[2], [0, 2])]
    task = Detection(targets, np.array([[40, 40]] * 3), ("a", "b", "c"))
    tested = Detection([of_boxes([[0, 0, 40, 20]], [0])], np.array([[80, 80]]), task.names)
    (answer,) = task.blind(torch.arange(3), tested, torch.tensor([0]))
    assert answer.detections.labels.tolist() == [0, 2]
    assert answer.detections.scores.tolist() == [0.75, 0.25]
    assert answer.detections.boxes.tolist() == [[0, 0, 40, 20], [10, 10, 40, 40]]
    assert answer.found[:, 0].all()


def test_raccoons(tmp_path: Path) -> None:
    """A look at real labels: whole pictures, views of 64 pixels, and the blind answer's figure."""
    with tarfile.open(place("raccoon/raccoon-voc.tar")) as archive:
        archive.extractall(tmp_path, filter="data")
    parts = [open_task(tmp_path / f"ImageSets/Main/{name}.txt", task="detection")
             for name in ("train", "test")]  # fmt: skip
    tasks = [
        Detection.of(
            part, images_of(part, side=64, cache_dir=tmp_path), size=64, names=("raccoon",)
        )
        for part in parts
    ]
    rows = torch.arange(len(parts[1]))
    found = tasks[0].blind(torch.arange(len(parts[0])), tasks[1], rows)
    told = {name: parts.mean() for name, parts in tasks[1].score(found, rows).items()}
    assert 0.02 < told["AP"] < told["AP50"] < 0.8
