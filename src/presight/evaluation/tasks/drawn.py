"""Answers drawn on pictures, one function a kind of answer; colors are told apart by everybody.

Colors: Okabe and Ito, Color Universal Design, 2008; depths in matplotlib's viridis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from presight.core.wording import cut
from presight.data.scenes.pose import matrices
from presight.data.source import Pixels
from presight.data.targets import IGNORE
from presight.evaluation.tasks.average_precision import Detections
from presight.evaluation.tasks.task import Answer

SURE = 0.3
"""Score from which on a box is drawn."""

COLORS = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66),
    (0, 114, 178), (213, 94, 0), (204, 121, 167), (90, 90, 90),
)  # fmt: skip
"""Of the first classes, red, green, blue; further ones are these, lighter and darker."""

Line = tuple[str, tuple[int, int, int] | None]
"""Words beneath a picture, and the color of the spot before them."""

_LEAST = 224  # short side that small pictures are enlarged to, pixels
_MOST_LINES = 6
_INK, _PAPER = (20, 20, 20), (255, 255, 255)


def color(number: int) -> tuple[int, int, int]:
    """Red, green, blue of a class; the first eight differ in hue, the next in lightness."""
    turn, base = divmod(number, len(COLORS))
    toward, share = (255, 0.5) if turn % 2 else (0, 0.4)
    if not turn:
        return COLORS[base]
    red, green, blue = (round(c + (toward - c) * share) for c in COLORS[base])
    return red, green, blue


def drawn(task: str, picture: Pixels, answer: Answer, names: Sequence[str] = ()) -> Pixels:
    """A picture with an answer on it.

    Args:
        task: its name.
        picture: uint8 [h, w, 3].
        answer: to this picture, in its pixels, as the task's `answers` and `truth` give it.
        names: of classes or points.

    Returns:
        uint8 [H, W, 3]: a small picture is enlarged by a whole number, words stand beneath.
    """
    made = _DRAWN[task](picture, answer, names)
    found: Pixels = np.asarray(made)
    return found


def shares(picture: Pixels, answer: NDArray[np.float32], names: Sequence[str]) -> Image.Image:
    """The three likeliest classes in words; `answer` [C] are probabilities."""
    order = np.argsort(-answer, kind="stable")[:3]
    lines = [(f"{cut(names[c])}  {100 * answer[c]:.0f} %", None) for c in order if answer[c] > 0]
    return _captioned(_canvas(picture)[0], lines)


def several(picture: Pixels, answer: NDArray[np.float32], names: Sequence[str]) -> Image.Image:
    """The classes that are likelier than not, in words."""
    found = [c for c in np.argsort(-answer, kind="stable") if answer[c] >= 0.5]
    lines = [(f"{cut(names[c])}  {100 * answer[c]:.0f} %", None) for c in found]
    return _captioned(_canvas(picture)[0], lines or [("no class", None)])


def boxes(picture: Pixels, answer: Detections, names: Sequence[str]) -> Image.Image:
    """Boxes with their classes, those of a score from `SURE` on."""
    image, scale = _canvas(picture)
    draw, unit = ImageDraw.Draw(image), _unit(image)
    sure = np.flatnonzero(answer.scores >= SURE)
    for row in sure[::-1]:  # the surest on top
        x0, y0, x1, y1 = (float(value) for value in answer.boxes[row] * scale)
        ends = (x0, y0, max(x0, x1 - 1), max(y0, y1 - 1))
        draw.rectangle(ends, outline=_PAPER, width=3 * unit)
        draw.rectangle(ends, outline=color(int(answer.labels[row])), width=2 * unit)
    lines: list[Line] = []
    for label in dict.fromkeys(answer.labels[sure].tolist()):
        scores = answer.scores[sure[answer.labels[sure] == label]]
        told = ", ".join(f"{100 * score:.0f} %" for score in scores[:4])
        more = f" and {len(scores) - 4} more" if len(scores) > 4 else ""
        lines.append((f"{cut(names[label])}  {told}{more}", color(label)))
    return _captioned(image, lines or [("nothing found", None)])


def regions(picture: Pixels, answer: NDArray[np.uint8], names: Sequence[str]) -> Image.Image:
    """The picture tinted by class [h, w]; where it is 255 it stays as it is."""
    table = np.array([color(number) for number in range(IGNORE + 1)], np.float32)
    tinted = 0.45 * picture + 0.55 * table[answer]
    kept = (answer == IGNORE)[..., None]
    image, _ = _canvas(np.where(kept, picture, tinted.round()).astype(np.uint8))
    counts = np.bincount(answer.ravel(), minlength=IGNORE + 1)[:IGNORE]
    order = [int(c) for c in np.argsort(-counts, kind="stable") if counts[c]]
    lines: list[Line] = [
        (f"{cut(names[c])}  {100 * counts[c] / answer.size:.0f} %", color(c)) for c in order
    ]
    return _captioned(image, lines or [("no class", None)])


def depths(picture: Pixels, answer: NDArray[np.float32], names: Sequence[str] = ()) -> Image.Image:
    """Depths [h, w], near ones bright; where they are 0, unknown, the picture is seen, darkened."""
    import matplotlib

    known = answer > 0
    if not known.any():
        return _captioned(_canvas(picture)[0], [("no depth", None)])
    low, high = np.quantile(answer[known], [0.02, 0.98])
    place = (np.log(np.where(known, answer, low)) - np.log(low)) / max(np.log(high / low), 1e-6)
    colored = matplotlib.colormaps["viridis"](1.0 - place.clip(0, 1), bytes=True)[..., :3]
    image, _ = _canvas(np.where(known[..., None], colored, picture // 3))
    told = f"bright {_meters(float(low))}, dark {_meters(float(high))}"
    return _captioned(image, [(told, None)])


def points(picture: Pixels, answer: NDArray[np.float32], names: Sequence[str]) -> Image.Image:
    """Points [k, 3] with a name each; those whose third number is 0 are not known."""
    image, scale = _canvas(picture)
    draw, unit = ImageDraw.Draw(image), _unit(image)
    lines: list[Line] = []
    for number, (x, y, sure) in enumerate(answer.tolist()):
        if sure <= 0:
            continue
        draw.circle((x * scale, y * scale), 5 * unit, color(number), _PAPER, unit)
        lines.append((cut(names[number]), color(number)))
    return _captioned(image, lines or [("no point", None)])


def turned(picture: Pixels, answer: NDArray[np.float32], names: Sequence[str] = ()) -> Image.Image:
    """A quaternion's object axes in the world, in a corner: front, left and top.

    The camera's place is not known: they are seen from in front, aside and above, the world's z up.
    """
    image, _ = _canvas(picture)
    draw, unit = ImageDraw.Draw(image), _unit(image)
    radius = min(image.size) // 6
    x0, y0 = radius + 4 * unit, image.height - radius - 4 * unit
    box = (x0 - radius, y0 - radius, x0 + radius, y0 + radius)
    draw.ellipse(box, fill=_PAPER, outline=_INK, width=unit)
    axes = matrices(torch.as_tensor(answer)[None])[0].double().numpy()
    seen = np.array([[-0.5, 0.866, 0.0], [-0.433, -0.25, 0.866]])  # right and up, of the world
    lines: list[Line] = []
    for axis, name in enumerate(("front", "left", "top")):
        right, up = seen @ axes[:, axis] * radius * 0.9
        draw.line((x0, y0, x0 + right, y0 - up), fill=color((4, 0, 2)[axis]), width=3 * unit)
        lines.append((name, color((4, 0, 2)[axis])))
    return _captioned(image, lines)


_DRAWN: Mapping[str, Callable[[Pixels, Any, Sequence[str]], Image.Image]] = {
    "classification": shares,
    "pose5": shares,
    "multilabel": several,
    "detection": boxes,
    "segmentation": regions,
    "depth": depths,
    "keypoints": points,
    "pose": turned,
}


def _canvas(picture: Pixels) -> tuple[Image.Image, int]:
    """The picture, enlarged by a whole number where it is small, and that number."""
    scale = math.ceil(_LEAST / max(1, min(picture.shape[:2])))
    large = picture.repeat(scale, 0).repeat(scale, 1) if scale > 1 else picture
    return Image.fromarray(np.ascontiguousarray(large)), scale


def _unit(image: Image.Image) -> int:
    """Pixels of a thin line."""
    return max(1, round(min(image.size) / 400))


def _captioned(image: Image.Image, lines: Sequence[Line]) -> Image.Image:
    """The picture with words beneath, each after a spot of its color."""
    if len(lines) > _MOST_LINES:
        more = len(lines) - _MOST_LINES + 1
        lines = [*lines[: _MOST_LINES - 1], (f"and {more} more", None)]
    unit = _unit(image)
    height, edge = 18 * unit, 4 * unit
    font = ImageFont.load_default(13 * unit)
    whole = Image.new("RGB", (image.width, image.height + len(lines) * height + edge), _PAPER)
    whole.paste(image, (0, 0))
    draw = ImageDraw.Draw(whole)
    for number, (text, spot) in enumerate(lines):
        top, left = image.height + number * height + edge // 2, edge
        if spot is not None:
            draw.rectangle((left, top + 3 * unit, left + 12 * unit, top + 15 * unit), fill=spot)
            left += 17 * unit
        draw.text((left, top), text, fill=_INK, font=font)
    return whole


def _meters(value: float) -> str:
    return f"{value:.3g} m"
