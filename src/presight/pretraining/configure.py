"""From a command to a configuration: presets first, then what the user gave, auto resolved once."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_type_hints

from presight.core import automatic, registry, world
from presight.core import configuration as layout
from presight.core import options as option_list
from presight.core.automatic import Rule
from presight.core.batch import DataSpec
from presight.core.method import Card, Method, Preset
from presight.core.plan import TrainPlan
from presight.core.recipe import Executor, Recipe
from presight.core.settings import Settings
from presight.core.values import plain
from presight.data.pack import source_sizes
from presight.data.source import Source
from presight.errors import DataError, UsageError
from presight.nn import catalog
from presight.pretraining.configuration import Configuration

PRESETS = get_args(get_type_hints(Settings)["preset"])
FEW = 200
"""Images below which batch statistics and negatives mean little."""


class _Resolver:
    """Collects values and where they came from."""

    def __init__(self, settings: Settings, plan: Mapping[str, Any], device: str) -> None:
        self.settings, self.plan, self.device = settings, dict(plan), device
        self.accelerator = device != "cpu"
        self.origins: dict[str, str] = {}

    def setting(self, name: str, rule: Rule) -> Any:
        """The user's setting, or what auto stands for."""
        value = getattr(self.settings, name)
        if value != "auto":
            return value
        self.origins[name] = f"auto: {rule.why}"
        return rule.value


def configure(
    data: str,
    source: Source,
    settings: Settings,
    plan: Mapping[str, Any],
    options: Mapping[str, Any],
    device: str,
    precision: str,
) -> Configuration:
    """Resolve a new run.

    Args:
        data: as the user named it.
        source: opened.
        settings: the user's, with auto.
        plan: what the user gave beside the preset.
        options: of the method, that the user gave.
        device: kind of device that was picked.
        precision: that was picked.

    Raises:
        UsageError: an option that does not fit. DataError: no image is left.
    """
    if not len(source):
        raise DataError(f"no images in {data}.")
    kind = registry.load(settings.method, settings.plugin)
    resolver = _Resolver(settings, plan, device)
    size = int(resolver.setting("image_size", _size_rule(source, resolver)))
    preset = pick_preset(kind.card, settings.preset, size)
    settings = _settings(resolver, kind.card, preset, size)
    chosen = _plan(resolver, preset, len(source), precision, settings)
    updates = len(source) // chosen.batch_size
    _say_origins(resolver, plan, options, preset)
    found = Configuration(
        data=data,
        settings=settings,
        plan=chosen,
        options=_options(kind, preset, options, size, device),
        spec=DataSpec(len(source), size, chosen.batch_size, updates, chosen.epochs),
        fingerprint=source.fingerprint,
        origins=resolver.origins,
        requested={**resolver.settings.given(), **plan, **options},
        defaults=_defaults(kind, preset, size, device),
    )
    if "epochs" in plan or not settings.minutes:
        return of_length(found, chosen.epochs)
    resolver.origins["epochs"] = (
        f"replaced by what fits {settings.minutes:g} minutes, once measured"
    )
    return found


def pick_preset(card: Card, name: str, image_size: int) -> Preset:
    """The preset that was asked for, or the one for the image size."""
    if name == "auto":
        return card.preset(image_size)
    if name not in card.presets:
        raise UsageError(
            f"{card.name} has no preset {name}; it has {', '.join(card.presets) or 'none'}."
        )
    return card.presets[name]


def _size_rule(source: Source, resolver: _Resolver) -> Rule:
    if resolver.settings.image_size != "auto":
        return Rule(resolver.settings.image_size, "given")
    shortest: Sequence[int] = source_sizes(source).min(1).tolist()
    return automatic.image_size(shortest, resolver.accelerator)


def _settings(resolver: _Resolver, card: Card, preset: Preset, size: int) -> Settings:
    """The settings without any auto but the cache folder's, which is a place of this machine."""
    settings = resolver.settings
    backbone = settings.backbone
    if card.backbone == "own":
        if backbone != "auto":
            raise UsageError(f"{card.name} brings its own network; leave --backbone out.")
        backbone = "resnet9:16"
    backbone = str(resolver.setting("backbone", automatic.backbone(resolver.accelerator)))
    catalog.check(backbone)
    cores = os.cpu_count() or 2
    minutes = settings.minutes
    if not minutes and not resolver.accelerator and "epochs" not in resolver.plan:
        rule = automatic.minutes()
        minutes, resolver.origins["minutes"] = float(rule.value), f"auto: {rule.why}"
    return dataclasses.replace(
        settings,
        minutes=minutes,
        image_size=size,
        backbone=backbone,
        device=resolver.setting("device", automatic.device(resolver.device)),
        preset=resolver.setting("preset", _preset_rule(card, preset, size)),
        stem=resolver.setting("stem", _stem_rule(backbone, size)),
        workers=resolver.setting("workers", automatic.workers(cores)),
        cache_side=resolver.setting("cache_side", automatic.cache_side(size)),
    )


def _preset_rule(card: Card, preset: Preset, size: int) -> Rule:
    """The name of a preset, where it is one that may be asked for."""
    for name, one in card.presets.items():
        if one is preset and name in PRESETS:
            return Rule(name, f"{name}: for views of {size} pixels")
    return Rule("auto", f"{card.name} has none for views of {size} pixels")


def _stem_rule(backbone: str, size: int) -> Rule:
    """Of a network with two stems; elsewhere the word says that nothing is special."""
    if not catalog.has_small_stem(backbone):
        return Rule("standard", "standard: this network has one stem")
    return automatic.stem(size)


def _plan(
    resolver: _Resolver, preset: Preset, n_samples: int, precision: str, settings: Settings
) -> TrainPlan:
    """The preset's plan under the user's, for this data."""
    given = resolver.plan
    values: dict[str, Any] = {"precision": precision}
    if given.get("precision", "auto") == "auto":
        rule = automatic.precision(precision, resolver.device)
        resolver.origins["precision"] = f"auto: {rule.why}"
    if "batch_size" not in given:
        rule = automatic.batch_size(n_samples, preset.plan.batch_size, world.size())
        resolver.origins["batch_size"] = f"auto: {rule.why}"
        values["batch_size"] = rule.number
    if "epochs" not in given and not settings.minutes and resolver.accelerator:
        rule = automatic.epochs(n_samples)
        values["epochs"] = rule.number
        resolver.origins["epochs"] = f"auto: {rule.why}"
    values |= _rates(resolver, preset)
    plan = dataclasses.replace(preset.plan, **{**given, **values})
    if not 2 <= plan.batch_size <= n_samples:
        raise UsageError(
            f"--batch-size {plan.batch_size} does not fit {n_samples:,} images; take 2 to "
            f"{n_samples:,}."
        )
    shares = world.size() * plan.accumulate
    if plan.accumulate < 1 or plan.batch_size % shares or plan.batch_size // shares < 2:
        raise UsageError(
            f"--batch-size {plan.batch_size} cannot be cut into {world.size()} processes times "
            f"--accumulate {plan.accumulate} parts of 2 images or more."
        )
    if plan.epochs <= 0:
        raise UsageError(f"--epochs {plan.epochs:g}: a number above 0 was expected.")
    return plan


def _rates(resolver: _Resolver, preset: Preset) -> dict[str, Any]:
    """Rate and scaling where the user takes another optimizer than the preset's and gives none."""
    optimizer = resolver.plan.get("optimizer", preset.plan.optimizer)
    if optimizer == preset.plan.optimizer:
        return {}
    rules = {
        "lr": automatic.learning_rate(optimizer),
        "lr_scaling": automatic.lr_scaling(optimizer),
    }
    rules = {name: rule for name, rule in rules.items() if name not in resolver.plan}
    resolver.origins |= {name: f"auto: {rule.why}" for name, rule in rules.items()}
    return {name: rule.value for name, rule in rules.items()}


def of_length(configuration: Configuration, epochs: float, why: str = "") -> Configuration:
    """The configuration for so many epochs, which also bound a warm-up that nobody asked for."""
    plan = dataclasses.replace(configuration.plan, epochs=epochs)
    origins = dict(configuration.origins)
    if why:
        origins["epochs"] = why
    if "warmup_epochs" not in configuration.requested:
        rule = automatic.warmup_epochs(plan.warmup_epochs, epochs)
        if float(rule.value) < plan.warmup_epochs:
            plan = dataclasses.replace(plan, warmup_epochs=float(rule.value))
            origins["warmup_epochs"] = f"auto: {rule.why}"
    spec = dataclasses.replace(configuration.spec, epochs=epochs)
    return dataclasses.replace(configuration, plan=plan, spec=spec, origins=origins)


def _options(
    kind: type[Method], preset: Preset, given: Mapping[str, Any], size: int, device: str
) -> dict[str, Any]:
    """All options of a method, its recipes with every value that their size and device decide."""
    defaults = {o.name: o.default for o in option_list.of_method(kind)}
    values = {**defaults, **_typed(kind, preset.options), **given}
    return {name: _resolved(value, size, device) for name, value in values.items()}


def _defaults(kind: type[Method], preset: Preset, size: int, device: str) -> dict[str, Any]:
    """Every saved option as it is where the command does not name it, in plain data."""
    fields = [field for field in dataclasses.fields(Settings) if field.name not in layout.ORDERS]
    settings = {field.name: field.default for field in fields}
    values = {**settings, **vars(preset.plan), **_options(kind, preset, {}, size, device)}
    return {name: plain(value) for name, value in values.items()}


def _resolved(value: Any, size: int, device: str) -> Any:
    """A recipe in plain numbers; other values as they are.

    Both executors make the same views but for rounding, so a run keeps the one that it began with.
    """
    if not isinstance(value, Recipe):
        return value
    usual: Executor = "per-image" if device == "cpu" else "batched"
    executor = usual if value.executor == "auto" else value.executor
    return dataclasses.replace(value.sized(size), executor=executor)


def _typed(kind: type, options: Mapping[str, Any]) -> dict[str, Any]:
    owners = option_list.Owners(f"method {kind.__name__}")
    return option_list.take(option_list.of_method(kind), options, owners)


def _say_origins(
    resolver: _Resolver, plan: Mapping[str, Any], options: Mapping[str, Any], preset: Preset
) -> None:
    """Where every other value came from."""
    for field in dataclasses.fields(TrainPlan):
        default = getattr(preset.plan, field.name) == field.default
        word = "default" if default else f"preset ({preset.origin})"
        resolver.origins.setdefault(field.name, word)
    for name in preset.options:
        resolver.origins[name] = f"preset ({preset.origin})"
    for name, value in {**plan, **options}.items():
        if value != "auto":
            resolver.origins[name] = "user"
    for field in dataclasses.fields(Settings):
        given = getattr(resolver.settings, field.name) != field.default
        resolver.origins.setdefault(field.name, "user" if given else "default")


def warnings(configuration: Configuration) -> list[str]:
    """What a user should think about before it runs."""
    n = configuration.spec.n_samples
    if n < FEW:
        return [
            f"only {n} images: training runs, but batch statistics and negatives are meaningless "
            f"below ~{FEW}; batch set to {configuration.plan.batch_size}."
        ]
    return []
