"""DeepCluster against its paper: Caron et al., ECCV 2018."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, relu

from presight.core.batch import Batch, Out, Step, Views
from presight.core.draw import Draw, shuffled
from presight.core.learner import EpochPlan, Group, Player, Survey
from presight.core.plan import TrainPlan
from presight.core.recipe import Recipe
from presight.errors import UsageError
from presight.methods.clustering import deepcluster as file
from presight.methods.clustering.deepcluster import DeepCluster, SobelBackbone
from presight.testing.tiny import TinyBackbone, tiny_batch, tiny_data, tiny_encoders
from presight.views.single import Center, Crop

N, K, SIDE = 100, 5, 16
SIZES = torch.tensor([60, 20, 10, 7, 3])
"""The catalogue's toy, T18: 60, 20, 10, 7 and 3 percent."""
BUG = pytest.mark.xfail(strict=True, raises=AssertionError, reason="the injected bug")


class AllData:
    """A survey of pictures in memory; counts its passes."""

    def __init__(self, method: nn.Module, pictures: Batch, epoch: int = 0) -> None:
        self.epoch, self.seed, self.n_samples = epoch, 0, len(pictures)
        self.draw = Draw(0, epoch, torch.arange(1))
        self.method, self.pictures = method, pictures
        self.recipes: list[Recipe] = []
        self.modes: list[bool] = []

    def embed(
        self, fn: Callable[[Views], Tensor], *, views: Recipe, eval_mode: bool = True
    ) -> Tensor:
        self.recipes.append(views)
        self.method.train(not eval_mode)
        self.modes.append(self.method.training)
        made = views(self.pictures, Draw(0, self.epoch, self.pictures.index))
        with torch.no_grad():
            rows = fn({name: value.double() for name, value in made.items()})
        self.method.train()
        return rows

    def once(self, fn: Callable[[], Any]) -> Any:
        return fn()


def pictures() -> Batch:
    """K kinds of pictures in the toy's shares, shuffled: a color a kind, and a little noise."""
    kind = torch.arange(K).repeat_interleave(SIZES)[shuffled(N, 0, "kinds")]
    colors = torch.tensor([[9, 9, 9], [9, 9, 240], [9, 240, 9], [240, 9, 9], [240, 240, 240]])
    images = colors[kind][:, :, None, None].expand(N, 3, SIDE, SIDE)
    noise = Draw(0, 0, torch.arange(N)).integers("noise", (3, SIDE, SIDE), 9)
    return Batch.of((images + noise).to(torch.uint8))


def kinds() -> Tensor:
    return torch.arange(K).repeat_interleave(SIZES)[shuffled(N, 0, "kinds")]


def made(kind: type[DeepCluster] = DeepCluster, n: int = N, **options: Any) -> DeepCluster:
    torch.manual_seed(0)
    chosen = {"clusters": K, "components": 3} | options
    return kind(tiny_encoders(), tiny_data(n, 10, SIDE), **chosen).double()


def step(index: Tensor) -> Step:
    return Step(0, 10, 0, index, Draw(0, 0, index))


def survey(method: DeepCluster, epoch: int = 0) -> Survey:
    return AllData(method, pictures(), epoch)


# Checks that a mistake must fail.


def check_labels_by_identity(kind: type[DeepCluster]) -> None:
    """The target of a row is the cluster of its sample, wherever the row stands."""
    method = made(kind)
    method.assignments.copy_(kinds())
    index = torch.tensor([42, 7, 99, 0, 13, 58])
    views = {"view": torch.rand(6, 3, SIDE, SIDE).double()}
    scores = method.classifier(relu(method.features(views)))
    expected = cross_entropy(scores, kinds()[index])
    assert torch.allclose(method(views, step(index)).loss, expected, atol=1e-10)


def check_new_classifier_every_epoch(kind: type[DeepCluster]) -> None:
    """N(0, 0.01), bias 0, in place, other weights every epoch; its momentum is forgotten."""
    method = made(kind, n=400, clusters=20)
    parameter, seen = method.classifier.weight, []
    for epoch in range(2):
        nn.init.constant_(method.classifier.weight, 7.0)
        nn.init.constant_(method.classifier.bias, 7.0)
        method.classifier.weight.data[0] = epoch
        plan = method.begin_epoch(AllData(method, tiny_batch(400, SIDE), epoch))
        assert method.classifier.weight is parameter
        assert not method.classifier.bias.any()
        assert method.classifier.weight.std().item() == pytest.approx(0.01, rel=0.2)
        assert plan.forget == ("classifier",)
        seen.append(method.classifier.weight.detach().clone())
    assert not torch.equal(seen[0], seen[1])


def check_clusters_equally_often(kind: type[DeepCluster]) -> None:
    """T18: indices of the data set in its own order; every cluster N / 5 times."""
    method = made(kind)
    plan = method.begin_epoch(survey(method))
    assert plan is not None
    assert plan.indices is not None
    assert len(plan.indices) == N
    drawn = kinds()[plan.indices].bincount(minlength=K)
    assert (drawn - N // K).abs().max() <= 1


def check_reassigned_every_epoch(kind: type[DeepCluster]) -> None:
    method = made(kind)
    for epoch in range(3):
        method.assignments.zero_()
        method.begin_epoch(survey(method, epoch))
        assert method.filled == K
        joint = torch.bincount(method.assignments * K + kinds(), minlength=K * K).view(K, K)
        assert joint.amax(1).sum() >= 0.9 * N, "a cluster is of one kind, or k-means was unlucky"


def check_features_before_the_last_relu(kind: type[DeepCluster]) -> None:
    method = made(kind, hidden=(12, 8))
    views = {"view": torch.rand(20, 3, SIDE, SIDE).double()}
    features = method.eval().features(views)
    assert features.shape == (20, 8)
    assert (features < 0).any()
    assert isinstance(method.hidden[-1], nn.Linear)


def check_survey(kind: type[DeepCluster]) -> None:
    """One pass in eval mode over central views, without augmentation."""
    method = made(kind)
    passes = AllData(method, pictures())
    method.begin_epoch(passes)
    assert passes.recipes == [Center().sized(SIDE)]
    assert passes.modes == [False]


def check_seeds_by_epoch(kind: type[DeepCluster]) -> None:
    """k-means begins anew every epoch, from seed and epoch, and from nothing else."""
    method, found = made(kind, n=400, clusters=20), []
    for epoch, noise in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(noise)
        method.begin_epoch(AllData(method, tiny_batch(400, SIDE), epoch))
        found.append(method.assignments.clone())
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def check_the_classifier_learns_without_momentum(kind: type[DeepCluster]) -> None:
    """At the same rate and with the same decay as the rest, and the rest without it."""
    (player,) = made(kind).players
    (group,) = player.groups
    assert group.modules == ("classifier",)
    assert group.momentum == 0
    assert (group.lr_scale, group.weight_decay, group.constant_lr) == (1.0, None, False)


def check_empty_clusters_get_no_label(kind: type[DeepCluster]) -> None:
    """All k rows of the classifier stay, and nobody is drawn for an empty cluster."""
    method = made(kind)
    empty = torch.where(kinds() == 3, 2, kinds())
    found = type("Found", (), {"assignments": empty})
    with pytest.MonkeyPatch.context() as change:
        change.setattr(file, "kmeans", lambda *_, **__: found)
        plan = method.begin_epoch(survey(method))
    assert method.filled == K - 1
    assert method.classifier.out_features == K
    assert plan.indices is not None
    drawn = method.assignments[plan.indices].bincount(minlength=K)
    assert drawn.tolist() == [25, 25, 25, 0, 25]


def check_a_resume_inside_an_epoch_has_the_assignments(kind: type[DeepCluster]) -> None:
    method, other = made(kind), made(kind)
    method.begin_epoch(survey(method))
    other.load_state_dict(method.state_dict())
    assert torch.equal(method.assignments, other.assignments)
    assert torch.equal(method.classifier.weight, other.classifier.weight)


CHECKS = [value for name, value in sorted(globals().items()) if name.startswith("check_")]


@pytest.mark.parametrize("check", CHECKS)
def test_deepcluster(check: Callable[[type[DeepCluster]], None]) -> None:
    check(DeepCluster)


def test_clusters_are_capped_and_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        method = made(n=100, clusters=1000)
    assert method.clusters == method.classifier.out_features == 5
    assert "1000 is more than one for 20 of 100 images; taking 5" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert made(n=100, clusters=5).clusters == 5
    assert not caplog.records


def test_collapsed_value() -> None:
    method = made()
    nn.init.zeros_(method.classifier.weight)
    out = method({"view": torch.rand(6, 3, SIDE, SIDE).double()}, step(torch.arange(6)))
    assert out.loss.item() == pytest.approx(math.log(K), abs=1e-10)
    assert out.collapsed == pytest.approx(math.log(K))


def test_views() -> None:
    assert made().views == Crop().sized(SIDE)


# Sobel filters.


def test_sobel_of_a_constant_image_is_zero() -> None:
    backbone = SobelBackbone(TinyBackbone(2))
    edges = backbone.edges(torch.full((2, 3, 9, 9), 0.7))
    assert edges.shape == (2, 2, 9, 9)
    assert torch.allclose(edges, torch.tensor(0.5), atol=1e-6)
    assert backbone.encoder.normalize(edges).abs().max() < 1e-5  # type: ignore[attr-defined]


def test_sobel_of_a_ramp() -> None:
    """Eight times the slope along one axis, nothing along the other; color does not count."""
    ramp = torch.linspace(0, 0.8, 9).expand(1, 3, 9, 9)
    across, down = (SobelBackbone(TinyBackbone(2)).edges(ramp) - 0.5)[0]
    assert torch.allclose(across[:, 1:-1].abs(), torch.tensor(0.8), atol=1e-6)
    assert down.abs().max() < 1e-6
    tinted = torch.stack((ramp[:, 0] + 0.3, ramp[:, 1] - 0.3, ramp[:, 2]), 1)
    assert torch.allclose(SobelBackbone(TinyBackbone(2)).edges(tinted)[0, 0] - 0.5, across)


def test_the_sobel_backbone_reads_color() -> None:
    method = made(sobel=True)
    assert isinstance(method.backbone, SobelBackbone)
    images = torch.rand(2, 3, SIDE, SIDE).double()
    assert method.backbone(images).shape == (2, method.backbone.dim)
    assert [m.shape[1] for m in method.backbone.stages(images)] == list(method.backbone.stage_dims)


def imagenet(**changes: Any) -> TrainPlan:
    return dataclasses.replace(DeepCluster.card.preset(224).plan, **changes)


@pytest.mark.parametrize(
    "plan",
    [
        imagenet(),
        pytest.param(imagenet(schedule="cosine"), marks=BUG, id="cosine"),
        pytest.param(imagenet(warmup_epochs=5), marks=BUG, id="warm-up"),
        pytest.param(imagenet(weight_decay=1e-4), marks=BUG, id="the usual decay"),
        pytest.param(imagenet(decay_all=False), marks=BUG, id="exclusions"),
        pytest.param(imagenet(epochs=200), marks=BUG, id="the script's default of epochs"),
    ],
)
def test_imagenet_plan(plan: TrainPlan) -> None:
    """A constant rate of 0.05; the paper's table needs 500 epochs."""
    assert (plan.optimizer, plan.peak_lr(), plan.momentum) == ("sgd", 0.05, 0.9)
    assert (plan.schedule, plan.warmup_epochs) == ("constant", 0)
    assert (plan.batch_size, plan.weight_decay, plan.epochs) == (256, 1e-5, 500)
    assert plan.decay_all


def test_imagenet_options() -> None:
    preset = DeepCluster.card.preset(224)
    assert preset.origin == "paper"
    expected = {"clusters": 10000, "components": 256, "hidden": (4096, 4096)}
    assert preset.options == expected | {"dropout": 0.5, "sobel": True}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("clusters", 0),
        ("components", 0),
        ("iterations", 0),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("hidden", (8, 0)),
    ],
)
def test_options_out_of_range_are_named(option: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"--{option}"):
        made(**{option: value})


# What lies between features and clusters: each part replaced by a mistake.

Part = tuple[str, Callable[..., Any]]


def replaced(name: str, mistake: Callable[..., Any]) -> Any:
    return pytest.param((name, mistake), marks=BUG, id=f"{name}: {mistake.__doc__}")


def without_whitening(features: Tensor, dim: int, *, device: Any = None) -> Tensor:
    """plain principal components"""
    centered = features - features.mean(0)
    return centered @ torch.linalg.svd(centered, full_matrices=False).Vh[:dim].T


def without_a_mean(features: Tensor, dim: int, *, device: Any = None) -> Tensor:
    """not centered"""
    return torch.linalg.svd(features, full_matrices=False).U[:, :dim]


def without_projection(features: Tensor, dim: int, *, device: Any = None) -> Tensor:
    """all components"""
    return file_whiten(features, features.shape[1])


def without_length(rows: Tensor, dim: int) -> Tensor:
    """rows keep their lengths"""
    return rows


def by_column(rows: Tensor, dim: int) -> Tensor:
    """over the images"""
    return normalize(rows, dim=0)


file_whiten = file.whiten


@pytest.mark.parametrize(
    "part",
    [
        ("normalize", normalize),
        *(replaced("whiten", f) for f in (without_whitening, without_a_mean, without_projection)),
        *(replaced("normalize", f) for f in (without_length, by_column)),
    ],
)
def test_whitened_rows_of_length_one_are_clustered(
    part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Principal components to the power of -0.5, then length 1, then 20 iterations of k-means.

    Inner products are compared, since a component's sign is free.
    """
    method, seen, kmeans = made(), {}, file.kmeans

    def watched(rows: Tensor, k: int, **options: Any) -> Any:
        seen.update(options, rows=rows, k=k)
        return kmeans(rows, k, **options)

    monkeypatch.setattr(file, "kmeans", watched)
    monkeypatch.setattr(file, *part)
    method.begin_epoch(survey(method))
    features = AllData(method, pictures()).embed(method.features, views=method.survey)
    left = torch.linalg.svd(features - features.mean(0), full_matrices=False).U[:, :3]
    expected = normalize(left, dim=1)
    rows = seen["rows"].double()
    assert rows.shape == (N, 3)
    assert (rows @ rows.T - expected @ expected.T).abs().max() < 1e-3
    assert (seen["k"], seen["iterations"]) == (K, 20)
    assert not seen.get("spherical", False)


def silent(*_: Any) -> None:
    """nothing is said"""


@pytest.mark.parametrize("part", [("_alarm", file._alarm), replaced("_alarm", silent)])
def test_one_large_cluster_is_said(
    part: Part, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = made()
    monkeypatch.setattr(file, *part)
    with caplog.at_level(logging.WARNING):
        method.begin_epoch(survey(method))
    assert "one cluster holds 60 % of the images" in caplog.text


# Negative controls.


class LabelsByPlace(DeepCluster):
    """Targets in the order of the data, not by identity."""

    def forward(self, views: Views, step: Step) -> Out:
        scores = self.classifier(relu(self.features(views)))
        return Out(cross_entropy(scores, self.assignments[: len(step.index)]))


class OldClassifier(DeepCluster):
    """Keeps the head although cluster numbers are arbitrary."""

    def _new_classifier(self, key: tuple[int | str, ...]) -> None:
        return


class SameClassifier(DeepCluster):
    """The same weights in every epoch."""

    def _new_classifier(self, key: tuple[int | str, ...]) -> None:
        super()._new_classifier((0,))


class OldMomentum(DeepCluster):
    """The optimizer goes on with the old head's velocity."""

    def begin_epoch(self, survey: Survey) -> EpochPlan:
        return EpochPlan(super().begin_epoch(survey).indices)


class OtherObject(DeepCluster):
    """A new layer that the optimizer has never seen."""

    def _new_classifier(self, key: tuple[int | str, ...]) -> None:
        self.classifier = nn.Linear(self.classifier.in_features, self.clusters).double()
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)


class ReleasedSampler(DeepCluster):
    """Original indices into a data set that was reordered by cluster."""

    def begin_epoch(self, survey: Survey) -> EpochPlan:
        plan = super().begin_epoch(survey)
        assert plan.indices is not None
        return EpochPlan(self.assignments.argsort(stable=True)[plan.indices], plan.forget)


class EverySampleOnce(DeepCluster):
    """No sampling by cluster."""

    def begin_epoch(self, survey: Survey) -> EpochPlan:
        plan = super().begin_epoch(survey)
        return EpochPlan(torch.arange(survey.n_samples), plan.forget)


class FirstEpochOnly(DeepCluster):
    """Clusters are never made anew."""

    def begin_epoch(self, survey: Survey) -> EpochPlan | None:  # type: ignore[override]
        return super().begin_epoch(survey) if survey.epoch == 0 else None


class AfterTheRelu(DeepCluster):
    """Half of the features are cut away before they are clustered."""

    def features(self, views: Views) -> Tensor:
        return relu(super().features(views))


class AugmentedSurvey(DeepCluster):
    """Clusters random crops."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options, survey=Crop())


class SurveyInTrainMode(DeepCluster):
    """Batch norm by batch while clustering."""

    def begin_epoch(self, survey: Survey) -> EpochPlan:
        embed = survey.embed
        survey.embed = lambda fn, *, views: embed(fn, views=views, eval_mode=False)  # type: ignore
        return super().begin_epoch(survey)


class SameSeeds(DeepCluster):
    """k-means starts from the same seeds in every epoch."""

    def begin_epoch(self, survey: Survey) -> EpochPlan:
        survey.epoch = 0
        return super().begin_epoch(survey)


class GlobalSeeds(DeepCluster):
    """Seeds from torch's generator, which a resume does not restore."""

    def begin_epoch(self, survey: Survey) -> EpochPlan:
        survey.seed = int(torch.randint(1 << 30, ()))
        return super().begin_epoch(survey)


class HeadWithMomentum(DeepCluster):
    """One optimizer for all."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.players = (Player("all", groups=(Group(("classifier",)),)),)


class HotHead(DeepCluster):
    """A higher rate and no decay for the new layer."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        own = Group(("classifier",), momentum=0.0, lr_scale=10.0, weight_decay=0.0)
        self.players = (Player("all", groups=(own,)),)


class RowsInLoadersOrder(DeepCluster):
    """The pass over the data is shuffled, and nobody sorts the features back."""

    def begin_epoch(self, survey: Survey) -> EpochPlan:
        embed, order = survey.embed, shuffled(survey.n_samples, 0, "loader")
        survey.embed = lambda fn, *, views: embed(fn, views=views)[order]  # type: ignore
        return super().begin_epoch(survey)


class HeadOfFilledClusters(DeepCluster):
    """Scores for the clusters that have images only."""

    def begin_epoch(self, survey: Survey) -> EpochPlan:
        plan = super().begin_epoch(survey)
        self.classifier = nn.Linear(self.classifier.in_features, int(self.filled)).double()
        return plan


class AssignmentsNotSaved(DeepCluster):
    """A resume inside an epoch learns arbitrary labels."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.register_buffer("assignments", self.assignments, persistent=False)


@BUG
@pytest.mark.parametrize(
    ("mistake", "check"),
    [
        (LabelsByPlace, check_labels_by_identity),
        (OldClassifier, check_new_classifier_every_epoch),
        (SameClassifier, check_new_classifier_every_epoch),
        (OldMomentum, check_new_classifier_every_epoch),
        (OtherObject, check_new_classifier_every_epoch),
        (ReleasedSampler, check_clusters_equally_often),
        (EverySampleOnce, check_clusters_equally_often),
        (FirstEpochOnly, check_reassigned_every_epoch),
        (AfterTheRelu, check_features_before_the_last_relu),
        (AugmentedSurvey, check_survey),
        (SurveyInTrainMode, check_survey),
        (SameSeeds, check_seeds_by_epoch),
        (GlobalSeeds, check_seeds_by_epoch),
        (HeadWithMomentum, check_the_classifier_learns_without_momentum),
        (HotHead, check_the_classifier_learns_without_momentum),
        (RowsInLoadersOrder, check_reassigned_every_epoch),
        (EverySampleOnce, check_empty_clusters_get_no_label),
        (HeadOfFilledClusters, check_empty_clusters_get_no_label),
        (AssignmentsNotSaved, check_a_resume_inside_an_epoch_has_the_assignments),
    ],
)
def test_mistakes_are_caught(
    mistake: type[DeepCluster], check: Callable[[type[DeepCluster]], None]
) -> None:
    check(mistake)
