"""The survey's nine rows: what stands there, and what keeps a figure from comparison."""

from __future__ import annotations

import dataclasses

import pytest

from presight.core import registry
from presight.studies.cells import IMAGENET
from presight.studies.published import ROWS, Setting, differs

FULL = Setting(
    images=1_281_167, fingerprint="f", classes=1000, backbone="resnet50", side=224,
    probe_epochs=100,
)  # fmt: skip


def test_the_survey_s_column_is_the_survey_s() -> None:
    """The printed table, in its order of ours; sums are a check on typing."""
    printed = {row.title: row.survey for row in ROWS}
    assert printed == {
        "Supervised": 0.765, "Local Aggregation": 0.588, "MoCo": 0.606, "BigBiGAN": 0.566,
        "PIRL": 0.636, "CPC v2": 0.638, "SimCLR": 0.7, "MoCo v2": 0.711, "SwAV": 0.753,
    }  # fmt: skip


def test_what_is_not_verified_has_no_figure_and_every_figure_has_a_source() -> None:
    assert [row.method for row in ROWS if row.value is None] == [IMAGENET]
    for row in ROWS:
        assert bool(row.source) == (row.value is not None)
    simclr = next(row for row in ROWS if row.method == "simclr")
    assert (simclr.value, simclr.epochs, simclr.batch_size) == (0.693, 1000, 4096)


def test_names_are_those_of_the_methods_that_have_landed() -> None:
    named = {row.method for row in ROWS}
    assert {"moco", "moco-v2", "simclr"} <= named & set(registry.names())


def test_the_survey_s_own_setting_sets_nothing_apart() -> None:
    assert FULL.differs() == []
    for row in ROWS:
        told = differs(row, row.epochs, row.batch_size, row.crops)
        known = row.value is not None and row.epochs and row.batch_size and row.crops
        assert bool(told) != bool(known)
        assert all("not verified" in reason for reason in told)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"images": 600}, "600 images of 1,000 classes"),
        ({"classes": 100}, "1,281,167 images of 100 classes"),
        ({"backbone": "resnet18"}, "resnet18 instead of resnet50"),
        ({"side": 32}, "32 px instead of 224"),
        ({"probe_epochs": 5}, "5 epochs, not 100"),
    ],
)
def test_each_departure_is_said_alone(change: dict[str, int | str], reason: str) -> None:
    (told,) = dataclasses.replace(FULL, **change).differs()  # type: ignore[arg-type]
    assert reason in told


def test_each_departure_of_the_pretraining_is_said_alone() -> None:
    swav = ROWS[-1]
    assert differs(swav, 200.0, 4096, swav.crops) == ["epochs 200 instead of 800"]
    assert differs(swav, 800.0, 256, swav.crops) == ["batch 256 instead of 4096"]
    assert differs(swav, 800.0, 4096, "2 x 224") == ["crops 2 x 224 instead of 2 x 224 + 6 x 96"]
    assert differs(swav, 800.0, 4096, "") == ["crops unknown instead of 2 x 224 + 6 x 96"]
