from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence

import numpy as np
import pytest

from presight.data.targets import BoxesTarget
from presight.evaluation.tasks.average_precision import (
    OVERLAPS,
    Detections,
    Matches,
    average_precisions,
    influences,
    matched,
    overlaps,
    without_each,
)

CLASSES = 4
Case = tuple[list[BoxesTarget], list[Detections]]


def target(
    boxes: Sequence[Sequence[float]], labels: Sequence[int], crowd: Sequence[bool] | None = None
) -> BoxesTarget:
    held = np.array(boxes, np.float32).reshape(-1, 4)
    return BoxesTarget(
        held,
        np.array(labels, np.int64),
        np.array([False] * len(held) if crowd is None else crowd, bool),
        (held[:, 2:] - held[:, :2]).prod(1),
    )


def detections(
    boxes: Sequence[Sequence[float]], scores: Sequence[float], labels: Sequence[int]
) -> Detections:
    held = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(held, np.array(scores, np.float32), np.array(labels, np.int64))


def drawn(seed: int, images: int = 12) -> Case:
    """Boxes on a grid of quarters, so that overlaps tie; scores of few values; crowds; a class
    without an object, and one that is never found; images without objects or detections."""
    random = np.random.default_rng(seed)
    targets, answers = [], []
    for image in range(images):
        count = 0 if image in (2, 5) else int(random.integers(1, 8))
        corner, extent = random.integers(0, 16, (count, 2)), random.integers(4, 13, (count, 2))
        boxes = np.concatenate([corner, corner + extent], 1).astype(np.float32)
        labels = random.integers(0, CLASSES - 1, count)  # none of the last class
        targets.append(
            target(boxes.tolist(), labels.tolist(), (random.random(count) < 0.2).tolist())
        )
        near = np.repeat(boxes, 3, 0) + random.choice([-1.0, -0.25, 0, 0, 0.25, 1], (3 * count, 4))
        far = random.integers(0, 12, (4, 2))
        found = np.concatenate([near, np.concatenate([far, far + 6], 1)]).astype(np.float32)
        told = np.concatenate([np.repeat(labels, 3), random.integers(0, CLASSES, 4)])
        told[told == 2] = 1  # the third class is never found
        if image in (5, 7):
            found, told = found[:0], told[:0]
        scores = random.integers(1, 6, len(found)) / 5
        answers.append(detections(found.tolist(), scores.tolist(), told.tolist()))
    return targets, answers


def of(case: Case) -> list[Matches]:
    return [matched(found, there, CLASSES) for there, found in zip(*case, strict=True)]


def reference(case: Case) -> np.ndarray:
    """COCOeval's average precision, [10, C]; NaN for a class without an object."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        truth, results = COCO(), []
        annotations = []
        for image, (there, found) in enumerate(zip(*case, strict=True), start=1):
            for box, label, crowd in zip(there.boxes, there.labels, there.crowd, strict=True):
                x0, y0, x1, y1 = box.tolist()
                annotations.append(
                    {"id": len(annotations) + 1, "image_id": image, "category_id": int(label) + 1,
                     "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0),
                     "iscrowd": int(crowd)}
                )  # fmt: skip
            for box, score, label in zip(found.boxes, found.scores, found.labels, strict=True):
                x0, y0, x1, y1 = box.tolist()
                box = [x0, y0, x1 - x0, y1 - y0]
                results.append({"image_id": image, "category_id": int(label) + 1,
                                "bbox": box, "score": float(score)})  # fmt: skip
        truth.dataset = {
            "images": [{"id": image + 1} for image in range(len(case[0]))],
            "categories": [{"id": label + 1, "name": str(label)} for label in range(CLASSES)],
            "annotations": annotations,
        }
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(results), "bbox")
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][:, :, :, 0, -1].astype(float)
    means: np.ndarray = np.where(precision < 0, np.nan, precision).mean(1)
    return means


def figure(found: np.ndarray, positives: int) -> float:
    """Of one image's detections, the surest first."""
    return float(without_each(found, np.zeros(len(found), int), np.array([positives]))[0])


def test_the_figure_of_one_ranking() -> None:
    """Catalogue T8: right, wrong, right, of two objects, at 101 recalls."""
    assert figure(np.array([True, False, True]), 2) == pytest.approx(0.83498, abs=5e-6)


def test_nothing_found_and_all_found() -> None:
    assert figure(np.zeros(3, bool), 2) == figure(np.zeros(0, bool), 2) == 0.0
    assert figure(np.ones(2, bool), 2) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(6))
def test_as_coco_has_it(seed: int) -> None:
    case = drawn(seed)
    whole, _ = average_precisions(of(case))
    expected = reference(case)
    assert np.isnan(expected[:, 3]).all()
    assert (expected[:, 2] == 0).all()
    assert 0.01 < np.nanmean(expected) < 0.99
    assert whole == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_of_objects_that_overlap_alike_the_last_is_found_as_coco_has_it() -> None:
    there = [target([[0, 0, 8, 8], [4, 0, 12, 8]], [0, 0])]
    found = [detections([[2, 0, 10, 8], [4, 0, 12, 8]], [0.9, 0.8], [0, 0])]
    whole, _ = average_precisions(of((there, found)))
    assert whole == pytest.approx(reference((there, found)), abs=1e-6, nan_ok=True)
    assert of((there, found))[0].found[0].tolist() == [True, False]


def test_recalls_are_compared_as_division_rounds_them() -> None:
    points = np.linspace(0.0, 1.0, 101)
    for positives in (7, 20, 25, 40, 50):
        reached = np.arange(1, positives + 1) / positives
        for right in range(1, positives + 1):
            expected = (points <= reached[right - 1]).mean()
            told = figure(np.ones(right, bool), positives)
            assert told == pytest.approx(expected, abs=1e-12)


def test_only_a_hundred_detections_of_a_class_count() -> None:
    there = [target([[0, 0, 8, 8]], [0])]
    wrong = [[20.0, 20, 28, 28]] * 100
    late = detections([*wrong, [0, 0, 8, 8]], [0.9] * 100 + [0.1], [0] * 101)
    other = detections([*wrong, [0, 0, 8, 8]], [0.9] * 100 + [0.1], [1] * 100 + [0])
    for answer in (late, other):
        whole, _ = average_precisions(of((there, [answer])))
        assert whole == pytest.approx(reference((there, [answer])), abs=1e-6, nan_ok=True)


def test_without_an_image_is_as_if_it_had_never_been() -> None:
    targets, answers = drawn(11)
    _, without = average_precisions(of((targets, answers)))
    for image in range(len(targets)):
        rest = [row for row in range(len(targets)) if row != image]
        fewer = ([targets[row] for row in rest], [answers[row] for row in rest])
        expected, _ = average_precisions(of(fewer))
        assert without[image] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_a_class_of_one_image_keeps_its_value_without_it() -> None:
    there = [target([[0, 0, 8, 8]], [0]), target([[0, 0, 8, 8]], [1])]
    found = [detections([[0, 0, 8, 8]], [0.9], [0]), detections([[0, 0, 8, 7]], [0.8], [1])]
    whole, without = average_precisions(of((there, found)))
    assert (without[1, :, 1] == whole[:, 1]).all()
    assert whole[:, 1].tolist() == [1.0] * 8 + [0.0] * 2


def test_influences_are_pseudo_values_with_the_figure_as_their_mean() -> None:
    whole, without = average_precisions(of(drawn(3)))
    parts = influences(whole, without)
    n, figure = len(without), np.nanmean(whole)
    pseudo = n * figure - (n - 1) * np.array([np.nanmean(one) for one in without])
    assert parts == pytest.approx(pseudo + figure - pseudo.mean(), abs=1e-12)
    assert parts.mean() == pytest.approx(figure, abs=1e-12)


def ranked(random: np.random.Generator) -> Matches:
    """An image with two to five objects of one class, about half of them found."""
    objects = int(random.integers(2, 6))
    scores = np.sort(random.random(objects + 3))[::-1].astype(np.float32)
    found = np.tile(random.random(objects + 3) < scores, (len(OVERLAPS), 1))
    found[:, objects:] = False
    one = detections([[0, 0, 1, 1]] * len(scores), scores.tolist(), [0] * len(scores))
    return Matches(one, found, np.zeros_like(found), np.array([objects]))


def test_influences_tell_the_spread_over_sets_of_images() -> None:
    """The standard error from one set of images against the spread over a hundred such sets."""
    random = np.random.default_rng(0)
    rounds = [average_precisions([ranked(random) for _ in range(40)]) for _ in range(100)]
    spread = np.std([whole.mean() for whole, _ in rounds], ddof=1)
    errors = [influences(*found).std(ddof=1) / np.sqrt(40) for found in rounds]
    assert 0.8 < np.median(errors) / spread < 1.25


def test_nothing_to_find_is_no_figure() -> None:
    parts = influences(*average_precisions(of(([target([], [])], [detections([], [], [])]))))
    assert np.isnan(parts).all()
    assert len(parts) == 1


def test_overlaps_are_half_open_and_a_crowd_takes_what_lies_in_it() -> None:
    there = target([[0, 0, 10, 10], [0, 0, 10, 10], [4, 0, 8, 2]], [0, 0, 0], [False, True, False])
    boxes = np.array([[0, 0, 4, 4], [10, 0, 12, 2], [2, 0, 6, 2]], np.float32)
    assert overlaps(boxes, there) == pytest.approx(
        np.array([[0.16, 1.0, 0.0], [0.0, 0.0, 0.0], [0.08, 1.0, 1 / 3]])
    )


def test_a_crowd_is_no_object_and_no_mistake() -> None:
    there = target([[0, 0, 8, 8], [10, 10, 20, 20]], [0, 0], [False, True])
    found = detections([[11, 11, 13, 13], [12, 12, 14, 14], [0, 0, 8, 8]], [0.9, 0.8, 0.1], [0] * 3)
    match = matched(found, there, 1)
    assert match.ignored[:, :2].all()
    assert not match.found[:, :2].any()
    assert match.positives.tolist() == [1]
    assert average_precisions([match])[0].tolist() == [[1.0]] * len(OVERLAPS)


def test_an_object_is_found_once_by_the_surest() -> None:
    there = target([[0, 0, 8, 8]], [0])
    match = matched(detections([[0, 0, 8, 8], [0, 0, 8, 7]], [0.1, 0.9], [0, 0]), there, 1)
    assert match.detections.scores.tolist() == pytest.approx([0.9, 0.1])
    assert match.found[:, 0].tolist() == [True] * 8 + [False] * 2
    assert match.found[:, 1].tolist() == [False] * 8 + [True] * 2
