from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from presight.data.scenes.camera import PLACE, camera
from presight.data.scenes.factors import FACTORS, Drawn, Kind, draw_factors, labels_of
from presight.data.scenes.shapes import SPLITS, shape
from presight.data.scenes.solids import ANY_TURN

CHANGES = {
    "T": {"colors"},
    "C": {"colors"},
    "V": {"quaternion", "position"},
    "L": {"light"},
    "D": {"position", "light"},
}


def changed(first: Drawn, second: Drawn) -> set[str]:
    names = [field.name for field in dataclasses.fields(Drawn)]
    return {n for n in names if not torch.equal(getattr(first, n), getattr(second, n))}


@pytest.mark.parametrize("objects", [1, 4])
@pytest.mark.parametrize("factor", FACTORS)
def test_switching_a_factor_changes_its_own_fields_only(factor: str, objects: int) -> None:
    index = torch.arange(50)
    whole = draw_factors(Kind(FACTORS, objects), index)
    without = draw_factors(Kind(FACTORS.replace(factor, ""), objects), index)
    kept = {"position"} if factor == "V" and objects > 1 else set()
    assert changed(whole, without) == CHANGES[factor] - kept


def test_counts_of_classes_differ_by_one_at_most_in_any_number_of_first_scenes() -> None:
    labels = labels_of(Kind(), torch.arange(10_000))[:, 0]
    counts = torch.nn.functional.one_hot(labels, 10).cumsum(0)
    assert (counts.amax(1) - counts.amin(1)).max() == 1
    assert labels[:10].tolist() != labels[10:20].tolist()  # rounds are shuffled, each anew


def test_other_objects_are_of_all_classes() -> None:
    labels = labels_of(Kind(objects=4), torch.arange(3000))
    assert labels.shape == (3000, 4)
    counts = torch.bincount(labels[:, 1:].flatten(), minlength=10)
    assert (counts - 900).abs().max() < 4.5 * 29  # standard deviation 28.5


@pytest.mark.parametrize("split", SPLITS)
def test_splits_draw_from_their_own_shapes(split: str) -> None:
    found = draw_factors(Kind(split=split, objects=2), torch.arange(1000)).instance
    first, end = SPLITS[split]
    assert set(found.tolist()) == set(range(first, end))


def test_what_is_off_is_at_rest() -> None:
    still = draw_factors(Kind(""), torch.arange(40))
    half = -math.pi / 12
    expected = torch.tensor([math.cos(half), 0, 0, math.sin(half)])
    torch.testing.assert_close(still.quaternion, expected[:, None].expand(4, 40))
    assert (still.light == still.light[:, :1]).all()
    assert (still.position == 0).all()
    assert (still.colors == still.colors[:1]).all()


def test_a_class_has_a_hue_of_its_own_where_color_does_not_vary() -> None:
    drawn = draw_factors(Kind("VL"), torch.arange(2000))
    colors = drawn.colors[0, :, :2000]
    means = torch.stack([colors[:, drawn.label == k].mean(1) for k in range(10)])
    apart = torch.cdist(means, means) + 9 * torch.eye(10)
    assert apart.min() > 0.1
    free = draw_factors(Kind("CVL"), torch.arange(2000)).colors[0, :, :2000]
    means = torch.stack([free[:, drawn.label == k].mean(1) for k in range(10)])
    assert torch.cdist(means, means).max() < 0.15


def test_sizes_places_and_stretches_lie_in_their_ranges() -> None:
    drawn = draw_factors(Kind("TCVLD", 3), torch.arange(3000))
    assert drawn.scale.min() >= 0.25
    assert drawn.scale.max() <= 0.8
    assert drawn.scale.mean() == pytest.approx(0.42, abs=0.003)
    assert drawn.warp.min() >= 0.7
    assert drawn.warp.max() <= 1.3
    assert drawn.warp.mean() == pytest.approx(1, abs=0.002)
    assert (drawn.light[2] - drawn.position[2].view(3000, 3).mean(1)).mean() > 0.3
    assert drawn.colors.min() >= 0
    assert drawn.colors.max() <= 1


def test_what_is_round_about_its_axis_stays_round() -> None:
    drawn = draw_factors(Kind(), torch.arange(600))
    pairs = zip(drawn.label.tolist(), drawn.instance.tolist(), strict=True)
    is_round = torch.tensor([shape(*pair)[1] == ANY_TURN for pair in pairs])
    assert (drawn.warp[0, is_round] == drawn.warp[1, is_round]).all()
    assert (drawn.warp[0, ~is_round] != drawn.warp[1, ~is_round]).all()


def test_distance_moves_objects_and_light_together_along_the_optical_axis() -> None:
    near, far = (draw_factors(Kind(f, 1), torch.arange(500)) for f in ("TCL", "TCLD"))
    moved = far.position - near.position
    axis = -torch.tensor(PLACE) / math.hypot(*PLACE)
    along = (moved * axis[:, None]).sum(0)
    torch.testing.assert_close(moved, along * axis[:, None], atol=1e-6, rtol=0)
    assert -0.5 <= along.min() < -0.45
    assert 0.85 < along.max() <= 0.9
    torch.testing.assert_close(far.light - near.light, moved, atol=1e-6, rtol=0)


def test_single_objects_are_seen_up_to_a_tenth_of_the_image_beside_its_middle() -> None:
    for factors in ("V", "VD"):
        drawn = draw_factors(Kind(factors), torch.arange(2000))
        column, row, _ = camera(1).project(drawn.position, 100)
        for place in (column, row):
            assert place.min() + 1e-3 >= 40
            assert place.min() < 40.5
            assert place.mean() == pytest.approx(50, abs=0.6)
            assert 59.5 < place.max() <= 60 + 1e-3
