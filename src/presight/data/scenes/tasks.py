"""Scenes labelled for a task: boxes, masks, depths, keypoints, turns, or the classes shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Generic

import numpy as np
import torch
from numpy.typing import NDArray

from presight.data.scenes.camera import camera
from presight.data.scenes.factors import Kind
from presight.data.scenes.pose import matrices
from presight.data.scenes.render import Rendered, render
from presight.data.scenes.shapes import CLASSES
from presight.data.scenes.source import BLOCK, Scenes
from presight.data.source import Labelled, Pixels
from presight.data.targets import (
    BoxesTarget,
    DepthTarget,
    KeypointsTarget,
    MaskTarget,
    MultiClassTarget,
    RotationTarget,
    T_co,
    Target,
)
from presight.errors import UsageError

LEAST_VISIBLE = 16
"""Objects of which fewer pixels are seen are not labelled."""

POINTS = ("center", "front", "left", "top")
"""Keypoints: the center, and half the longest side ahead, to the left and upward of it."""

_PIXELS = BLOCK * 128 * 128  # of a block: larger scenes come in smaller ones
_BLOCKS = 64


class SceneTask(Generic[T_co]):
    """Scenes with the labels of one task; the images are those of the scenes.

    Args:
        scenes: the scenes.
        task: multilabel, detection, segmentation, depth, keypoints or pose.

    Raises:
        UsageError: a task that is not known.
    """

    def __init__(self, scenes: Scenes, task: str) -> None:
        if task not in _TARGETS:
            raise UsageError(f"scenes have no labels for {task!r}; known are {', '.join(TASKS)}.")
        self.scenes, self.task = scenes, task
        named = {"multilabel": CLASSES, "detection": CLASSES}
        named["segmentation"] = ("background", *CLASSES)
        self.classes: tuple[str, ...] = named.get(task, ())

    def __len__(self) -> int:
        return len(self.scenes)

    def decode(self, i: int) -> Pixels:
        """Scene i, uint8 [size, size, 3]."""
        return self.scenes.decode(i)

    def decode_many(self, indices: Sequence[int]) -> Pixels:
        """Scenes by number, uint8 [n, size, size, 3]."""
        return self.scenes.decode_many(indices)

    def identity(self, i: int) -> str:
        """The scene's."""
        return self.scenes.identity(i)

    @property
    def spec(self) -> str:
        """What opens the same images again."""
        return self.scenes.spec

    @property
    def fingerprint(self) -> str:
        """The scenes'."""
        return self.scenes.fingerprint

    @property
    def sizes(self) -> NDArray[np.int64]:
        """[N, 2], height and width."""
        return self.scenes.sizes

    def target(self, i: int) -> T_co:
        """What scene i shows."""
        block = max(1, min(BLOCK, _PIXELS // self.scenes.size**2))
        made = _block(self.scenes.kind, self.scenes.size, self.task, block, i // block)
        return made[i % block]  # type: ignore[return-value]  # the task decides


def scenes_for(scenes: Scenes, task: str) -> Labelled[Target]:
    """Scenes with the labels of a task, classification among them.

    Raises:
        UsageError: a task that is not known.
    """
    return scenes if task == "classification" else SceneTask[Target](scenes, task)


@lru_cache(maxsize=_BLOCKS)
def _block(kind: Kind, size: int, task: str, block: int, number: int) -> tuple[Target, ...]:
    """Targets of some scenes in a row; labels need neither soft edges nor shadows."""
    index = torch.arange(number * block, (number + 1) * block)
    made = render(kind, index, size, antialias=False, shadows=False)
    return tuple(_TARGETS[task](made, row) for row in range(block))


def _kept(made: Rendered, row: int) -> torch.Tensor:
    return (made.visible[row] >= LEAST_VISIBLE).nonzero()[:, 0]


def _classes(made: Rendered, row: int) -> MultiClassTarget:
    present = np.zeros(len(CLASSES), dtype=np.bool_)
    present[made.label[row, _kept(made, row)].numpy()] = True
    return MultiClassTarget(present)


def _boxes(made: Rendered, row: int) -> BoxesTarget:
    kept = _kept(made, row)
    return BoxesTarget(
        made.boxes[row, kept].numpy(),
        made.label[row, kept].numpy(),
        np.zeros(len(kept), dtype=np.bool_),
        made.visible[row, kept].numpy().astype(np.float32),
    )


def _mask(made: Rendered, row: int) -> MaskTarget:
    return MaskTarget(made.classes[row].numpy())


def _depth(made: Rendered, row: int) -> DepthTarget:
    """The background has no depth."""
    return DepthTarget(torch.where(made.mask[row] > 0, made.depth[row], 0.0).numpy())


def _keypoints(made: Rendered, row: int) -> KeypointsTarget:
    """Front and left are known of objects only whose shape shows which side they are.

    Of a scene in which every object is small or hidden, the one that is seen most is labelled.
    """
    kept = _kept(made, row)
    if not len(kept):
        kept = made.visible[row].argmax()[None]
    size = made.image.shape[-1]
    reach = (made.scale[row, kept] / 2)[:, None, None]
    axes = matrices(made.quaternion[row, kept]).mT * reach  # [n, axis, world]
    center = made.position[row, kept][:, None]
    places = torch.cat([center, center + axes], 1)  # [n, 4, 3]
    eye = camera(made.label.shape[1])
    x, y, _ = eye.project(places.reshape(-1, 3).T, size)
    points: NDArray[np.float32] = torch.stack([x, y], 1).view(-1, len(POINTS), 2).numpy()
    visible: NDArray[np.bool_] = np.asarray(((points >= 0) & (points <= size)).all(2))
    visible[:, 1:3] &= (made.symmetry[row, kept] == 0).numpy()[:, None]
    if not visible.any():  # one point at least is known: the nearest to the center
        points, visible[0, 0] = points.clip(0, size), True
    known = np.any(visible, axis=1)
    points = np.where(visible[..., None], points, 0).astype(np.float32)
    area = made.visible[row, kept].numpy().astype(np.float32)
    return KeypointsTarget(points[known], visible[known], area[known], POINTS)


def _turn(made: Rendered, row: int) -> RotationTarget:
    """Of the first object."""
    return RotationTarget(made.quaternion[row, 0].numpy(), int(made.symmetry[row, 0]))


_TARGETS: dict[str, Callable[[Rendered, int], Target]] = {
    "multilabel": _classes,
    "detection": _boxes,
    "segmentation": _mask,
    "depth": _depth,
    "keypoints": _keypoints,
    "pose": _turn,
}
TASKS = ("classification", *_TARGETS)
"""What scenes are labelled for."""
