from __future__ import annotations

import torch

from presight.evaluation.embedding.gallery import QUERIES, SHOWN, gallery, thumbnails
from presight.evaluation.embedding.search import neighbors
from presight.evaluation.split import identity_keys

NAMES = [f"{i}.png" for i in range(60)]
KEYS = identity_keys(NAMES)
LABELS = torch.arange(60) % 4
FEATURES = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))


def test_a_row_is_a_query_and_its_nearest() -> None:
    index, similar = neighbors(FEATURES, 10)
    found = gallery(index, similar, KEYS, LABELS)
    assert len(found["fixed"]) == QUERIES
    for row in (*found["fixed"], *found["worst"]):
        assert row[1:] == index[row[0], :SHOWN].tolist()


def test_queries_are_over_all_classes_and_stay_with_their_names() -> None:
    index, similar = neighbors(FEATURES, 10)
    found = [row[0] for row in gallery(index, similar, KEYS, LABELS)["fixed"]]
    assert torch.bincount(LABELS[found]).tolist() == [3, 3, 3, 3]
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    turned = neighbors(torch.randn(60, 5), 10)  # other features, other files' order: same queries
    again = gallery(*turned, KEYS[order], LABELS[order])["fixed"]
    assert {NAMES[order[row[0]]] for row in again} == {NAMES[row] for row in found}


def test_the_worst_are_wrong_and_sure() -> None:
    index, similar = neighbors(FEATURES, 10)
    worst = [row[0] for row in gallery(index, similar, KEYS, LABELS)["worst"]]
    wrong = LABELS[index[:, 0]] != LABELS
    assert wrong[worst].all()
    least = similar[worst, 0].min()
    others = [i for i in range(60) if wrong[i] and i not in worst]
    assert similar[others, 0].max() <= least


def test_without_labels_the_worst_are_like_nothing() -> None:
    index, similar = neighbors(FEATURES, 10)
    found = gallery(index, similar, KEYS, None)
    worst = [row[0] for row in found["worst"]]
    rest = [i for i in range(60) if i not in worst]
    assert similar[worst, 0].max() <= similar[rest, 0].min()
    assert len({row[0] for row in found["fixed"]}) == QUERIES


def test_all_of_the_gallery_has_thumbnails() -> None:
    rows = {"fixed": [[5, 1, 2]], "worst": [[9, 5]]}
    assert set(thumbnails(rows, KEYS, 2)) == {1, 2, 5, 9}
    more = thumbnails(rows, KEYS, 20)
    assert len(more) == 20
    assert set(more) >= {1, 2, 5, 9}
    assert list(thumbnails(rows, KEYS, 1000)) == list(range(60))
