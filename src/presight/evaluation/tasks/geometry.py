"""One geometry for a picture and its labels: a box of it, mirrored or not, at a view's size."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.core.recipe import Recipe
from presight.views import params
from presight.views.augmented import check_sized
from presight.views.params import ViewParams
from presight.views.render import render


@dataclasses.dataclass(frozen=True, kw_only=True)
class Framed(Recipe):
    """The whole picture, or a random part of it, as a square; its aspect is given up.

    Labels follow exactly: nothing but a box and a mirror is drawn.

    Args:
        scale: least and greatest share of the area that is taken; (1, 1) takes all of it.
        flip: probability of mirroring left and right; 0 where labels do not bear it.
        jitter: probability of a change of brightness, contrast, saturation and hue.
    """

    name: ClassVar[str] = "framed"
    keys: ClassVar[dict[str, str]] = {"view": "[B,3,s,s], one view of each image"}

    scale: tuple[float, float] = (1.0, 1.0)
    flip: float = 0.0
    jitter: float = 0.0

    def params(self, batch: Batch, draw: Draw) -> ViewParams:
        """The view's parameters; labels are moved by its boxes and flips."""
        boxes = batch.frame
        if self.scale != (1.0, 1.0):
            boxes = params.crop_boxes(draw, batch.frame, self.scale, (3 / 4, 4 / 3))
        return ViewParams(
            boxes=boxes,
            flip=params.chance(draw, "flip", self.flip),
            jitter=params.jitter(draw, (0.4, 0.4, 0.4, 0.1), self.jitter) if self.jitter else None,
        )

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """One view of each image, under `view`."""
        return {"view": self.drawn(batch, self.params(batch, draw))}

    def drawn(self, batch: Batch, view: ViewParams) -> Tensor:
        """The views of parameters, float [B,3,s,s]."""
        return render(batch, [view], check_sized(self), self.executor)


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where one image's view lies in its original picture, and how it is turned.

    Args:
        box: x0, y0, x1, y1 in pixels of the original picture, which labels count in.
        flip: mirrored left and right.
        size: side of the view, pixels.
    """

    box: tuple[float, float, float, float]
    flip: bool
    size: int

    def points(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points [..., 2], x and y in pixels of the picture, in pixels of the view."""
        x0, y0, x1, y1 = self.box
        scale = np.array([self.size / (x1 - x0), self.size / (y1 - y0)])
        moved = (points.astype(np.float64) - (x0, y0)) * scale
        if self.flip:
            moved[..., 0] = self.size - moved[..., 0]
        placed: NDArray[np.float32] = moved.astype(np.float32)
        return placed

    def boxes(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes [n, 4] in the view, cut at its edge; one that lies outside has no area."""
        corners = self.points(boxes.reshape(-1, 2, 2))
        ends = np.concatenate([corners.min(1), corners.max(1)], 1)
        cut: NDArray[np.float32] = np.clip(ends, 0.0, float(self.size)).astype(np.float32)
        return cut

    def plane(self, plane: NDArray[np.generic]) -> NDArray[np.generic]:
        """A plane [h, w] in the view [s, s], by its nearest pixels: values are never mixed."""
        x0, y0, x1, y1 = self.box
        middle = (np.arange(self.size) + 0.5) / self.size
        rows = np.floor(y0 + middle * (y1 - y0)).astype(int).clip(0, plane.shape[0] - 1)
        columns = np.floor(x0 + middle * (x1 - x0)).astype(int).clip(0, plane.shape[1] - 1)
        if self.flip:
            columns = columns[::-1]
        seen: NDArray[np.generic] = plane[rows[:, None], columns[None]]
        return seen

    def back(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points [..., 2] of the view in pixels of the picture: the inverse of `points`."""
        x0, y0, x1, y1 = self.box
        given = points.astype(np.float64)
        if self.flip:
            given = given * (-1.0, 1.0) + (self.size, 0.0)
        found = given / self.size * np.array([x1 - x0, y1 - y0]) + np.array([x0, y0])
        placed: NDArray[np.float32] = found.astype(np.float32)
        return placed


def places(batch: Batch, view: ViewParams, size: int, originals: NDArray[np.int64]) -> list[Place]:
    """Where each view of a batch lies in its original picture.

    Args:
        batch: canvases, which may be smaller than the pictures.
        view: parameters with boxes and flips only.
        size: side of a view, pixels.
        originals: int64 [N, 2], height and width of every picture of the set.
    """
    frame, boxes = batch.frame.cpu().double().numpy(), view.boxes.cpu().double().numpy()
    flips = torch.zeros(len(boxes), dtype=torch.bool) if view.flip is None else view.flip.cpu()
    found = []
    for row, index in enumerate(batch.index.tolist()):
        height, width = originals[index]
        start, kept = frame[row, :2], frame[row, 2:] - frame[row, :2]
        scale = np.array([width, height]) / kept
        ends = ((boxes[row].reshape(2, 2) - start) * scale).reshape(4)
        found.append(Place(tuple(ends.tolist()), bool(flips[row]), size))
    return found


def extents(sizes: Sequence[tuple[int, int]] | NDArray[np.int64]) -> Tensor:
    """Float [n, 1, 3], width, height and 1 of pictures of n heights and widths."""
    high, wide = torch.as_tensor(np.asarray(sizes)).float().unbind(1)
    return torch.stack([wide, high, torch.ones_like(wide)], 1)[:, None]


def mirrored(names: Sequence[str]) -> tuple[int, ...] | None:
    """For each point which one it is in a mirror, by the words left and right in names.

    None where no name says it, or where a left or right one has no partner.
    """
    other = {"left": "right", "right": "left"}
    found = []
    for name in names:
        turned = "".join(other.get(part, part) for part in re.split(r"([_ .-])", name))
        if turned not in names:
            return None
        found.append(list(names).index(turned))
    return None if found == list(range(len(names))) else tuple(found)
