from __future__ import annotations

import dataclasses
import threading

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


def learned(feed: Forwarded, rows: torch.Tensor, epoch: int) -> torch.Tensor:
    (features,) = feed.learn([rows], epoch)
    return features


def test_cached_features_are_looked_up() -> None:
    feed = Cached(torch.arange(12.0).view(4, 3))
    learned = list(feed.learn([torch.tensor([2, 0]), torch.tensor([3])], 7))
    assert torch.equal(torch.cat(learned), feed.features[[2, 0, 3]])
    assert torch.equal(feed.measure(torch.tensor([1])), feed.features[[1]])


def test_views_are_new_in_every_epoch_and_the_same_in_any_batch() -> None:
    feed, rows = forwarded(), torch.tensor([5, 1, 8])
    first = learned(feed, rows, 0)
    assert torch.allclose(learned(feed, rows[1:], 0), first[1:], atol=1e-6)
    split = torch.cat(list(feed.learn([rows[:2], rows[2:]], 0)))
    assert torch.allclose(split, first, atol=1e-6)
    assert not torch.allclose(learned(feed, rows, 1), first, atol=1e-3)
    assert not torch.allclose(learned(forwarded(seed=1), rows, 0), first, atol=1e-3)
    assert torch.equal(feed.measure(rows), forwarded(seed=1).measure(rows))


def test_the_backbone_is_not_changed() -> None:
    """Catalogue T6, of running statistics too."""
    feed = forwarded()
    before = backbone_digest(feed.backbone.train())
    learned(feed, torch.arange(9), 0)
    feed.measure(torch.arange(9))
    assert backbone_digest(feed.backbone) == before


def test_images_are_read_ahead_and_no_further_than_they_are_wanted() -> None:
    feed, before = forwarded(), threading.active_count()
    made = feed.learn(torch.arange(9).split(1), 0)
    next(made)
    for _ in range(200):
        if len(feed.images.reads) > 1:  # type: ignore[attr-defined]
            break
        threading.Event().wait(0.01)
    assert 1 < len(feed.images.reads) <= 3  # type: ignore[attr-defined]
    made.close()
    assert threading.active_count() == before
