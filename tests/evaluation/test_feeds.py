from __future__ import annotations

import dataclasses

import torch
from tests.evaluation.doubles import Pictures, Small, Whole

from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.evaluation.features import backbone_digest
from presight.evaluation.feeds import Cached, Forwarded


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dimmed(Whole):
    """Each image at a brightness of its own."""

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        return {"view": super().__call__(batch, draw)["view"] * draw.uniform("dim", (1, 1, 1))}


def forwarded(seed: int = 0) -> Forwarded:
    pixels = torch.randint(0, 256, (9, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    images = Pictures(pixels.to(torch.uint8))
    return Forwarded(Small(), images, Dimmed(), Whole(), seed)


def test_cached_features_are_looked_up() -> None:
    feed = Cached(torch.arange(12.0).view(4, 3))
    assert torch.equal(feed.learn(torch.tensor([2, 0]), 7), feed.features[[2, 0]])
    assert torch.equal(feed.measure(torch.tensor([1])), feed.features[[1]])


def test_views_are_new_in_every_epoch_and_the_same_in_any_batch() -> None:
    feed, rows = forwarded(), torch.tensor([5, 1, 8])
    first = feed.learn(rows, 0)
    assert torch.allclose(feed.learn(rows[1:], 0), first[1:], atol=1e-6)
    assert not torch.allclose(feed.learn(rows, 1), first, atol=1e-3)
    assert not torch.allclose(forwarded(seed=1).learn(rows, 0), first, atol=1e-3)
    assert torch.equal(feed.measure(rows), forwarded(seed=1).measure(rows))


def test_the_backbone_is_not_changed() -> None:
    """Catalogue T6, of running statistics too."""
    feed = forwarded()
    before = backbone_digest(feed.backbone.train())
    feed.learn(torch.arange(9), 0)
    feed.measure(torch.arange(9))
    assert backbone_digest(feed.backbone) == before
