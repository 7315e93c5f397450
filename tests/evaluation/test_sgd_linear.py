"""The SGD protocol: what is chosen, and on what."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator, Sequence

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from tests.evaluation.doubles import Small, Whole, colored
from torch import Tensor

from presight.errors import Diverged, UsageError
from presight.evaluation.feeds import Cached, Forwarded
from presight.evaluation.sgd_linear import RATES, SgdPlan, SgdTrial, _best, sgd_linear

QUICK = SgdPlan(epochs=20, batch_size=32)
FAST = SgdPlan(epochs=20, batch_size=32, rates=[8 * rate for rate in RATES])
"""A batch of 32 takes an eighth of a rate."""


def made(n: int = 120, seed: int = 0, noise: float = 1.0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 3
    means = 2 * torch.eye(3, 8)
    return means[labels] + noise * torch.randn(n, 8, generator=generator), labels


def test_the_published_grid_is_sixteen_heads() -> None:
    plan = SgdPlan()
    assert plan.rates == (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
    assert plan.decays == (0.0, 1e-6)
    assert (len(plan.heads), plan.epochs, plan.batch_size, plan.momentum) == (16, 100, 256, 0.9)
    assert dataclasses.replace(plan, normalize=True).protocol == "linear+BN" != plan.protocol


def test_it_learns_what_logistic_regression_learns() -> None:
    """A second implementation: another solver of the same loss, with a weak penalty."""
    features, labels = made(300)
    test, truth = made(300, seed=1)
    probe = sgd_linear(features, labels, plan=QUICK)
    other = LogisticRegression(C=100.0, max_iter=1000).fit(features.numpy(), labels.numpy())
    reached = float((probe.predict(test) == truth).float().mean())
    assert reached == pytest.approx(other.score(test.numpy(), truth.numpy()), abs=0.03)
    assert len(probe.trials) == 16
    assert probe.n_validation == 30


def test_labels_keep_their_numbers_and_rows_choose_what_is_seen() -> None:
    features, labels = made(noise=0.1)
    spoiled = labels.clone()
    spoiled[60:] = 99  # not among the rows
    probe = sgd_linear(features, spoiled + 4, torch.arange(60), plan=QUICK)
    assert probe.classes.tolist() == [4, 5, 6]
    assert torch.equal(probe.predict(features), labels + 4)


def test_a_diverging_head_never_wins() -> None:
    features, labels = made()
    plan = SgdPlan(rates=(0.3, 1e300), decays=(0.0, 10.0), epochs=5, batch_size=32)
    probe = sgd_linear(features.double() * 1e3, labels, plan=plan)
    gone = [trial for trial in probe.trials if not math.isfinite(trial.loss)]
    assert {trial.rate for trial in gone} == {1e300}
    assert all(trial.accuracy == 0.0 for trial in gone)
    assert probe.rate == 0.3


def test_class_zero_only_is_no_refuge_for_a_diverged_head() -> None:
    """The largest of NaNs is the first class for some comparisons: here it would be right."""
    features, labels = made()
    labels = (labels == 2).long()  # mostly class 0, which NaN answers too
    noise = torch.randn(features.shape, generator=torch.Generator().manual_seed(3))
    plan = SgdPlan(rates=(1e-9, 1e300), decays=(0.0, 10.0), epochs=5, batch_size=32)
    probe = sgd_linear(noise.double(), labels, plan=plan)
    assert probe.rate == 1e-9
    assert bool(torch.isfinite(probe.weight).all())


def test_equal_accuracy_goes_by_loss_and_then_to_the_first() -> None:
    def trial(accuracy: float, loss: float) -> SgdTrial:
        return SgdTrial(0.1, 0.0, accuracy, loss)

    assert _best([trial(0.5, 0.1), trial(0.9, 0.4), trial(0.9, 0.3), trial(0.9, 0.3)]) == 2
    assert _best([trial(0.0, math.inf), trial(0.0, 9.0)]) == 1


def test_all_diverged_is_said() -> None:
    features, labels = made()
    plan = SgdPlan(rates=(1e300,), decays=(10.0,), epochs=5, batch_size=32)
    with pytest.raises(Diverged, match=r"linear\+BN"):
        sgd_linear(features.double(), labels, plan=plan)


@pytest.mark.parametrize("scale", [1e-6, 1e4])
def test_with_the_norm_the_scale_of_features_does_not_matter(scale: float) -> None:
    features, labels = made()
    features = features.double()
    plan = dataclasses.replace(QUICK, normalize=True)
    one, other = (
        sgd_linear(features, labels, plan=plan),
        sgd_linear(scale * features, labels, plan=plan),
    )
    assert other.scores(scale * features).numpy() == pytest.approx(
        one.scores(features).numpy(), abs=1e-6
    )
    assert one.protocol == "linear+BN"


def test_the_head_is_chosen_without_the_rows_that_it_learned_from() -> None:
    """Of pure noise the held-out accuracy is at chance, though train is learned by heart."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(200, 300, generator=generator)
    labels = torch.randint(2, (200,), generator=generator)
    probe = sgd_linear(features, labels, plan=FAST, validation=0.5)
    kept = float((probe.predict(features) == labels).float().mean())
    best = max(trial.accuracy for trial in probe.trials)
    assert best < 0.68
    assert kept == pytest.approx(0.5 + best / 2, abs=0.02)


def test_refit_learns_from_the_held_out_rows_too() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(200, 300, generator=generator)
    labels = torch.randint(2, (200,), generator=generator)
    probe = sgd_linear(features, labels, plan=FAST, validation=0.5, refit=True)
    assert float((probe.predict(features) == labels).float().mean()) > 0.95


def test_one_image_a_class_takes_the_middle_rate() -> None:
    features, labels = made(3, noise=0.1)
    probe = sgd_linear(features, labels, plan=QUICK)
    assert (probe.rate, probe.strength, probe.trials) == (0.3, 0.0, ())
    assert torch.equal(probe.predict(features), labels)


def test_one_forward_of_new_views_serves_all_heads() -> None:
    torch.manual_seed(0)
    part, backbone = colored(48, 0), Small()
    feed = Forwarded(backbone, part.images, Whole(), Whole())
    told: list[int] = []
    probe = sgd_linear(feed, part.labels, plan=dataclasses.replace(QUICK, normalize=True, epochs=8),
                       progress=lambda done, total: told.append(done))  # fmt: skip
    cached = sgd_linear(Cached(feed.measure(torch.arange(48))), part.labels,
                        plan=dataclasses.replace(QUICK, normalize=True, epochs=8))  # fmt: skip
    assert told == list(range(1, 9))
    features = feed.measure(torch.arange(48))
    assert probe.scores(features).numpy() == pytest.approx(
        cached.scores(features).numpy(), abs=1e-3
    )


def test_a_rate_is_for_batches_of_256_and_in_proportion_for_others() -> None:
    """Every row twice is the same mean gradient; the batch of twice the size is rated twice."""
    features, labels = made(48)
    plan = SgdPlan(rates=(1.0,), decays=(0.0,), epochs=9, batch_size=48)
    twice = dataclasses.replace(plan, rates=(0.5,), batch_size=96)
    one = sgd_linear(features, labels, plan=plan, validation=1e-9)
    other = sgd_linear(features.repeat(2, 1), labels.repeat(2), plan=twice, validation=1e-9)
    assert one.trials == other.trials == ()
    assert other.weight.numpy() == pytest.approx(one.weight.numpy(), abs=1e-5)


class Turning(Cached):
    """From some epoch on the features are their own opposites."""

    def learn(self, batches: Sequence[Tensor], epoch: int) -> Generator[Tensor, None, None]:
        for found in super().learn(batches, epoch):
            yield -found if epoch >= 4 else found


def test_the_last_epoch_counts_and_not_the_best() -> None:
    """Half of the epochs teach the opposite: they outweigh the first, in which all was right."""
    features, labels = made(noise=0.1)
    plan = SgdPlan(rates=(100.0,), decays=(0.0,), epochs=8, batch_size=108, momentum=0.0)
    learned = sgd_linear(Cached(features), labels, plan=plan)
    turned = sgd_linear(Turning(features), labels, plan=plan)
    assert learned.trials[0].accuracy == 1.0
    assert turned.trials[0].accuracy < 0.34
    assert torch.equal(learned.predict(features), labels)
    assert not bool((turned.predict(features) == labels).any())


def test_refuses() -> None:
    features, labels = made()
    with pytest.raises(UsageError, match="two classes"):
        sgd_linear(features, torch.zeros_like(labels))
    with pytest.raises(UsageError, match="Pool"):
        sgd_linear(features[:, :, None], labels)
    with pytest.raises(UsageError, match="NaN"):
        sgd_linear(features / 0.0, labels)
    with pytest.raises(UsageError, match="0 epochs"):
        sgd_linear(features, labels, plan=SgdPlan(epochs=0))
