"""Images and labels that the tests of labels share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data.making import encoded, pixels, write
from presight.data.labels import Problem, open_task
from presight.data.open import open_source
from presight.data.stored import Stored

HEIGHT, WIDTH = 24, 32


def images(root: Path, count: int = 3) -> Path:
    """0.png, 1.png, ... of 32 x 24 pixels in a folder `images`."""
    data = encoded(pixels(HEIGHT, WIDTH))
    for number in range(count):
        write(root / "images" / f"{number}.png", data)
    return root / "images"


def stored(folder: Path) -> Stored:
    found = open_source(folder, workers=1)
    assert isinstance(found, Stored)
    return found


def opened(spec: Path | str, task: str, **options: Any) -> Any:
    return open_task(spec, task=task, workers=1, **options)


def told(source: Any) -> list[str]:
    """Problems as they are printed."""
    return [str(problem) for problem in source.problems]


def kinds(problems: Sequence[Problem]) -> list[str]:
    return [problem.what for problem in problems]


def coco(root: Path, annotations: list[Any], count: int = 2, **more: Any) -> Path:
    """A COCO file over some images; categories 7 "b" and 3 "a"."""
    listed = [
        {"id": 10 + n, "file_name": f"{n}.png", "height": HEIGHT, "width": WIDTH}
        for n in range(count)
    ]
    categories = [{"id": 7, "name": "b"}, {"id": 3, "name": "a"}]
    whole = {"images": listed, "categories": categories, "annotations": annotations, **more}
    path = root / "labels.json"
    path.write_text(json.dumps(whole))
    return path


def voc(
    root: Path, name: str, objects: list[tuple[str, tuple[object, ...]]], extra: str = ""
) -> Path:
    """A VOC file; an object is a name (escaped already) and xmin, ymin, xmax, ymax."""
    parts = [
        f"<object><name>{label}</name>{extra}<bndbox><xmin>{b[0]}</xmin><ymin>{b[1]}</ymin>"
        f"<xmax>{b[2]}</xmax><ymax>{b[3]}</ymax></bndbox></object>"
        for label, b in objects
    ]
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
    text = f"<annotation><filename>{name}.png</filename>{size}{''.join(parts)}</annotation>"
    return write(root / "Annotations" / f"{name}.xml", text.encode())


def plane(path: Path, values: NDArray[Any], palette: Sequence[int] | None = None) -> Path:
    """A PNG of values; with a palette of red, green, blue, red, ..."""
    image = Image.fromarray(values)
    if palette is not None:
        image.putpalette(list(palette))
    return write(path, encoded(image))


def halves(left: int, right: int, kind: type = np.uint8) -> NDArray[Any]:
    """[24, 32] of two values side by side."""
    values = np.full((HEIGHT, WIDTH), left, dtype=kind)
    values[:, WIDTH // 2 :] = right
    return values
