"""How far the executors' views are from each other and from torchvision's at the same parameters.

One random resized crop with flip, color jitter of full strength and gray, by the per-image executor
(8 bits), by the batched one (float32), and by torchvision's functions on float and on 8-bit images.

    OMP_NUM_THREADS=1 python benchmarks/agreement.py [--out benchmarks/results/agreement.json]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.views.params import ViewParams
from presight.views.single import Crop
from views import natural

RECIPE = Crop(scale=(0.05, 1.0), jitter=0.8, gray=0.2)
CASES = ((32, 48, 56, 3000), (96, 144, 168, 600), (224, 392, 523, 120))
BLOCK = 60


def chain(image: Tensor, params: ViewParams, row: int, size: int) -> Tensor:
    x0, y0, x1, y1 = params.boxes[row].int().tolist()
    image = tv.resized_crop(image, y0, x0, y1 - y0, x1 - x0, [size, size], antialias=True)
    image = tv.horizontal_flip(image) if params.flip[row] else image
    jitter = params.jitter
    steps = (tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation, tv.adjust_hue)
    values = (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
    for step in jitter.order[row].tolist():
        image = steps[step](image, float(values[step][row]))
    return tv.rgb_to_grayscale(image, 3) if params.gray[row] else image


def levels(views: Tensor, reference: Tensor) -> Tensor:
    """Mean difference of each view, in 1/255."""
    return 255.0 * (views - reference).abs().flatten(1).mean(1)


def block(size: int, height: int, width: int, first: int) -> dict[str, Tensor]:
    index = torch.arange(first, first + BLOCK)
    batch = Batch.of(natural(BLOCK, height, width), index)
    recipe, draw = RECIPE.sized(size), Draw(0, 0, index)
    made = {
        name: dataclasses.replace(recipe, executor=name)(batch, draw)["view"]
        for name in ("per-image", "batched")
    }
    params = recipe.params(batch, draw)
    exact = torch.stack([chain(i / 255.0, params, r, size) for r, i in enumerate(batch.images)])
    eight = torch.stack([chain(i, params, r, size) for r, i in enumerate(batch.images)]) / 255.0
    return {
        "executors": levels(made["per-image"], made["batched"]),
        "batched": levels(made["batched"], exact),
        "per_image": levels(made["per-image"], exact),
        "torchvision_8_bits": levels(eight, exact),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results/agreement.json"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for size, height, width, count in CASES:
        blocks = [block(size, height, width, first) for first in range(0, count, BLOCK)]
        row = {"size": size, "height": height, "width": width, "views": count}
        for name in blocks[0]:
            error = torch.cat([found[name] for found in blocks])
            row[name] = {
                "mean": float(error.mean()),
                "worst": float(error.max()),
                "over_1": float((error > 1.0).float().mean()),
            }
        rows.append(row)
    options.out.write_text(json.dumps({"rows": rows}, indent=1))
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
