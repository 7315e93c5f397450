"""The run folder's README.md: what the backbone is, made from the run's own files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from presight.core.registry import Entry
from presight.data.source import shown
from presight.pretraining.configuration import Configuration, entry_of_method
from presight.store import atomic, records
from presight.store.folder import RunFolder

_VERSIONS = ("python", "presight", "torch", "torchvision")

_TEXT = """\
---
library_name: presight
tags: [self-supervised-learning, image-feature-extraction, {name}]
---

# {backbone}, pretrained by {title} without labels

## Data

- {images:,} images of {data}, no labels
- fingerprint of names and contents: {fingerprint}

## Method

- {title} ({family}): {source}
{options}

## Schedule

- {epochs:g} epochs, {updates:,} updates of {batch_size} images, views of {image_size} pixels
- {optimizer}, learning rate {peak:.4g} at its peak, weight decay {weight_decay:g}, {precision}, \
seed {seed}

## Numbers at the last record

{numbers}

The loss says nothing about what the features are worth: `presight evaluate` does, and
writes into the folder `eval`.

## Use

```python
import presight

backbone = presight.load_backbone("THIS_FOLDER")  # images in [0, 1], [B, 3, H, W]
```

The command `presight export THIS_FOLDER --to torchvision` writes other libraries' keys.

## Cite

The method is of {source}.

Made with {versions}.
"""


def write_card(folder: RunFolder, plugin: str = "") -> None:
    """Write README.md of a run that has its configuration, its records and its backbone.

    Args:
        folder: of the run.
        plugin: the user's file that this command took the method from.
    """
    config = Configuration.read(folder, plugin)
    found = entry_of_method(config, folder)
    atomic.write_text(folder.card, card_text(config, found, *seen(folder)))


def seen(folder: RunFolder) -> tuple[dict[str, Any], dict[str, Any]]:
    """The last record of a run, and what its environment.json says."""
    last: dict[str, Any] = {}
    for record in records.read(folder.metrics):
        last = dict(record)
    told: dict[str, Any] = {}
    if folder.environment.is_file():
        told = json.loads(folder.environment.read_text(encoding="utf-8"))
    return last, told


def card_text(
    config: Configuration, card: Entry, last: dict[str, Any], environment: dict[str, Any]
) -> str:
    """The card's text, in Markdown with the front matter that model hubs read."""
    plan, spec = config.plan, config.spec
    options = [f"- {name}: {_word(value)}" for name, value in sorted(config.options.items())]
    return _TEXT.format(
        name=json.dumps(card.name, ensure_ascii=False),
        title=card.title,
        family=card.family,
        source=f"{card.authors}, {card.venue} {card.year}",
        backbone=config.settings.backbone,
        images=spec.n_samples,
        data=_name(config.data),
        fingerprint=config.fingerprint,
        options="\n".join(options),
        epochs=plan.epochs,
        updates=round(plan.epochs * spec.updates_per_epoch),
        batch_size=plan.batch_size,
        image_size=spec.image_size,
        optimizer=plan.optimizer,
        peak=plan.peak_lr(),
        weight_decay=plan.weight_decay,
        precision=plan.precision,
        seed=plan.seed,
        numbers="\n".join(_numbers(last)),
        versions=_versions(environment),
    )


def _numbers(last: dict[str, Any]) -> list[str]:
    """Plain numbers of a record; times are of the machine, not of the backbone."""
    left_out = (
        "time",
        "seconds",
        "seconds_left",
        "images_per_second",
        "data_wait",
        "step",
        "steps",
    )
    found = [
        f"- {name}: {value:.6g}"
        for name, value in last.items()
        if isinstance(value, int | float) and name not in left_out
    ]
    return found or ["- none was written"]


def _name(data: str) -> str:
    """The data's name without the folders above it, which are its owner's business."""
    return shown(data if ":" in data and not Path(data).exists() else Path(data).name)


def _word(value: object) -> str:
    return " ".join(str(value).split())


def _versions(environment: dict[str, Any]) -> str:
    packages = environment.get("packages", {})
    known = {**(packages if isinstance(packages, dict) else {}), **environment}
    found = [f"{name} {known[name]}" for name in _VERSIONS if isinstance(known.get(name), str)]
    return ", ".join(found) or "presight"
