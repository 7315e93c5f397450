from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from evaluation.doubles import Small, colored
from presight.core.backbone import Backbone
from presight.evaluation.diagnostics import describe, sampled
from presight.evaluation.features import extract
from presight.nn.backbones import encoders
from presight.studies.cells import Arm
from presight.studies.diagnosed import FIGURES, diagnosed
from presight.studies.trust import Diagnosed

ARM = Arm("good", "resnet9:4")
CPU = torch.device("cpu")


def network() -> Backbone:
    torch.manual_seed(0)
    return encoders("resnet9:4", image_size=8)()


def measured(folder: Path, build: object = network, **changes: object) -> Diagnosed:
    images = colored(40, 0)

    def labelled(backbone: Backbone) -> tuple[Tensor, Tensor]:
        return extract(backbone, images.images, size=8), images.labels

    options = {"about": {"weights": "w"}, "size": 8, "device": CPU, "labelled": labelled, **changes}
    return diagnosed(ARM, 1, build, images.images, folder, **options)  # type: ignore[arg-type]


def test_figures_are_those_of_the_images_without_their_labels(tmp_path: Path) -> None:
    found = measured(tmp_path)
    told = describe(sampled(extract(network(), colored(40, 0).images, size=8)))
    assert found.images == 40
    assert found.figures["effective rank"] == pytest.approx(told["effective_rank"], rel=1e-4)
    assert found.figures["uniformity"] == pytest.approx(told["uniformity"], rel=1e-4)
    assert found.figures["alignment + uniformity"] == pytest.approx(
        found.figures["alignment"] + found.figures["uniformity"]
    )
    assert set(found.figures) >= set(FIGURES.values()) - {"alpha"}
    assert set(found.labelled) == {"kNN, leave one out", "clusters, AMI"}
    assert found.labelled["kNN, leave one out"] > 0.5


def test_labels_change_no_figure_without_labels(tmp_path: Path) -> None:
    found, without = measured(tmp_path), measured(tmp_path, labelled=None)
    assert without.figures == found.figures
    assert without.labelled == {}


def test_of_one_class_nothing_is_said_that_takes_labels(tmp_path: Path) -> None:
    one = measured(tmp_path, labelled=lambda _: (torch.randn(9, 3), torch.zeros(9).long()))
    assert one.labelled == {}


def test_no_image_votes_for_itself(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    noise, labels = torch.randn(200, 3, generator=generator), torch.arange(200) % 5
    found = measured(tmp_path, labelled=lambda _: (noise, labels))
    assert found.labelled["kNN, leave one out"] < 0.35


def test_a_network_is_measured_once_and_not_even_loaded_again(tmp_path: Path) -> None:
    def refuse() -> Backbone:
        raise AssertionError

    first = measured(tmp_path)
    assert measured(tmp_path, refuse) == first
    with pytest.raises(AssertionError):
        measured(tmp_path, refuse, about={"weights": "other"})
    with pytest.raises(AssertionError):
        measured(tmp_path, refuse, size=9)


def test_what_cannot_be_measured_is_left_out(tmp_path: Path) -> None:
    """Six dimensions are too few for a power law."""
    found = measured(tmp_path, lambda: Small(6))
    assert "alpha" not in found.figures
    assert "LiDAR" in found.figures
