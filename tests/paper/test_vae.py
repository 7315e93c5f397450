"""VAE: the claims of Kingma and Welling (ICLR 2014), each beside the bug that it must catch.

A class that ends in a bug's name is the method with that bug. Its test is a strict expected
failure: if the bug slips through, the suite turns red.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from presight.core.backbone import Backbone
from presight.core.batch import DataSpec, Out, Step, Views
from presight.core.draw import Draw
from presight.errors import UsageError
from presight.losses import likelihood as L
from presight.methods.generative.vae import VAE
from presight.testing.tiny import tiny_batch, tiny_data, tiny_encoders

LOG_EVIDENCE = -1.475084
"""log p(x) of x = 0.7, z ~ N(0, 1), x | z ~ N(1.5 z, 0.25)."""
ELBO_AT_PRIOR = -5.7058
WEIGHT, VARIANCE, PIXEL = 1.5, 0.25, 0.7


class NoiseOfBothSigns(Draw):
    """Noise +1 and -1 in turn: the mean over it is exact for squares."""

    def normal(self, stream: str, shape: tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        signs = 1.0 - 2.0 * (self.index % 2)
        return signs.float().view(-1, *[1] * len(shape)).expand(len(self), *shape)


def step(count: int = 2, number: int = 5, total: int = 10, exact: bool = True) -> Step:
    index = torch.arange(count)
    draw = NoiseOfBothSigns(0, 0, index) if exact else Draw(0, 0, index)
    return Step(number, total, 0, index, draw)


def linear(kind: type[VAE], posterior: tuple[float, float], **options: object) -> VAE:
    """The VAE whose decoder is x = 1.5 z + N(0, 0.25), with a given posterior for every image."""
    torch.manual_seed(0)
    data = DataSpec(n_samples=2, image_size=1, global_batch=2, updates_per_epoch=1, epochs=1)
    settings = {"likelihood": "learned", "dim": 1, "warmup": 0.0} | options
    vae = kind(tiny_encoders(), data, **settings)  # type: ignore[arg-type]
    mean, variance = (torch.tensor(value, requires_grad=True) for value in posterior)
    vae.code = lambda images: (  # type: ignore[method-assign]
        mean.expand(len(images), 1),
        variance.log().expand(len(images), 1),
    )
    vae.decode = lambda codes: WEIGHT * codes.view(-1, 1, 1, 1)  # type: ignore[method-assign]
    if vae.likelihood == "learned":
        torch.nn.init.constant_(vae.log_scale, 0.5 * math.log(VARIANCE))
    vae.posterior = (mean, variance)  # type: ignore[assignment]
    return vae


def exact_posterior() -> tuple[float, float]:
    precision = 1.0 + WEIGHT**2 / VARIANCE
    return PIXEL * WEIGHT / VARIANCE / precision, 1.0 / precision


PIXELS = torch.full((2, 1, 1, 1), PIXEL)


class WithVarianceAsDeviation(VAE):
    def forward(self, views: Views, step: Step) -> Out:
        code = self.code
        self.code = lambda images: (code(images)[0], 2.0 * code(images)[1])  # type: ignore[method-assign]
        mean, log_variance = code(views["view"])
        out = super().forward(views, step)
        wrong = L.kl_to_standard_normal(mean, 2.0 * log_variance).mean(0).sum()
        right = L.kl_to_standard_normal(mean, log_variance).mean(0).sum()
        self.code = code  # type: ignore[method-assign]
        return Out(out.loss - wrong + right, out.terms, keep=out.keep)


class WithoutNoise(VAE):
    def forward(self, views: Views, step: Step) -> Out:
        step.draw.normal = lambda stream, shape: torch.zeros(len(step.draw), *shape)  # type: ignore[method-assign]
        return super().forward(views, step)


class WithMeanOverPixels(VAE):
    def _distortion(self, images: Tensor, output: Tensor, error: Tensor) -> Tensor:
        return super()._distortion(images, output, error) / images[0].numel()


class WithoutWarmup(VAE):
    def forward(self, views: Views, step: Step) -> Out:
        self.warmup = 0.0
        return super().forward(views, step)


class WithNoiseOfTheProcess(VAE):
    def forward(self, views: Views, step: Step) -> Out:
        class Global(Draw):
            def normal(self, stream: str, shape: tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
                return torch.randn(len(self), *shape)

        wrong = Global(0, 0, step.index)
        return super().forward(views, Step(step.number, step.total, 0, step.index, wrong))


class WithFreeBitsAnImage(VAE):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        each = L.kl_to_standard_normal(*self.code(views["view"]))
        batch = L.free_bits(each.mean(0), self.free_bits)
        return Out(out.loss - batch + each.clamp_min(self.free_bits).mean(0).sum(), out.terms)


class WithUnitVariance(VAE):
    def _distortion(self, images: Tensor, output: Tensor, error: Tensor) -> Tensor:
        return L.gaussian(images, output, torch.zeros(())).sum() / len(images)


class WithMeanSquaredError(VAE):
    def _distortion(self, images: Tensor, output: Tensor, error: Tensor) -> Tensor:
        return error


class WithSumOverImages(VAE):
    def _distortion(self, images: Tensor, output: Tensor, error: Tensor) -> Tensor:
        return super()._distortion(images, output, error) * len(images)


class WithMeanOverLatents(VAE):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        return Out(out.loss - out.terms["kl"] + out.terms["kl"] / self.dim)


class WithDivergenceTheOtherWay(VAE):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        mean, log_variance = self.code(views["view"])
        zero = torch.zeros_like(mean)
        wrong = L.kl_between_normals(zero, zero, mean, log_variance).mean(0).sum()
        kl = out.terms["kl"]
        return Out(out.loss - kl + wrong, out.terms | {"kl": wrong.detach()})


class WithoutBounds(VAE):
    def code(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.head(self.encoder.stages(images)[-1]).chunk(2, 1)
        return mean, log_variance


class WithUnitsCountedByNats(VAE):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        each = L.kl_to_standard_normal(*self.code(views["view"])).mean(0)
        return Out(out.loss, out.terms | {"active_units": (each > 0.01).float().sum()})


class WithSampleAsCode(VAE):
    def forward(self, views: Views, step: Step) -> Out:
        out, (mean, log_variance) = super().forward(views, step), self.code(views["view"])
        noise = step.draw.normal("code", (self.dim,))
        return Out(out.loss, embedding=mean + noise * torch.exp(0.5 * log_variance))

    @torch.no_grad()
    def reconstruct(self, images: Tensor, draw: Draw) -> Tensor:
        mean, log_variance = self.code(images)
        noise = draw.normal("code", (self.dim,))
        return self._images(mean + noise * torch.exp(0.5 * log_variance))


class WithCodeAsRepresentation(VAE):
    @property
    def backbone(self) -> Backbone:
        return torch.nn.Sequential(self.encoder, self.head)  # type: ignore[return-value]


class WithGraysAsBits(VAE):
    @torch.no_grad()
    def nats(self, images: Tensor, draw: Draw, samples: int = 1) -> L.Likelihood:
        output = self.decode(self.code(images)[0])
        return L.Likelihood(-L.bernoulli(images, output).flatten(1).sum(1), "lower")


class WithDensityAsProbability(VAE):
    def _log_mass(self, images: Tensor, output: Tensor) -> Tensor:
        return -L.gaussian(images, output, self.log_scale).flatten(1).sum(1)


def caught(*bugs: type[VAE]) -> pytest.MarkDecorator:
    """The claim for the method itself, and as an expected failure for its bugs."""
    mark = pytest.mark.xfail(strict=True, raises=AssertionError, reason="the injected bug")
    return pytest.mark.parametrize("kind", [VAE, *(pytest.param(bug, marks=mark) for bug in bugs)])


@caught(WithVarianceAsDeviation, WithoutNoise, WithUnitVariance, WithDivergenceTheOtherWay)
def test_bound_is_the_evidence_at_the_exact_posterior(kind: type[VAE]) -> None:
    out = linear(kind, exact_posterior())({"view": PIXELS}, step())
    assert -out.loss.item() == pytest.approx(LOG_EVIDENCE, abs=2e-6)


@caught(WithoutNoise)
def test_bound_at_the_prior(kind: type[VAE]) -> None:
    out = linear(kind, (0.0, 1.0))({"view": PIXELS}, step())
    assert -out.loss.item() == pytest.approx(ELBO_AT_PRIOR, abs=5e-5)
    assert out.terms["kl"].item() == 0.0


def test_bound_is_below_the_evidence_elsewhere() -> None:
    mean, variance = exact_posterior()
    for posterior in ((mean + 0.1, variance), (mean, 1.3 * variance), (mean, 0.7 * variance)):
        out = linear(VAE, posterior)({"view": PIXELS}, step())
        assert -out.loss.item() < LOG_EVIDENCE - 1e-3


@caught(WithDivergenceTheOtherWay)
def test_divergence_has_the_known_values(kind: type[VAE]) -> None:
    """KL(N(1,1) || N(0,1)) = 0.5, KL(N(0,4) || N(0,1)) = 0.8069."""
    for posterior, value in (((1.0, 1.0), 0.5), ((0.0, 4.0), 0.8069)):
        out = linear(kind, posterior)({"view": PIXELS}, step())
        assert out.terms["kl"].item() == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize(
    ("samples", "value", "tolerance"),
    # The card's values are single simulations: at 100 samples it is 0.0045 from the mean.
    [(1, -5.7262, 0.1), (10, -1.5685, 0.01), (100, -1.4783, 0.006), (1000, -1.4760, 0.002)],
)
def test_importance_bounds_rise_to_the_evidence(
    samples: int, value: float, tolerance: float
) -> None:
    """With the prior as proposal: the ELBO at 1, and log p - Var(w) / (2 K p^2) for many."""
    repeats = 40_000 if samples < 100 else 4_000_000 // samples
    codes = Draw(0, 0, torch.arange(samples)).normal("codes", (repeats,)).double()
    log_weights = -L.gaussian(
        torch.tensor(PIXEL), WEIGHT * codes, torch.tensor(0.5 * math.log(VARIANCE))
    )
    bound = L.importance_bound(log_weights).mean().item()
    assert bound == pytest.approx(value, abs=tolerance)
    assert bound < LOG_EVIDENCE + 1e-3
    if samples >= 100:
        spread = WEIGHT**2 + VARIANCE / 2  # p(x|z)^2 is a Gaussian of half the variance
        square = math.exp(-(PIXEL**2) / (2 * spread)) / math.sqrt(2 * math.pi * spread)
        square /= 2 * math.sqrt(math.pi * VARIANCE)
        loss = (square / math.exp(2 * LOG_EVIDENCE) - 1) / (2 * samples)
        assert bound == pytest.approx(LOG_EVIDENCE - loss, abs=2e-3)


@caught(WithoutNoise, WithVarianceAsDeviation)
def test_gradient_flows_through_the_noise(kind: type[VAE]) -> None:
    """The gradient of E[z^2] is 2 mu for the mean and 2 s for the deviation."""
    vae = linear(kind, (0.4, 0.09), beta=0.0)
    torch.nn.init.zeros_(vae.log_scale)
    mean, variance = vae.posterior  # type: ignore[misc]
    out = vae({"view": torch.zeros(2, 1, 1, 1)}, step())  # (1.5 z)^2 / 2
    slope_mean, slope_variance = torch.autograd.grad(out.loss, (mean, variance))
    deviation = variance.detach().sqrt()
    scale = WEIGHT**2 / 2.0
    assert slope_mean.item() == pytest.approx(scale * 2.0 * 0.4, rel=1e-5)
    slope_deviation = slope_variance * 2.0 * deviation
    assert slope_deviation.item() == pytest.approx(scale * 2.0 * deviation.item(), rel=1e-5)


def network(kind: type[VAE] = VAE, **options: object) -> VAE:
    torch.manual_seed(0)
    return kind(tiny_encoders(), tiny_data(), width=16, **({"dim": 6} | options))  # type: ignore[arg-type]


def pictures(count: int = 8) -> Tensor:
    return tiny_batch(count).images.float() / 255


@caught(WithMeanOverPixels, WithMeanSquaredError, WithSumOverImages)
@pytest.mark.parametrize("likelihood", ["gaussian", "learned", "logistic", "bernoulli"])
def test_sums_over_pixels_and_mean_over_images(kind: type[VAE], likelihood: str) -> None:
    """Twice the pixels cost twice the nats, twice the images the same."""
    vae = network(kind, likelihood=likelihood)
    images = pictures()
    output = torch.rand(images.shape, generator=torch.Generator().manual_seed(0))

    def cost(images: Tensor, output: Tensor) -> float:
        return vae._distortion(images, output, (images - output).square().mean()).item()

    once = cost(images, output)
    pixel = {
        "gaussian": L.optimal_gaussian((images - output).square().mean()),
        "learned": L.gaussian(images, output, torch.tensor(0.25).log()).mean(),
        "logistic": L.discretized_logistic(images, output, torch.tensor(0.25).log()).mean(),
        "bernoulli": L.bernoulli(images, output).mean(),
    }[likelihood]
    assert once == pytest.approx(3 * 16 * 16 * pixel.item(), rel=1e-4)
    assert cost(images.repeat(2, 1, 1, 1), output.repeat(2, 1, 1, 1)) == pytest.approx(once, 1e-5)


def test_unit_variance_hides_the_error() -> None:
    """At MSE 0.01: 0.9239 nats a pixel with unit variance, -0.8836 with the best one."""
    images = torch.full((2, 1, 4, 4), 0.5)
    output = images + 0.1
    error = (images - output).square().mean()
    for kind, value in ((VAE, -0.8836), (WithUnitVariance, 0.9239)):
        pixel = network(kind)._distortion(images, output, error).item() / 16
        assert pixel == pytest.approx(value, abs=5e-5)


@caught(WithMeanOverLatents)
def test_divergence_is_a_sum_over_latents(kind: type[VAE]) -> None:
    vae, images = network(kind, warmup=0.0), pictures()
    mean, log_variance = vae.code(images)
    out = vae({"view": images}, step(8))
    each = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)
    assert vae.dim == each.shape[1] == 6
    whole = vae._distortion(images, *decoded(vae, images)) + each.sum() / len(images)
    assert out.loss.item() == pytest.approx(whole.item(), rel=1e-5)


def decoded(vae: VAE, images: Tensor) -> tuple[Tensor, Tensor]:
    """What the decoder makes of the codes that a step draws, and its squared error."""
    mean, log_variance = vae.code(images)
    noise = step(len(images)).draw.normal("code", (vae.dim,))
    output = vae.decode(mean + noise * torch.exp(0.5 * log_variance))
    return output, (images - output).square().mean()


@caught(WithUnitsCountedByNats)
def test_active_units_vary_over_images(kind: type[VAE]) -> None:
    """A code that is the same for all images costs half a nat and tells nothing: collapse."""
    vae = linear(kind, (1.0, 1.0))
    out = vae({"view": PIXELS}, step())
    assert out.terms["kl"].item() == pytest.approx(0.5)
    assert out.terms["active_units"].item() == 0
    vae.code = lambda images: (  # type: ignore[method-assign]
        torch.tensor([[0.0], [1.0]]),
        torch.zeros(2, 1),
    )
    assert vae({"view": PIXELS}, step()).terms["active_units"].item() == 1


@caught(WithSampleAsCode)
def test_the_code_is_the_posteriors_mean(kind: type[VAE]) -> None:
    vae, images = network(kind).eval(), pictures()
    mean = vae.code(images)[0]
    out = vae({"view": images}, step(8, exact=False))
    assert out.embedding is not None
    assert torch.equal(out.embedding, mean)
    assert torch.equal(vae.reconstruct(images, step(8).draw), vae.decode(mean).clamp(0, 1))


@caught(WithCodeAsRepresentation)
def test_the_representation_is_the_map_before_the_code(kind: type[VAE]) -> None:
    vae = network(kind)
    assert vae.backbone is vae.encoder


@caught(WithoutWarmup)
def test_weight_of_the_divergence_rises_over_the_warmup(kind: type[VAE]) -> None:
    posterior = (1.0, 1.0)  # a divergence of half a nat
    found = []
    for number in (0, 1, 2, 8):
        vae = linear(kind, posterior, beta=4.0, warmup=0.2)
        out = vae({"view": PIXELS}, step(number=number))
        found.append(out.loss.item() - out.terms["distortion"].item())
    assert found == pytest.approx([0.0, 1.0, 2.0, 2.0], abs=1e-5)


@caught(WithoutNoise)
def test_without_divergence_it_is_a_noisy_autoencoder(kind: type[VAE]) -> None:
    vae = linear(kind, (0.0, 1.0), beta=0.0)
    out = vae({"view": PIXELS}, step())
    noisy = L.gaussian(
        PIXELS.flatten(), WEIGHT * torch.tensor([1.0, -1.0]), vae.log_scale.detach()
    ).mean()
    assert out.loss.item() == pytest.approx(noisy.item(), rel=1e-6)


@caught(WithNoiseOfTheProcess)
def test_noise_comes_from_the_steps_draw(kind: type[VAE]) -> None:
    vae = network(kind).eval()
    losses = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        losses.append(vae({"view": pictures()}, step(8, exact=False)).loss.item())
    assert losses[0] == losses[1]


@caught(WithFreeBitsAnImage)
def test_free_bits_are_of_a_latent_over_the_batch(kind: type[VAE]) -> None:
    """Images with 0 and 0.2 nats have a mean of 0.1: half a floor of 0.2, not three quarters."""
    vae = linear(kind, (0.0, 1.0), free_bits=0.2)
    means = torch.tensor([[0.0], [math.sqrt(2 * 0.3)]])
    vae.code = lambda images: (means, torch.zeros(2, 1))  # type: ignore[method-assign]
    out = vae({"view": PIXELS}, step())
    assert out.loss.item() - out.terms["distortion"].item() == pytest.approx(0.2, abs=1e-6)


@caught(WithoutBounds)
def test_log_variances_are_bounded_for_half_precision(kind: type[VAE]) -> None:
    vae = network(kind)
    torch.nn.init.constant_(vae.head.linear.bias, 1e5)
    assert vae.code(pictures())[1].max() == 10.0
    torch.nn.init.constant_(vae.head.linear.bias, -1e5)
    assert vae.code(pictures())[1].min() == -10.0
    assert math.exp(10.0) < torch.finfo(torch.float16).max < math.exp(12.0)


def test_bound_of_discrete_images_is_a_probability() -> None:
    """At the exact posterior every sample weighs the same: log p(x) of a bin of 1/255."""
    level = round(PIXEL * 255) / 255
    images = torch.full((2, 1, 1, 1), level)
    precision = 1.0 + WEIGHT**2 / VARIANCE
    vae = linear(VAE, (level * WEIGHT / VARIANCE / precision, 1.0 / precision))
    evidence = -0.5 * (level**2 / 2.5 + math.log(2 * math.pi * 2.5)) - math.log(255)
    for samples in (1, 5):
        bound = vae.nats(images, Draw(0, 0, torch.arange(2)), samples)
        assert bound.kind == "lower"
        assert bound.value.tolist() == pytest.approx([evidence] * 2, abs=1e-3)


@caught(WithDensityAsProbability)
def test_training_loss_is_a_density_but_nats_are_not(kind: type[VAE]) -> None:
    """A density can be above 1, its loss below 0; a mass of discrete images cannot."""
    vae = linear(kind, exact_posterior())
    torch.nn.init.constant_(vae.log_scale, -6.0)
    vae.decode = lambda codes: torch.full((len(codes), 1, 1, 1), 178 / 255)  # type: ignore[method-assign]
    images = torch.full((2, 1, 1, 1), 178 / 255)
    assert vae({"view": images}, step()).terms["distortion"].item() < 0
    assert (vae._log_mass(images, vae.decode(torch.zeros(2, 1))) <= 0).all()


@caught(WithGraysAsBits)
def test_bernoulli_has_no_likelihood_of_grays(kind: type[VAE]) -> None:
    said = ""
    try:
        network(kind, likelihood="bernoulli").nats(pictures(), Draw(0, 0, torch.arange(8)))
    except UsageError as error:
        said = str(error)
    assert "gray levels" in said


def test_variance_is_kept_for_where_there_is_no_batch() -> None:
    vae = network().eval()
    out = vae({"view": pictures()}, step(8, exact=False))
    vae.after_batch(out, step(8))
    first = out.keep["squared_error"]
    assert vae.variance == first
    vae.after_batch(Out(out.loss, keep={"squared_error": first * 2}), step(8))
    assert vae.variance.item() == pytest.approx(1.01 * first.item(), rel=1e-5)


@pytest.mark.parametrize("likelihood", ["gaussian", "learned", "logistic", "bernoulli"])
def test_every_parameter_learns(likelihood: str) -> None:
    vae = network(likelihood=likelihood)
    vae({"view": pictures()}, step(8, exact=False)).loss.backward()
    for name, parameter in vae.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_a_few_steps_learn_to_reconstruct() -> None:
    """Four pictures with Adam: the error falls below their variance."""
    vae, images = network(warmup=0.0, beta=0.1, dim=8), pictures(4)
    optimizer = torch.optim.Adam(vae.parameters(), 1e-2)
    for number in range(25):
        optimizer.zero_grad()
        out = vae({"view": images}, step(4, number, 25, exact=False))
        out.loss.backward()
        optimizer.step()
        vae.after_batch(out, step(4))
    assert out.terms["squared_error"] < 0.6 * images.var()
    assert vae.eval().sample(3, step(8).draw).shape == (3, 3, 16, 16)
    shown = vae.show({"view": images}, step(4, exact=False))
    assert all(p.min() >= 0 and p.max() <= 1 for p in shown.values())


@pytest.mark.parametrize(
    ("option", "value"),
    [("dim", 0), ("grid", 0), ("beta", -1.0), ("warmup", 2.0), ("free_bits", -0.1)],
)
def test_options_out_of_range_are_named(option: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"--{option.replace('_', '-')}"):
        network(**{option: value})
