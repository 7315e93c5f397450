from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_args

import presight.reporting.blocks as blocks

TEMPLATE = Path(blocks.__file__).parent / "templates" / "blocks.html"


def test_the_template_draws_every_kind() -> None:
    """And knows no other."""
    text = TEMPLATE.read_text(encoding="utf-8")
    kinds = {block.kind for block in get_args(blocks.Block)}
    drawn = {word.partition('"')[0] for word in text.split('one.kind == "')[1:]}
    assert kinds == drawn


def test_blocks_are_frozen() -> None:
    for block in get_args(blocks.Block):
        assert dataclasses.is_dataclass(block)
        assert block.__dataclass_params__.frozen  # type: ignore[attr-defined]
