"""The nine rows of the survey's table of ImageNet accuracies, as far as verified. No torch.

A figure stands here with the epochs, the batch and the crops that it was reached with, for without
them no two figures of such a table can be compared. What could not be verified is None or empty.

Source: Anand and Garg, Recent Advancements in Self-Supervised Paradigms for Visual Feature
Representation, table 1; the papers and the code that each row names.
"""

from __future__ import annotations

import dataclasses

from presight.studies.cells import IMAGENET

BACKBONE, SIDE = "resnet50", 224
IMAGES, CLASSES = 1_281_167, 1000
"""Of ImageNet's training part."""
PROBE_EPOCHS = 100
"""Of the linear classifier here; the published figures had recipes of their own."""


@dataclasses.dataclass(frozen=True)
class Published:
    """A row: frozen features of ResNet-50, a linear classifier, ImageNet, the first answer counts.

    Args:
        title: in the survey.
        method: its name here, whether it has landed or not.
        survey: share that the survey prints.
        value: share that its own paper or code has; None where that is not verified.
        epochs: of pretraining.
        batch_size: of pretraining.
        crops: views that an image is seen by in an epoch, count x side in pixels.
        source: of value, epochs, batch and crops.
        note: what else is known of the figure.
    """

    title: str
    method: str
    survey: float
    value: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    crops: str = ""
    source: str = ""
    note: str = ""


ROWS = (
    Published(
        "Supervised", IMAGENET, 0.765,
        note="learned from all labels; where the survey's figure comes from is not verified",
    ),
    Published(
        "Local Aggregation", "local-aggregation", 0.588, 0.588, 200, 128, "1 x 224",
        "table of He et al., Momentum Contrast, CVPR 2020; schedule and crops by the authors' code",
        "60.2 in the tables of SimCLR and BYOL",
    ),
    Published(
        "MoCo", "moco", 0.606, 0.606, 200, 256, "2 x 224",
        "He et al., Momentum Contrast, CVPR 2020; code of the authors",
    ),
    Published(
        "BigBiGAN", "bigbigan", 0.566, 0.566,
        source="Donahue and Simonyan, Large Scale Adversarial Representation Learning, 2019, as "
        "later papers quote it",
    ),
    Published(
        "PIRL", "pirl", 0.636, 0.636, 800, 1024, "1 x 224 + 9 x 64",
        "Misra and van der Maaten, Pretext-Invariant Representations, CVPR 2020; code of VISSL",
        "62.6 to 64.3 in VISSL",
    ),
    Published(
        "CPC v2", "cpc-v2", 0.638, 0.638, 200, 512,
        source="Henaff et al., Data-Efficient Image Recognition, 2019; about 200 epochs by the "
        "appendix of SimCLR",
        note="no reproduction is known",
    ),
    Published(
        "SimCLR", "simclr", 0.700, 0.693, 1000, 4096, "2 x 224",
        "Chen et al., A Simple Framework for Contrastive Learning, ICML 2020",
        "the survey's 70.0 is not the paper's figure",
    ),
    Published(
        "MoCo v2", "moco-v2", 0.711, 0.711, 800, 256, "2 x 224",
        "Chen et al., Improved Baselines with Momentum Contrastive Learning, 2020",
        "67.5 with 200 epochs",
    ),
    Published(
        "SwAV", "swav", 0.753, 0.753, 800, 4096, "2 x 224 + 6 x 96",
        "Caron et al., Unsupervised Learning by Contrasting Cluster Assignments, 2020; code of the "
        "authors",
        "72.7 with batches of 256 and 200 epochs",
    ),
)  # fmt: skip
"""In the survey's order."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """How a figure was measured here, as far as it decides whether two figures compare.

    Args:
        images: to learn from, how many.
        fingerprint: of the images to learn from.
        classes: of them.
        backbone: its name.
        side: of a view that was measured, pixels.
        probe_epochs: of the linear classifier.
    """

    images: int
    fingerprint: str
    classes: int
    backbone: str
    side: int
    probe_epochs: int

    def differs(self) -> list[str]:
        """What sets every figure of this setting apart from every published one, in words."""
        found = []
        if (self.images, self.classes) != (IMAGES, CLASSES):
            found.append(
                f"{self.images:,} images of {self.classes:,} classes instead of ImageNet's "
                f"{IMAGES:,} of {CLASSES:,}"
            )
        if self.backbone != BACKBONE:
            found.append(f"{self.backbone} instead of {BACKBONE}")
        if self.side != SIDE:
            found.append(f"{self.side} px instead of {SIDE}")
        if self.probe_epochs != PROBE_EPOCHS:
            found.append(f"linear classifiers of {self.probe_epochs} epochs, not {PROBE_EPOCHS}")
        return found


def differs(published: Published, epochs: float | None, batch: int | None, crops: str) -> list[str]:
    """What sets a pretraining apart from the published one, in words; also what is not verified.

    Args:
        published: the row.
        epochs: of the pretraining here; None where there was none.
        batch: of the pretraining here.
        crops: of the pretraining here.
    """
    if published.value is None:
        return ["the published figure is not verified"]
    asked = (
        ("epochs", published.epochs, epochs),
        ("batch", published.batch_size, batch),
        ("crops", published.crops, crops),
    )
    found = []
    for name, theirs, ours in asked:
        if not theirs:
            found.append(f"{name} of the published figure: not verified")
        elif theirs != ours:
            told = f"{ours:g}" if isinstance(ours, float) else ours or "unknown"
            found.append(f"{name} {told} instead of {theirs}")
    return found
