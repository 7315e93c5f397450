"""Labelled images, and the part of them that is measured on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from presight.core.wording import cut
from presight.errors import DataError
from presight.evaluation.split import identity_keys, stratified_order, stratified_split

if TYPE_CHECKING:
    from presight.data.canvas import Images
    from presight.data.source import Labelled
    from presight.data.targets import ClassTarget


@dataclasses.dataclass(frozen=True)
class LabelledImages:
    """Images with the class of each.

    Args:
        images: the data layer's images.
        labels: int64 [N], into `classes`.
        classes: names.
        fingerprint: of the source.
        identities: a name of each image, stable across machines; without them rows stand in.
    """

    images: Images
    labels: Tensor
    classes: tuple[str, ...]
    fingerprint: str
    identities: tuple[str, ...] = ()

    @staticmethod
    def of(source: Labelled[ClassTarget], images: Images) -> LabelledImages:
        """The images of a labelled source, and what it knows of them."""
        rows = range(len(source))
        labels = torch.tensor([source.target(i).label for i in rows])
        names = tuple(source.identity(i) for i in rows)
        return LabelledImages(images, labels, source.classes, source.fingerprint, names)

    def names(self, rows: Tensor) -> list[str]:
        """Identities of some rows."""
        return [self.identities[row] if self.identities else str(row) for row in rows.tolist()]

    def keys(self, rows: Tensor) -> Tensor:
        """Int64 [n], what subsets and hold-outs are drawn by."""
        return identity_keys(self.names(rows))


@dataclasses.dataclass(frozen=True)
class Division:
    """Train and test, each as a set and the rows of it that count."""

    train: LabelledImages
    test: LabelledImages
    train_rows: Tensor
    test_rows: Tensor
    test_labels: Tensor
    kind: str

    @property
    def train_labels(self) -> Tensor:
        """Int64 [n], of the training rows."""
        return self.train.labels[self.train_rows]

    def subset(self, n: int, seed: int) -> Tensor:
        """Int64 [n], places among `train_rows`: nested in n, classes in proportion, by seed."""
        keys = self.train.keys(self.train_rows)
        return stratified_order(self.train_labels, seed, "labels", keys)[:n].sort().values

    @property
    def held(self) -> int:
        """Images of train that are held out for the test."""
        return len(self.test_rows) if self.test is self.train else 0


def _named(classes: Sequence[str], most: int = 5) -> str:
    """Some classes by name, and how many others there are."""
    more = f" and {len(classes) - most:,} more" if len(classes) > most else ""
    word = "the class" if len(classes) == 1 else "the classes"
    return f"{word} {', '.join(cut(name) for name in classes[:most])}{more}"


def divide(train: LabelledImages, test: LabelledImages | None, share: float, seed: int) -> Division:
    """Train and test: as given, or a stratified part of train held out.

    Args:
        train: labelled images.
        test: labelled images with the same classes, by name; or None.
        share: of train to hold out where there is no test, in (0, 1).
        seed: of the hold-out.

    Raises:
        DataError: classes that train does not have, or nothing to test.
    """
    if test is None:
        keys = train.keys(torch.arange(len(train.labels)))
        kept, held = stratified_split(train.labels, share, seed, "test", keys)
        if not len(held):
            raise DataError(
                f"none of {len(train.labels)} labelled images can be held out for the test "
                "without emptying a class. Label more images, or give a test set."
            )
        return Division(train, train, kept, held, train.labels[held], "held out of train")
    if not len(test.labels):
        raise DataError("the test set has no labelled images. Give one that has, or none.")
    labels = answered(test.labels, test.classes, train.classes)
    rows = torch.arange(len(train.labels)), torch.arange(len(test.labels))
    return Division(train, test, *rows, labels, "given")


def answered(labels: Tensor, classes: Sequence[str], learned: Sequence[str]) -> Tensor:
    """Labels of a test set as numbers into the classes that were learned, by name.

    Args:
        labels: int64 [N], into `classes`.
        classes: names in the test set.
        learned: names to answer with.

    Raises:
        DataError: classes that were not learned.
    """
    strange = [classes[label] for label in torch.unique(labels).tolist()
               if classes[label] not in learned]  # fmt: skip
    if strange:
        raise DataError(
            f"the test set has {_named(strange)}, which the labels to learn from do not have; "
            f"those have {_named(learned)}. What is not learned cannot be answered: give "
            "the classes the same names, label images of all to learn from, or take such images "
            "out of the test set. Class folders are those right below the folder that is given."
        )
    into = torch.tensor([learned.index(name) if name in learned else -1 for name in classes])
    return into[labels]
