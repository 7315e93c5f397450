"""How hard scenes are: what pixels, colors and the object's area alone say, and a small network.

Accuracy in class on 1,000 scenes of the test split, whose shapes no other split has, learned from
2,000 of the train split; one seed. Linear: softmax regression on standardized inputs. Nearest: 10
neighbors by cosine on pictures of 12 x 12. Network: five 3 x 3 convolutions with batch norm, 24 to
128 channels, 300 steps of 64, random shifts of up to 4 pixels. Chance is 0.1.

    python benchmarks/scenes_difficulty.py [--out benchmarks/results/scenes_difficulty.json]
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from presight.data.scenes import Scenes
from presight.data.scenes.factors import VERSION

TRAIN, TEST, STEPS, BATCH, SHIFT = 2000, 1000, 300, 64, 4
WIDTHS = (3, 24, 48, 96, 128, 128)
Set = tuple[Tensor, Tensor, Tensor]


def load(factors: str, split: str, count: int) -> Set:
    """Pictures, classes, and shares of the picture that the object fills."""
    scenes = Scenes(count, size=64, factors=factors, split=split)
    found = [scenes.labels_of(range(first, first + 50)) for first in range(0, count, 50)]
    return (
        torch.cat([one.image for one in found]),
        torch.cat([one.label[:, 0] for one in found]),
        torch.cat([(one.mask > 0).float().mean((1, 2)) for one in found]),
    )


def small(images: Tensor) -> Tensor:
    return F.interpolate(images.float(), 12, mode="area").flatten(1)


def colors(images: Tensor) -> Tensor:
    values = images.float()
    middle = values[:, :, 24:40, 24:40]
    return torch.cat([values.mean((2, 3)), values.std((2, 3)), middle.mean((2, 3))], 1)


def linear(train: Tensor, labels: Tensor, test: Tensor, truth: Tensor) -> float:
    mean, std = train.mean(0), train.std(0) + 1e-6
    train, test = (train - mean) / std, (test - mean) / std
    weight = torch.zeros(train.shape[1], 10, requires_grad=True)
    bias = torch.zeros(10, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(train @ weight + bias, labels) + 0.005 * weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return float(((test @ weight + bias).argmax(1) == truth).float().mean())


def nearest(train: Tensor, labels: Tensor, test: Tensor, truth: Tensor) -> float:
    mean = train.mean(0)
    train, test = F.normalize(train - mean), F.normalize(test - mean)
    return float((labels[(test @ train.T).topk(10).indices].mode(1)[0] == truth).float().mean())


def network(train: Set, test: Set) -> float:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for k, (before, after) in enumerate(pairwise(WIDTHS)):
        convolution = nn.Conv2d(before, after, 3, 2 if k < 4 else 1, 1, bias=False)
        layers += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=2e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, STEPS)
    for _ in range(STEPS):
        rows = torch.randint(0, len(train[0]), (BATCH,))
        padded = F.pad((train[0][rows].float() - 110) / 55, [SHIFT] * 4, mode="reflect")
        y, x = torch.randint(0, 2 * SHIFT + 1, (2,)).tolist()
        loss = F.cross_entropy(model(padded[..., y : y + 64, x : x + 64]), train[1][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        parts = [model((part.float() - 110) / 55).argmax(1) for part in test[0].split(250)]
    return float((torch.cat(parts) == test[1]).float().mean())


def measure(factors: str) -> dict[str, object]:
    train, test = load(factors, "train", TRAIN), load(factors, "test", TEST)
    pixels = (small(train[0]), train[1], small(test[0]), test[1])
    return {
        "factors": factors or "none",
        "linear_pixels": linear(*pixels),
        "linear_colors": linear(colors(train[0]), train[1], colors(test[0]), test[1]),
        "linear_area": linear(train[2][:, None], train[1], test[2][:, None], test[1]),
        "nearest_pixels": nearest(*pixels),
        "network": network(train, test),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = Path(__file__).parent / "results/scenes_difficulty.json"
    parser.add_argument("--out", type=Path, default=here)
    out = parser.parse_args().out
    rows = []
    for factors in ("", "V", "TCVL"):
        rows.append(measure(factors))
        print(json.dumps(rows[-1]), flush=True)
    about = {"version": VERSION, "train": TRAIN, "test": TEST, "steps": STEPS, "batch": BATCH}
    out.write_text(json.dumps({**about, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
