from __future__ import annotations

import numpy as np
import pytest
import torch

from presight.data.canvas import images_of
from presight.data.scenes import Scenes
from presight.data.scenes.tasks import LEAST_VISIBLE, POINTS, TASKS, SceneTask, scenes_for
from presight.data.source import Blocks, Labelled, Sized
from presight.errors import UsageError

SCENES = Scenes(40, size=48, factors="TCVLD", objects=4)


def made(task: str, scenes: Scenes = SCENES) -> SceneTask:  # type: ignore[type-arg]
    return SceneTask(scenes, task)


def test_the_images_are_those_of_the_scenes() -> None:
    for task in TASKS[1:]:
        source = made(task)
        assert isinstance(source, Labelled)
        assert isinstance(source, Blocks)
        assert isinstance(source, Sized)
        assert (source.spec, source.fingerprint) == (SCENES.spec, SCENES.fingerprint)
        np.testing.assert_array_equal(source.decode(3), SCENES.decode(3))
        assert source.identity(3) == SCENES.identity(3)
    assert scenes_for(SCENES, "classification") is SCENES
    with pytest.raises(UsageError, match="no labels for 'normals'; known are classification, mult"):
        made("normals")


def test_labels_are_those_of_the_finished_picture() -> None:
    """They are made without soft edges and shadows, and in blocks."""
    boxes, masks, depths, classes = (
        made(task) for task in ("detection", "segmentation", "depth", "multilabel")
    )
    for i in (31, 32):
        whole = SCENES.scene(i)
        kept = whole.visible[0] >= LEAST_VISIBLE
        assert torch.equal(torch.from_numpy(boxes.target(i).boxes), whole.boxes[0, kept])
        assert boxes.target(i).labels.tolist() == whole.label[0, kept].tolist()
        assert boxes.target(i).area.tolist() == whole.visible[0, kept].tolist()
        np.testing.assert_array_equal(masks.target(i).mask, whole.classes[0])
        valid = depths.target(i).valid
        np.testing.assert_array_equal(valid, whole.mask[0] > 0)
        np.testing.assert_array_equal(depths.target(i).depth[valid], whole.depth[0].numpy()[valid])
        present = classes.target(i).present.nonzero()[0].tolist()
        assert present == sorted(set(whole.label[0, kept].tolist()))


def test_hardly_visible_objects_are_not_labelled() -> None:
    scenes = Scenes(64, size=16, factors="TCVLD", objects=4)
    source = made("detection", scenes)
    counts = [len(source.target(i).boxes) for i in range(64)]
    assert min(counts) < 4
    assert min(area for i in range(64) for area in source.target(i).area) >= LEAST_VISIBLE


def test_keypoints_lie_on_the_object_and_follow_its_turn() -> None:
    scenes = Scenes(32, size=32, factors="", objects=1)
    source = made("keypoints", scenes)
    symmetry = scenes.labels_of(range(32)).symmetry[:, 0].tolist()
    assert {0, 2} <= set(symmetry)
    for i in range(32):
        target = source.target(i)
        assert target.names == POINTS
        (center, front, left, top), visible = target.points[0], target.visible[0]
        assert visible[0]
        assert visible[3]
        assert abs(center[0] - 16) < 1e-3  # the camera looks at it
        assert abs(center[1] - 16) < 1e-3
        assert top[1] < center[1]
        assert visible[1] == visible[2] == (symmetry[i] == 0)
        if visible[1]:  # turned by -30 degrees: the front is nearer, so lower, and to the left
            assert front[1] > center[1]
            assert front[0] < center[0]
            assert left[0] > center[0]


def test_poses_are_unit_quaternions_of_the_first_object() -> None:
    source = made("pose")
    for i in (0, 33):
        whole = SCENES.scene(i)
        target = source.target(i)
        assert target.quaternion.tolist() == whole.quaternion[0, 0].tolist()
        assert target.symmetry == int(whole.symmetry[0, 0])
        assert abs(np.linalg.norm(target.quaternion) - 1) < 1e-5
        assert target.quaternion[0] >= 0


def test_large_scenes_come_in_smaller_blocks_with_the_same_labels() -> None:
    scenes = Scenes(3, size=512, objects=1, factors="")
    mask = made("segmentation", scenes).target(1).mask
    np.testing.assert_array_equal(mask, scenes.scene(1).classes[0])


def test_canvases_of_scenes_with_a_task() -> None:
    images = images_of(made("detection"), side=28, workers=1)
    assert images.batch(torch.tensor([5])).images.shape == (1, 3, 28, 28)
