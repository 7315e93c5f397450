from __future__ import annotations

import dataclasses

import pytest
import torch

from presight.data.scenes import shade
from presight.data.scenes.camera import camera
from presight.data.scenes.cast import Parts
from presight.data.scenes.factors import Drawn, Kind, draw_factors
from presight.data.scenes.intersect import ELLIPSOID

INDEX = torch.arange(3)


def ball() -> Parts:
    one = torch.zeros(1, dtype=torch.long)
    axes = 0.2 * torch.eye(3)[..., None]
    return Parts.of(
        one + ELLIPSOID, one, one, torch.zeros(3, 1), axes, torch.ones(1), torch.ones(1)
    )


def on_ball(direction: tuple[float, ...]) -> shade.Points:
    """The point of the ball in some direction from its center."""
    at = (
        0.2
        * torch.nn.functional.normalize(torch.tensor(direction, dtype=torch.float32), dim=0)[
            :, None
        ]
    )
    eye = camera(1)
    ray = at - eye.place[:, None]
    depth = -(eye.axes[:, 2] @ ray)
    one = torch.zeros(1, dtype=torch.long)
    return shade.points_of(ball(), eye, one, one, ray / depth, depth)


def drawn(light: tuple[float, ...]) -> Drawn:
    found = draw_factors(Kind(""), torch.arange(1))
    return dataclasses.replace(found, light=torch.tensor(light)[:, None])


def test_points_and_normals_of_a_ball() -> None:
    points = on_ball((1, 0.3, 0.4))
    expected = torch.nn.functional.normalize(torch.tensor([1, 0.3, 0.4]), dim=0)
    torch.testing.assert_close(points.normal[:, 0], expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(points.at[:, 0], 0.2 * expected, atol=1e-5, rtol=0)


def test_light_follows_lamberts_law() -> None:
    """A light far in front: direct light falls with the cosine, and ends at a right angle."""
    lit, sky = [], []
    for where in ((0.05, 0.0, 1.0), (1.0, 0.0, 1.0), (1.0, 0.0, -0.3)):
        points = on_ball(where)
        lit.append(shade.lit(ball(), drawn((0.0, 0.0, 1.2)), camera(1), points, False))
        facing = camera(1).axes[:, 2] @ points.normal
        sky.append(0.28 + 0.14 * points.normal[2] + 0.1 * facing)
    direct = [float(one[0][0, 0] - base[0]) for one, base in zip(lit, sky, strict=True)]
    assert direct[0] == pytest.approx(0.95 / (0.55 + 0.25), rel=0.02)
    assert 0.3 * direct[0] < direct[1] < 0.8 * direct[0]
    assert direct[2] == pytest.approx(0, abs=1e-6)
    assert lit[2][1].all()
    assert not lit[0][1].any()


def test_the_highlight_is_where_light_is_mirrored_to_the_camera() -> None:
    eye = camera(1)
    toward = torch.nn.functional.normalize(eye.place, dim=0)
    light = tuple((1.5 * toward).tolist())
    middle = shade.lit(ball(), drawn(light), eye, on_ball(light), False)[0]
    assert float(middle[1, 0]) == pytest.approx(0.25, rel=0.01)
    beside = shade.lit(ball(), drawn(light), eye, on_ball((1, 1, 0.4)), False)[0]
    assert float(beside[1, 0]) < 0.01


def test_a_level_of_a_map_has_about_a_texel_a_pixel() -> None:
    found = draw_factors(Kind(), torch.arange(200))
    for size in (16, 32, 64):
        surface = shade.surface_of(found, camera(1), size, True)
        side = shade.textures.SIDE >> surface.level
        texels = side[200:] * 0.5 * found.repeats[200:] / (size / 2)
        inside = (surface.level[200:] > 0) & (surface.level[200:] < shade.textures.LEVELS - 1)
        assert inside.sum() > 50
        assert (texels[inside] < 1.5).all()
        assert (texels[inside] > 0.7).all()


def test_backgrounds_darken_towards_the_corners_and_show_their_own_map() -> None:
    found = draw_factors(Kind("CVL"), INDEX)
    plain = shade.background(found, shade.surface_of(found, camera(1), 33, False), 33)
    plain = plain.view(3, 3, 33, 33)
    torch.testing.assert_close(plain[:, :, 16, 16], found.colors[0, :, 3:], atol=1e-6, rtol=0)
    corner = 1 - 0.18 * 2 * (32 / 33) ** 2
    torch.testing.assert_close(plain[:, :, 0, 0], corner * plain[:, :, 16, 16], atol=1e-5, rtol=0)
    textured = draw_factors(Kind(), INDEX)
    mixed = shade.background(textured, shade.surface_of(textured, camera(1), 33, True), 33)
    assert (mixed.view(3, 3, -1).std(2) > 0.01).any(0).all()


def test_display() -> None:
    linear = torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0])
    assert shade.displayed(linear).tolist() == [0, 0, round(255 * 0.5**0.625), 255, 255]
