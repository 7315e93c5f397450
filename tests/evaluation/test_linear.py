from __future__ import annotations

import pytest
import torch

from presight.errors import UsageError
from presight.evaluation import linear
from presight.evaluation.linear import linear_probe, strengths


def clusters(
    n: int, d: int = 12, c: int = 3, noise: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(n)
    centers = torch.randn(c, d, generator=torch.Generator().manual_seed(7))
    labels = torch.arange(n) % c
    return centers[labels] + noise * torch.randn(n, d, generator=generator), labels


def test_predicts_the_labels_that_it_was_given() -> None:
    x, y = clusters(240, noise=0.1)
    named = torch.tensor([2, 5, 9])[y]
    probe = linear_probe(x, named)
    assert (probe.predict(x) == named).all()
    assert probe.converged
    assert probe.n_validation == 5 * 24
    assert probe.strength in [trial.strength for trial in probe.trials]


def test_the_best_on_the_held_out_part_is_chosen() -> None:
    """Little signal among much noise: the strengths differ, and the choice is the best of them."""
    generator = torch.Generator().manual_seed(0)
    x, y = clusters(600, noise=0.5)
    noisy = torch.cat((x[:, :2], 3 * torch.randn(600, 200, generator=generator)), 1)
    probe = linear_probe(noisy, y)
    accuracies = {trial.strength: trial.accuracy for trial in probe.trials}
    assert len(set(accuracies.values())) > 1
    assert accuracies[probe.strength] == max(accuracies.values())


def test_held_out_images_do_not_enter_the_choice_by_fitting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = []
    real = linear.fit

    def spy(features: torch.Tensor, *args: object, **options: object) -> object:
        sizes.append(len(features))
        return real(features, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(linear, "fit", spy)
    linear_probe(*clusters(200))
    assert sizes == [180] * 5 + [200]


def test_the_choice_is_made_on_some_images_and_keeps_every_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fit of all begins at the choice's solution and ends at the solution of all."""
    x, y = clusters(400)
    y[7] = 9
    seen = []
    real = linear.fit

    def spy(
        features: torch.Tensor, labels: torch.Tensor, *args: object, **options: object
    ) -> object:
        seen.append((len(features), len(torch.unique(labels)), options.get("start")))
        return real(features, labels, *args, **options)  # type: ignore[arg-type]

    whole = linear_probe(x, y)
    monkeypatch.setattr(linear, "_CHOOSERS", 100)
    monkeypatch.setattr(linear, "fit", spy)
    probe = linear_probe(x, y)
    first, *_, last = seen
    assert first[0] == pytest.approx(100, abs=2)
    assert first[1] == last[1] == len(probe.classes)
    assert last[0] == 400
    assert last[2] is not None
    *_, cold = real(x, torch.unique(y, return_inverse=True)[1], [probe.strength],
                    n_classes=len(probe.classes))  # fmt: skip
    assert (probe.scores(x).softmax(1) - cold.logits(x).softmax(1)).abs().max() < 0.02
    assert whole.n_validation == probe.n_validation


def test_few_labels_choose_their_strength_by_several_hold_outs() -> None:
    """The seed of the hold-outs hardly moves the result: by one of 30 images it moves by 6 %."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2300, 200, generator=generator) / torch.arange(1, 201) ** 0.7
    signal = x @ torch.randn(200, 4, generator=generator)
    noise = torch.randn(2300, 4, generator=generator)
    y = (signal / signal.std() + 2 * noise).argmax(1)
    probes = [linear_probe(x[:300], y[:300], seed=seed) for seed in range(8)]
    right = [float((probe.predict(x[300:]) == y[300:]).float().mean()) for probe in probes]
    assert max(right) - min(right) < 0.03


@pytest.mark.parametrize(("n", "held"), [(100, 50), (800, 400), (2000, 600), (12_000, 1200)])
def test_hold_outs_have_about_five_hundred_images_in_all(n: int, held: int) -> None:
    assert linear_probe(*clusters(n, noise=0.1)).n_validation == held


def test_range_of_strengths_follows_the_features_scale() -> None:
    x, _ = clusters(100)
    assert strengths(10 * x)[3] == pytest.approx(100 * strengths(x)[3], rel=1e-3)
    assert len(strengths(x)) == 7
    thorough = strengths(x, thorough=True)
    assert len(thorough) == 45
    assert (thorough[0], thorough[-1]) == (pytest.approx(1e5), pytest.approx(1e-6))


def test_scale_of_features_does_not_change_predictions() -> None:
    x, y = clusters(120)
    assert torch.equal(linear_probe(x, y).predict(x), linear_probe(x * 1e-3, y).predict(x * 1e-3))


def test_weak_strengths_without_gain_are_not_tried() -> None:
    """Labels without signal: held-out loss rises down the path, and the weak end costs most."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(200, 60, generator=generator), torch.arange(200) % 4
    few, all_of_them = linear_probe(x, y), linear_probe(x, y, thorough=True)
    assert 3 <= len(few.trials) < 7
    gained = [trial.accuracy for trial in few.trials]
    assert max(gained[:-2]) >= max(gained[-2:])
    assert len(all_of_them.trials) == 45


def test_one_image_a_class_can_be_fitted() -> None:
    probe = linear_probe(torch.eye(3), torch.arange(3))
    assert (probe.predict(torch.eye(3)) == torch.arange(3)).all()
    assert probe.trials == ()
    assert probe.n_validation == 0


def test_refuses() -> None:
    x, y = clusters(12)
    with pytest.raises(UsageError, match="two classes"):
        linear_probe(x, torch.zeros(12, dtype=torch.long))
    with pytest.raises(UsageError, match="NaN"):
        linear_probe(x * float("nan"), y)
    with pytest.raises(UsageError, match="labels"):
        linear_probe(x, y[:3])
    with pytest.raises(UsageError, match="share"):
        linear_probe(x, y, validation=1.5)
