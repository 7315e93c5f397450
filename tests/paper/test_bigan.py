"""BiGAN: the claims of Donahue, Kraehenbuehl and Darrell (ICLR 2017), each beside its bug."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor, nn

from presight.core.backbone import Backbone
from presight.core.batch import DataSpec, Out, Step, Views
from presight.core.draw import Draw
from presight.core.plan import TrainPlan
from presight.errors import UsageError
from presight.losses.adversarial import logistic_coder, logistic_critic, logistic_generator
from presight.methods.generative.bigan import BiGAN
from presight.testing.tiny import tiny_batch, tiny_data, tiny_encoders


class WithoutSwappedLabels(BiGAN):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        if step.player == "critic":
            return out
        pairs = self.pairs(views, step)
        return Out(logistic_critic(*self._judge(views, pairs)), keep=out.keep)


class WithGradientIntoTheCoder(BiGAN):
    def _critic(self, views: Views, step: Step) -> Out:
        return Out(logistic_critic(*self._judge(views, self.pairs(views, step))))


class WithEncoderCutOff(BiGAN):
    def pairs(self, views: Views, step: Step) -> Views:
        pairs = super().pairs(views, step)
        return pairs | {"code": pairs["code"].detach()}


class WithoutKeeping(BiGAN):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        return Out(out.loss, out.terms)


class WithWrongPairs(BiGAN):
    def _judge(self, views: Views, pairs: Views) -> tuple[Tensor, Tensor]:
        return super()._judge(views, pairs | {"code": pairs["noise"], "noise": pairs["code"]})


class WithoutSquashing(BiGAN):
    def code(self, images: Tensor) -> Tensor:
        codes: Tensor = self.head(self.encoder.stages(images)[-1])
        return codes


class WithNoiseOfTheProcess(BiGAN):
    def noise(self, draw: Draw) -> Tensor:
        return 2.0 * torch.rand(len(draw), self.dim) - 1.0


class WithBatchNormInTheCritic(BiGAN):
    def _judge(self, views: Views, pairs: Views) -> tuple[Tensor, Tensor]:
        real, fake = super()._judge(views, pairs)
        return real - real.mean(), fake - fake.mean()


class WithSaturatingLoss(BiGAN):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        if step.player == "critic":
            return out
        pairs = self.pairs(views, step)
        return Out(-logistic_critic(*self._judge(views, pairs)), keep=out.keep)


class WithGeneratorsLossOnly(BiGAN):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        if step.player == "critic":
            return out
        pairs = self.pairs(views, step)
        return Out(logistic_generator(self._judge(views, pairs)[1]), keep=out.keep)


class WithGeneratorCutOff(BiGAN):
    def pairs(self, views: Views, step: Step) -> Views:
        pairs = super().pairs(views, step)
        return pairs | {"fake": pairs["fake"].detach()}


class WithCriticCutOff(BiGAN):
    def _judge(self, views: Views, pairs: Views) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            real, fake = super()._judge(views, pairs)
        return real + 0 * pairs["code"].sum(), fake + 0 * pairs["fake"].sum()


class WithPixelsOfTanh(BiGAN):
    def pairs(self, views: Views, step: Step) -> Views:
        pairs = super().pairs(views, step)
        return pairs | {"fake": 2.0 * pairs["fake"] - 1.0}


class WithCodeAsRepresentation(BiGAN):
    @property
    def backbone(self) -> Backbone:
        return nn.Sequential(self.encoder, self.head)  # type: ignore[return-value]


def caught(*bugs: type[BiGAN]) -> pytest.MarkDecorator:
    """The claim for the method itself, and as an expected failure for its bugs."""
    mark = pytest.mark.xfail(strict=True, raises=AssertionError, reason="the injected bug")
    return pytest.mark.parametrize(
        "kind", [BiGAN, *(pytest.param(bug, marks=mark) for bug in bugs)]
    )


def make(kind: type[BiGAN] = BiGAN, **options: object) -> BiGAN:
    torch.manual_seed(0)
    settings = {"dim": 4, "width": 4} | options
    return kind(tiny_encoders(), tiny_data(), **settings)  # type: ignore[arg-type]


def views() -> Views:
    return {"view": tiny_batch(8).images.float() / 255}


def step(player: str = "coder") -> Step:
    index = torch.arange(8)
    return Step(0, 10, 0, index, Draw(0, 0, index), player)


def noisy(method: BiGAN) -> BiGAN:
    """Weights large enough that logits and codes are far from 0."""
    generator = torch.Generator().manual_seed(1)
    for part in (method.critic, method.head):
        for parameter in part.parameters():
            parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator)
    return method


def touched(module: nn.Module) -> list[bool]:
    return [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in module.parameters()]


def test_losses_start_at_chance() -> None:
    """The released code logs .6932 for each half at epoch 0."""
    method = make()
    for player in ("coder", "critic"):
        loss = method(views(), step(player)).loss.item()
        assert loss == pytest.approx(2 * math.log(2), abs=1e-3)
    nn.init.zeros_(method.critic.joint[-1].weight)
    assert method(views(), step("critic")).loss.item() == pytest.approx(1.386294, abs=1e-6)


@caught(WithoutSwappedLabels, WithSaturatingLoss, WithGeneratorsLossOnly)
def test_coder_swaps_both_labels(kind: type[BiGAN]) -> None:
    """L_EG - L_D = mean D(x, E(x)) - mean D(G(z), z), exactly."""
    method = noisy(make(kind)).eval()
    coder, critic = (method(views(), step(player)).loss for player in ("coder", "critic"))
    real, fake = method._judge(views(), method.pairs(views(), step()))
    difference = (real.mean() - fake.mean()).item()
    assert abs(difference) > 1e-3
    assert (coder - critic).item() == pytest.approx(difference, abs=1e-5)


@caught(WithGradientIntoTheCoder)
def test_critics_turn_leaves_the_coder_alone(kind: type[BiGAN]) -> None:
    method = noisy(make(kind))
    method(views(), step("critic")).loss.backward()
    assert all(touched(method.critic))
    for part in (method.encoder, method.head, method.generator):
        assert not any(touched(part))


@caught(WithEncoderCutOff, WithGeneratorCutOff, WithGeneratorsLossOnly, WithCriticCutOff)
def test_coders_turn_moves_encoder_and_generator_together(kind: type[BiGAN]) -> None:
    method = noisy(make(kind))
    method.critic.requires_grad_(False)  # as the trainer does in this player's turn
    method(views(), step("coder")).loss.backward()
    assert not any(touched(method.critic))
    for part in (method.encoder, method.head, method.generator):
        assert all(touched(part))


def test_players_are_disjoint_and_complete() -> None:
    method = make()
    parts = [name for player in method.players for name in player.modules]
    assert sorted(parts) == sorted(name for name, _ in method.named_children())
    assert [player.name for player in method.players] == ["coder", "critic"]
    assert method.simultaneous
    assert not make(simultaneous=False).simultaneous


@caught(WithoutKeeping)
def test_both_nets_run_once_a_batch(kind: type[BiGAN]) -> None:
    method, batch, calls = make(kind), views(), []
    method.head.register_forward_hook(lambda *_: calls.append("E"))
    method.generator.register_forward_hook(lambda *_: calls.append("G"))
    for player in method.players:
        batch.update(method(batch, step(player.name)).keep)
    assert sorted(calls) == ["E", "G"]


def test_critic_alone_judges_the_same_pairs() -> None:
    """Kept pairs and pairs made anew are equal; what is kept carries no gradient."""
    method = make().eval()
    kept = views()
    kept.update(method(kept, step("coder")).keep)
    assert not any(kept[name].requires_grad for name in ("code", "fake", "noise"))
    both = [method(batch, step("critic")).loss for batch in (kept, views())]
    assert torch.equal(*both)


def test_coder_never_takes_kept_pairs() -> None:
    method, batch = noisy(make()), views()
    batch.update(method(batch, step("coder")).keep)
    method(batch, step("coder")).loss.backward()
    assert all(touched(method.encoder))


@caught(WithWrongPairs)
def test_pairs_are_image_with_its_code_and_noise_with_its_image(kind: type[BiGAN]) -> None:
    method, seen = make(kind).eval(), []
    method.critic.register_forward_hook(lambda _, inputs, __: seen.append(inputs))
    method(views(), step("coder"))
    (image, code), (fake, noise) = seen
    assert torch.equal(image, views()["view"])
    assert torch.equal(code, method.code(image))
    assert torch.equal(fake, method.generator(noise))
    assert torch.equal(noise, method.noise(step().draw))


@caught(WithPixelsOfTanh)
def test_real_and_generated_pixels_share_a_range(kind: type[BiGAN]) -> None:
    """Dark pictures are near 0 on both sides, not -1 on one: the critic would only look there."""
    method, seen = make(kind), []
    nn.init.constant_(method.generator.layers[-2].bias, -9.0)
    method.critic.image[0].register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    method({"view": torch.zeros_like(views()["view"])}, step("coder"))
    real, fake = seen
    assert torch.equal(real, torch.full_like(real, -1.0))
    assert torch.allclose(real, fake, atol=1e-3)


@caught(WithCodeAsRepresentation)
def test_the_representation_is_the_map_before_the_code(kind: type[BiGAN]) -> None:
    method = make(kind)
    assert method.backbone is method.encoder


BUG = pytest.mark.xfail(strict=True, raises=AssertionError, reason="the injected bug")


def imagenet(**changes: object) -> TrainPlan:
    return dataclasses.replace(BiGAN.card.preset(224).plan, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "plan",
    [
        imagenet(),
        pytest.param(imagenet(betas=(0.5, 0.001)), marks=BUG, id="beta2 as ALI's paper prints it"),
        pytest.param(imagenet(betas=(0.9, 0.999)), marks=BUG, id="Adam's own betas"),
        pytest.param(imagenet(decay_all=True), marks=BUG, id="decay of gains"),
        pytest.param(imagenet(final_lr=0.0), marks=BUG, id="down to 0"),
        pytest.param(imagenet(lr_scaling="linear"), marks=BUG, id="scaled by the batch"),
    ],
)
def test_imagenet_plan(plan: TrainPlan) -> None:
    """Adam 2e-4, down to a hundredth; gains and biases do not decay."""
    assert (plan.optimizer, plan.betas) == ("adam", (0.5, 0.999))
    assert (plan.peak_lr(), plan.final_lr, plan.epochs) == (2e-4, 0.01, 100)
    assert (plan.batch_size, plan.weight_decay, plan.decay_all) == (128, 2.5e-5, False)
    assert BiGAN.card.preset(224).options["dim"] == 200


@caught(WithoutSquashing)
def test_codes_share_the_uniform_priors_range(kind: type[BiGAN]) -> None:
    method = noisy(make(kind))
    method.head.linear.weight.data *= 20
    codes, noise = method.code(views()["view"]), method.noise(step().draw)
    for values in (codes, noise):
        assert values.min() >= -1
        assert values.max() <= 1
    assert noise.min() < -0.5
    assert noise.max() > 0.5


def test_normal_prior_leaves_codes_free() -> None:
    method = noisy(make(prior="normal"))
    method.head.linear.weight.data *= 20
    assert method.code(views()["view"]).abs().max() > 1
    assert method.noise(Draw(0, 0, torch.arange(4000))).std().item() == pytest.approx(1, abs=0.03)


@caught(WithNoiseOfTheProcess)
def test_noise_comes_from_the_steps_draw(kind: type[BiGAN]) -> None:
    method, losses = noisy(make(kind)).eval(), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        losses.append(method(views(), step("coder")).loss.item())
    assert losses[0] == losses[1]


@caught(WithBatchNormInTheCritic)
def test_critic_judges_a_pair_without_looking_at_others(kind: type[BiGAN]) -> None:
    method = noisy(make(kind)).eval()
    pairs = method.pairs(views(), step())
    whole, _ = method._judge(views(), pairs)
    half, _ = method._judge(
        {"view": views()["view"][:3]}, {name: value[:3] for name, value in pairs.items()}
    )
    assert torch.allclose(whole[:3], half, atol=1e-5)


def test_critic_may_work_at_a_smaller_side_than_the_encoder() -> None:
    data = DataSpec(32, 40, 8, 4, 2)
    torch.manual_seed(0)
    method = BiGAN(tiny_encoders(), data, dim=4, width=4, side=16)
    images = tiny_batch(8, 40).images.float() / 255
    assert torch.isfinite(method({"view": images}, step()).loss)
    assert method.sample(2, step().draw).shape == (2, 3, 16, 16)
    assert method.reconstruct(images, step().draw).shape == images.shape
    assert BiGAN(tiny_encoders(), DataSpec(32, 96, 8, 4, 2), width=2).side == 64


@pytest.mark.parametrize(
    ("image", "side", "words"),
    [
        (40, 20, "--side 20: expected 0, or a multiple of 8 from 16 on"),
        (40, -8, "--side -8"),
        (12, 0, "--image-size 12: expected 16 pixels or more, or a --side"),
    ],
)
def test_sides_that_do_not_fit_are_named_by_their_option(image: int, side: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        BiGAN(tiny_encoders(), DataSpec(32, image, 8, 4, 2), side=side)


def test_samples_and_pictures() -> None:
    method = make().eval()
    assert torch.equal(method.sample(3, step().draw), method.sample(3, step().draw))
    shown = method.show(views(), step())
    assert shown["reconstructions"].shape == (16, 3, 16, 16)
    assert all(p.min() >= 0 and p.max() <= 1 for p in shown.values())


@pytest.mark.parametrize("option", ["dim", "grid", "width"])
def test_options_out_of_range_are_named(option: str) -> None:
    with pytest.raises(UsageError, match=f"--{option} 0"):
        make(**{option: 0})


class Affine(nn.Module):
    """x -> a x + b on the line."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope, self.offset = nn.Parameter(torch.tensor(slope)), nn.Parameter(torch.zeros(()))

    def forward(self, values: Tensor) -> Tensor:
        return self.slope * values + self.offset


@pytest.mark.slow
def test_encoder_inverts_the_generator_on_the_line() -> None:
    """Data x = 2 u + 1: at the joint optimum E(G(z)) = z (up to sign: E is G's inverse)."""
    torch.manual_seed(0)
    encoder, generator = Affine(0.3), Affine(1.0)
    critic = nn.Sequential(
        nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)
    )
    coder_steps = torch.optim.Adam(
        [*encoder.parameters(), *generator.parameters()], 2e-3, (0.5, 0.999)
    )
    critic_steps = torch.optim.Adam(critic.parameters(), 4e-3, (0.5, 0.999))
    for _ in range(3000):
        x = 2.0 * (2.0 * torch.rand(256, 1) - 1.0) + 1.0
        z = 2.0 * torch.rand(256, 1) - 1.0
        code, fake = encoder(x), generator(z)
        for optimizer, loss in ((critic_steps, logistic_critic), (coder_steps, logistic_coder)):
            pairs = (code, fake) if loss is logistic_coder else (code.detach(), fake.detach())
            optimizer.zero_grad()
            loss(
                critic(torch.cat([x, pairs[0]], 1)), critic(torch.cat([pairs[1], z], 1))
            ).backward()
            optimizer.step()
        for group in (*coder_steps.param_groups, *critic_steps.param_groups):
            group["lr"] *= 0.999
    z = torch.linspace(-1, 1, 21)[:, None]
    with torch.no_grad():
        assert (encoder(generator(z)) - z).abs().max() < 0.05
