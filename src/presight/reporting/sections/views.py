"""What did it see, and what does it make: pictures of the training."""

from __future__ import annotations

from collections.abc import Sequence

from presight.reporting.blocks import Block, Picture, Section
from presight.reporting.pictures import Shown

_WIDEST = 736
_SCALE = 1.8  # small images are shown larger, all pictures alike


def section(pictures: Sequence[Shown]) -> Section | None:
    """Views as the method saw them, then what it makes; nothing where there are no pictures."""
    if not pictures:
        return None
    views = [one for one in pictures if one.kind == "views"]
    made = [one for one in pictures if one.kind != "views"]
    found = []
    if views:
        found.append("Views of the first batch, as the method saw them: could you tell what is on "
                     "them?")  # fmt: skip
    if made:
        found.append("What the method makes of images stands below." if views else
                     "What the method makes of images.")  # fmt: skip
    blocks: list[Block] = [_block(one) for one in (*views, *made)]
    return Section("views", "What did it see?", " ".join(found), blocks)


def _block(one: Shown) -> Picture:
    title = one.name[:1].upper() + one.name[1:]
    told = f"{title}: {one.caption}" if one.caption else title
    return Picture(title, one.address, told, one.caption, min(_WIDEST, round(_SCALE * one.width)))
