from __future__ import annotations

import pytest
import torch

from evaluation.doubles import Pictures, Small, colored
from presight.errors import UsageError
from presight.evaluation import diagnostics
from presight.evaluation.diagnose import augmented, diagnose, health_lines
from presight.evaluation.features import backbone_digest
from presight.views.catalogue import recipe

PAIR = recipe("simclr", size=8)


def test_views_are_grouped_by_their_image_and_do_not_depend_on_the_others() -> None:
    torch.manual_seed(0)
    net, images = Small(), colored(20, 0).images
    before = backbone_digest(net)
    found = augmented(net, images, torch.tensor([3, 7, 11]), PAIR, views=4)
    alone = augmented(net, images, torch.tensor([7]), PAIR, views=4)
    assert found.shape == (3, 4, net.dim)
    assert torch.allclose(found[1], alone[0], atol=1e-5)
    assert not torch.allclose(found[1, 0], found[1, 1])
    assert backbone_digest(net) == before


def test_views_that_are_no_pairs_or_not_finite_are_refused() -> None:
    net, images = Small(), colored(3, 0).images
    with pytest.raises(UsageError, match="views is 3"):
        augmented(net, images, torch.arange(3), PAIR, views=3)
    net.layers[0].bias.data[1] = float("inf")  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="3 of 3 images hold NaN or infinity"):
        augmented(net, images, torch.arange(3), PAIR, views=2)


def test_views_of_one_image_are_nearer_than_images_are() -> None:
    """Images of one color each: their views keep it."""
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (30, 3, 1, 1), dtype=torch.uint8).expand(30, 3, 8, 8)
    found = augmented(Small(), Pictures(pixels.contiguous()), torch.arange(30), PAIR, views=2)
    inside = (found[:, 0] - found[:, 1]).norm(dim=1).mean()
    between = (found[:, 0] - found[:, 1].roll(1, 0)).norm(dim=1).mean()
    assert inside < between


def test_a_collapse_is_said_and_its_kind() -> None:
    generator = torch.Generator().manual_seed(0)
    healthy = torch.randn(500, 32, generator=generator)
    assert diagnose(healthy)["alarms"] == []
    (line,) = diagnose(torch.ones(500, 32) + 1e-3 * healthy)["alarms"]
    assert "collapsed" in line
    assert "spread 0.00099 of about 1, and 1 without" in line
    flat = torch.randn(500, 1, generator=generator) * torch.randn(1, 32, generator=generator)
    (line,) = diagnose(flat + 1e-4 * healthy)["alarms"]
    assert "of 32" in line


def test_noise_is_said() -> None:
    views = torch.randn(50, 10, 8, generator=torch.Generator().manual_seed(0))
    told = diagnose(views[:, 0], views)
    assert any("LiDAR says nothing" in line for line in told["alarms"])


def test_no_number_stands_without_its_companion() -> None:
    views = torch.randn(60, 4, 16, generator=torch.Generator().manual_seed(0))
    (line,) = health_lines({"pretrained": diagnose(views[:, 0], views)})
    for words in (
        "effective rank", "RankMe", "60 images", "centered", "norm 4", "90 % between",
        "dead units 0.0 %", "sphere", "signal", "noise",
    ):  # fmt: skip
        assert words in line
    assert health_lines({"raw": {}}) == []


def test_the_scale_of_features_does_not_matter_to_lidar() -> None:
    """Its delta is a number beside variances: of tiny features it would be all of the noise."""
    generator = torch.Generator().manual_seed(0)
    views = torch.randn(60, 1, 8, generator=generator) + 0.1 * torch.randn(
        60, 4, 8, generator=generator
    )
    plain, tiny = diagnose(views[:, 0], views), diagnose(views[:, 0], 1e-4 * views + 1)
    assert tiny["lidar_signal"] == pytest.approx(plain["lidar_signal"], rel=1e-2)
    assert tiny["alarms"] == plain["alarms"] == []


def test_the_spectrum_is_of_images_from_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images often lie by class: the first ones alone would have no spectrum here."""
    monkeypatch.setattr(diagnostics, "_ROWS", 200)
    rows = torch.randn(400, 16, generator=torch.Generator().manual_seed(0))
    rows[:200] = 0.0
    assert diagnose(rows)["alpha_last"] == 16


def test_clusters_are_compared_with_classes_where_there_are_two() -> None:
    labels = torch.arange(60) % 2
    features = torch.randn(60, 16, generator=torch.Generator().manual_seed(0))
    features[:, 0] += 20.0 * (labels - 0.5)
    told = diagnose(features, labels=labels)
    assert told["cluster_ami"] > 0.9
    assert told["cluster_clusters"] == 2
    _, line = health_lines({"pretrained": told})
    for words in ("AMI", "NMI", "ARI", "purity"):
        assert words in line
    assert "cluster_ami" not in diagnose(features, labels=torch.zeros(60, dtype=torch.long))
    assert "cluster_ami" not in diagnose(features)


def test_too_few_images_for_a_rank_are_said() -> None:
    rows = torch.randn(128, 8, generator=torch.Generator().manual_seed(0))
    assert "few" not in health_lines({"a": diagnose(rows)})[0]
    assert "127 images, few: both grow with more" in health_lines({"a": diagnose(rows[:127])})[0]
