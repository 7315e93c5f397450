from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from numpy.typing import NDArray

from presight.evaluation.tasks.oks import SIGMA, average_precision, coco_sigmas, similarity

BODY = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
PEOPLE = ("nose", *(f"{side}_{part}" for part in BODY for side in ("left", "right")))


def test_a_point_that_is_two_sigma_off() -> None:
    """Catalogue T12."""
    sigmas, area = coco_sigmas(PEOPLE), np.array([1234.0])
    for one in range(17):
        visible = np.zeros((1, 17), bool)
        visible[0, one] = True
        distance = np.full((1, 17), 1e6)
        distance[0, one] = 2 * sigmas[one] * np.sqrt(area[0])
        found = similarity(distance, visible, area, sigmas)
        assert found == pytest.approx([0.606531], abs=1e-6)


def test_sigmas_are_cocos_for_its_points_only() -> None:
    pycocotools = pytest.importorskip("pycocotools.cocoeval")
    published = pycocotools.Params(iouType="keypoints").kpt_oks_sigmas
    assert coco_sigmas(PEOPLE) == pytest.approx(published)
    assert coco_sigmas(("left_eye", "right_eye")).tolist() == [SIGMA] * 2
    assert coco_sigmas(("nose",) * 17).tolist() == [SIGMA] * 17


def drawn(count: int) -> tuple[NDArray[np.float64], ...]:
    """Answers, labels, areas and scores; some of equal score."""
    draw = np.random.default_rng(3)
    points = draw.uniform(10, 90, (count, 17, 2))
    visible = draw.random((count, 17)) < 0.7
    visible[:, 0] = True
    found = points + draw.normal(size=points.shape) * draw.uniform(0, 8, (count, 1, 1))
    return points, visible, found, draw.uniform(500, 4000, count), draw.integers(0, 9, count) / 9


def test_ap_is_pycocotools() -> None:
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    count = 40
    points, visible, found, area, scores = drawn(count)
    flags = np.where(visible, 2, 0)[..., None]
    boxes = [[0, 0, 100, 100]] * count
    annotations = [
        {"id": i + 1, "image_id": i, "category_id": 1, "iscrowd": 0, "area": area[i],
         "bbox": boxes[i], "num_keypoints": int(visible[i].sum()),
         "keypoints": np.concatenate([points[i], flags[i]], 1).ravel().tolist()}
        for i in range(count)
    ]  # fmt: skip
    answers = [
        {"image_id": i, "category_id": 1, "score": scores[i],
         "keypoints": np.concatenate([found[i], np.ones((17, 1))], 1).ravel().tolist()}
        for i in range(count)
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": i} for i in range(count)],
            "annotations": annotations,
            "categories": [{"id": 1, "name": "person"}],
            "info": {},
        }
        truth.createIndex()
        run = cocoeval.COCOeval(truth, truth.loadRes(answers), "keypoints")
        run.evaluate()
        run.accumulate()
        run.summarize()
    distance = np.linalg.norm(found - points, axis=2)
    oks = similarity(distance, visible.astype(bool), area, coco_sigmas(PEOPLE))
    for i in range(count):
        assert oks[i] == pytest.approx(run.ious[i, 1][0, 0], abs=1e-9)
    assert 0.2 < run.stats[0] < 0.9
    assert average_precision(oks, scores).mean() == pytest.approx(run.stats[0], abs=1e-9)


@pytest.mark.parametrize(("oks", "ap"), [([0.96] * 5, 1.0), ([0.4] * 5, 0.0), ([0.96], 1.0)])
def test_ap_of_all_right_and_all_wrong(oks: list[float], ap: float) -> None:
    found = average_precision(np.array(oks), np.arange(float(len(oks))))
    assert found == pytest.approx([ap] * len(oks))


def test_the_spread_of_the_influence_is_the_error_of_ap() -> None:
    """Over many test sets the standard error that one of them tells is the right one."""
    draw = np.random.default_rng(0)
    aps, errors = [], []
    for _ in range(40):
        oks = draw.beta(4, 2, 40)
        influence = average_precision(oks, oks + 0.3 * draw.random(40))
        aps.append(influence.mean())
        errors.append(influence.std(ddof=1) / np.sqrt(40))
    assert np.mean(errors) == pytest.approx(np.std(aps, ddof=1), rel=0.25)


def test_influence_belongs_to_its_image() -> None:
    """Order of images changes nothing but the order of the values."""
    draw = np.random.default_rng(1)
    oks, scores, order = draw.random(30), draw.random(30), draw.permutation(30)
    assert average_precision(oks[order], scores[order]) == pytest.approx(
        average_precision(oks, scores)[order]
    )
