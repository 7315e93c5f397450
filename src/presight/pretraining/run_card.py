"""The run folder's README.md: what the backbone is, made from the run's own files alone."""

from __future__ import annotations

import json
from typing import Any

from presight.core.registry import Entry
from presight.data.source import name_of
from presight.pretraining.configuration import Configuration, entry_of_method
from presight.store import atomic, records
from presight.store.folder import RunFolder

_VERSIONS = ("python", "presight", "torch", "torchvision")

_ABOUT = """\
# {backbone}, pretrained by {title} without labels

## Data

- {images:,} images of {data}, no labels
- fingerprint of names and contents: {fingerprint}

## Method

- {title} ({family}): {origin}
{options}

## Schedule

- {epochs:g} epochs, {updates:,} updates of {batch_size} images, views of {image_size} pixels
- {optimizer}, learning rate {peak:.4g} at its peak, weight decay {weight_decay:g}, {precision}, \
seed {seed}

## Numbers at the last record

{numbers}

The loss says nothing about what the features are worth: `presight evaluate` does, and
writes into the folder `eval`.
"""
_TEXT = """\
---
library_name: presight
tags: [self-supervised-learning, image-feature-extraction, {name}]
---

{about}
## Use

```python
import presight

backbone = presight.load_backbone("THIS_FOLDER")  # images in [0, 1], [B, 3, H, W]
```

The command `presight export THIS_FOLDER --to torchvision` writes other libraries' keys.

## Cite

The method is of {origin}.

Made with {versions}.
"""


def write_card(folder: RunFolder, plugin: str = "") -> None:
    """Write README.md of a run that has its configuration, its records and its backbone.

    Args:
        folder: of the run.
        plugin: the user's file that this command took the method from.
    """
    config = Configuration.read(folder, plugin)
    card = entry_of_method(config, folder)
    text = _TEXT.format(
        name=json.dumps(card.name, ensure_ascii=False),
        about=about(folder, config, card),
        origin=_origin(card),
        versions=_versions(folder),
    )
    atomic.write_text(folder.card, text)


def about(folder: RunFolder, config: Configuration, card: Entry) -> str:
    """What a run learned from, how, and its last numbers: Markdown, from its title on.

    Args:
        folder: of the run; its last record is read.
        config: of the run.
        card: of the method.
    """
    plan, spec = config.plan, config.spec
    options = [f"- {name}: {_word(value)}" for name, value in sorted(config.options.items())]
    return _ABOUT.format(
        title=card.title,
        family=card.family,
        origin=_origin(card),
        backbone=config.settings.backbone,
        images=spec.n_samples,
        data=name_of(config.data),
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
        numbers="\n".join(_numbers(folder)),
    )


def _origin(card: Entry) -> str:
    return f"{card.authors}, {card.venue} {card.year}"


def _numbers(folder: RunFolder) -> list[str]:
    """Plain numbers of the last record; times are of the machine, not of the backbone."""
    last: dict[str, object] = {}
    for record in records.read(folder.metrics):
        last = record
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


def _word(value: object) -> str:
    return " ".join(str(value).split())


def _versions(folder: RunFolder) -> str:
    environment: dict[str, Any] = {}
    if folder.environment.is_file():
        environment = json.loads(folder.environment.read_text(encoding="utf-8"))
    packages = environment.get("packages", {})
    known = {**(packages if isinstance(packages, dict) else {}), **environment}
    found = [f"{name} {known[name]}" for name in _VERSIONS if isinstance(known.get(name), str)]
    return ", ".join(found) or "presight"
