"""The tables of `presight list`; each is a head and rows of text."""

from __future__ import annotations

from collections.abc import Sequence

Row = tuple[str, ...]


def methods(plugin: str) -> list[Row]:
    """Methods, from their cards, without importing one."""
    from presight.core import registry

    rows = [("method", "title", "family", "reference", "cost", "backbone")]
    for entry in sorted(registry.entries(plugin).values(), key=lambda e: (e.family, e.year)):
        reference = f"{entry.authors}, {entry.venue} {entry.year}"
        cost = f"{entry.cost:g}x"
        rows.append((entry.name, entry.title, entry.family, reference, cost, entry.backbone))
    return list(rows)


def backbones(plugin: str) -> list[Row]:
    """Backbones that go by a bare name, and what other names are taken."""
    from presight.nn import catalog

    rows = [("backbone", "from")]
    for name in catalog.names():
        rows.append((name, "presight" if catalog.is_native(name) else "torchvision"))
    rows.append(("NAME:WIDTH", f"torchvision, a resnet, alexnet or vgg: own is {catalog.FIRST}"))
    rows.append(("timm/NAME", 'timm (pip install "presight[timm]")'))
    rows.append(("package.module:function", "your own"))
    return list(rows)


def recipes(plugin: str) -> list[Row]:
    """Recipes of views."""
    from presight.views import catalogue

    rows = [("recipe", "views")]
    for name in catalogue.names():
        keys = catalogue.recipe_class(name).keys
        rows.append((name, "; ".join(f"{key}: {meaning}" for key, meaning in keys.items())))
    return list(rows)


def aligned(rows: Sequence[Row]) -> list[str]:
    """Rows as lines with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
