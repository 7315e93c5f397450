"""What a small cached side costs a small crop in detail, on photographs.

    python benchmarks/cached_side.py FOLDER [--size 224]

A crop of a share of the area is resized to a view twice: from the original and from the image as it
is cached. Detail is the energy of the view's gradients from the cache over that from the original.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from presight.data.decode import fitted, shrink
from presight.data.open import open_source

AREAS = (0.08, 0.2, 0.5, 1.0)
FACTORS = (1.15, 1.75, 2.5, 3.5)


def view(image: np.ndarray, area: float, corner: tuple[float, float], size: int) -> np.ndarray:
    height, width = image.shape[:2]
    side = min(min(height, width), (area * height * width) ** 0.5)
    y, x = corner[0] * (height - side), corner[1] * (width - side)
    box = image[round(y) : round(y + side), round(x) : round(x + side)]
    shrinking = cv2.INTER_AREA if min(box.shape[:2]) > size else cv2.INTER_LINEAR
    return cv2.resize(box, (size, size), interpolation=shrinking).astype(np.float32)


def energy(picture: np.ndarray) -> float:
    return float(np.square(np.diff(picture, axis=0)).mean() + np.square(np.diff(picture)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--images", type=int, default=60)
    arguments = parser.parse_args()
    source = open_source(arguments.folder, workers=1)
    wanted = [
        i
        for i in range(len(source))
        if min(source.sizes[i]) >= max(FACTORS) * arguments.size  # type: ignore[attr-defined]
    ][: arguments.images]
    detail: dict[str, list[float]] = {}
    for factor in FACTORS:
        side = round(factor * arguments.size)
        shares = []
        for area in AREAS:
            kept = []
            for i in wanted:
                image = source.decode(i)
                corner = tuple(np.random.default_rng(i).random(2))  # the same for every side
                cached = shrink(image, *fitted(*image.shape[:2], side))
                before = energy(view(image, area, corner, arguments.size))
                after = energy(view(cached, area, corner, arguments.size))
                kept.append(min(1.0, after / before))
            shares.append(float(np.mean(kept)))
        detail[str(side)] = shares
    row = {
        "command": f"python benchmarks/cached_side.py FOLDER --size {arguments.size}",
        "images": len(wanted),
        "areas": AREAS,
        "detail": detail,
    }
    out = Path(__file__).parent / "results" / "cached_side.json"
    out.write_text(json.dumps(row, indent=1) + "\n")
    print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
