"""Pictures of the scenes: `python tools/scenes.py docs/scenes.png` draws the sheet of the docs.

`python tools/scenes.py --golden tests/data/scenes/golden` writes what the tests compare pictures
with, for a new version of the recipe.

Upper part: the ten classes in columns, with nothing varied, with texture and color, with viewpoint
and light, and with everything. Lower part: four objects with boxes, masks, depth and normals.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from presight.data.scenes.factors import Kind
from presight.data.scenes.render import Rendered, render
from presight.data.scenes.shapes import CLASSES

Canvas = NDArray[np.uint8]
ROWS = (("", 0), ("TC", 0), ("VL", 0), ("TCVL", 0), ("TCVL", 1), ("TCVL", 2))
CELL, CROWD, CROWDS = 96, 120, 8
COLORS = np.array(
    [(40, 40, 44), (230, 85, 75), (80, 175, 100), (90, 130, 230), (240, 180, 60)], np.uint8
)
GAP = 6


def one_of_each(factors: str, turn: int) -> Canvas:
    """A row of all classes."""
    made = render(Kind(factors), torch.arange(10 * turn, 10 * turn + 10), CELL)
    order = torch.argsort(made.label[:, 0])
    return np.concatenate(list(made.image[order].permute(0, 2, 3, 1).numpy()), 1)


def boxed(made: Rendered, i: int) -> Canvas:
    """A picture with the boxes of its objects."""
    image = Image.fromarray(made.image[i].permute(1, 2, 0).numpy())
    pen = ImageDraw.Draw(image)
    for k, (x0, y0, x1, y1) in enumerate(made.boxes[i].tolist()):
        if x0 < x1:
            pen.rectangle((x0, y0, x1 - 1, y1 - 1), outline=tuple(COLORS[k + 1].tolist()))
    return np.asarray(image)


def crowds() -> Canvas:
    """Pictures, instance masks, depth and normals of four objects each, one below the other."""
    made = render(Kind("TCVLD", 4), torch.arange(CROWDS), CROWD)
    columns = []
    for i in range(CROWDS):
        depth = 1 - (made.depth[i].numpy() - 0.7) / 2.6
        gray = np.where(made.mask[i].numpy() > 0, 255 * depth.clip(0.05, 1), 40)
        normals = (made.normals[i].permute(1, 2, 0).numpy() + 1) * 127.5
        parts = [
            boxed(made, i),
            COLORS[made.mask[i].numpy()],
            np.repeat(gray[..., None], 3, 2).astype(np.uint8),
            normals.astype(np.uint8),
        ]
        columns.append(np.concatenate(parts, 0))
    return np.concatenate(columns, 1)


def sheet() -> Image.Image:
    """Both parts, with the names of the classes above."""
    upper = np.concatenate([one_of_each(*row) for row in ROWS], 0)
    lower = crowds()
    head = 16
    whole = Image.new("RGB", (upper.shape[1], head + len(upper) + GAP + len(lower)), "white")
    pen = ImageDraw.Draw(whole)
    for k, name in enumerate(CLASSES):
        pen.text((CELL * k + CELL // 2, head // 2), name, fill="black", anchor="mm")
    whole.paste(Image.fromarray(upper), (0, head))
    whole.paste(Image.fromarray(lower), (0, head + len(upper) + GAP))
    return whole


def golden(folder: Path) -> None:
    """Rows of small pictures, one file a set of factors and number of objects."""
    folder.mkdir(exist_ok=True)
    for factors, objects in (("TCVL", 1), ("", 1), ("TCVLD", 4)):
        made = render(Kind(factors, objects), torch.arange(24), 32)
        row = np.concatenate(list(made.image.permute(0, 2, 3, 1).numpy()), 1)
        Image.fromarray(row).save(folder / f"{factors or 'none'}-{objects}.png", optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--golden", action="store_true")
    options = parser.parse_args()
    if options.golden:
        golden(options.out)
    else:
        sheet().save(options.out, optimize=True)


if __name__ == "__main__":
    main()
