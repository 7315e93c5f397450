"""What a method declares: its constructor, help, options, players and views."""

from __future__ import annotations

import inspect
from typing import Any

from presight.core import options, yamlfile
from presight.core.recipe import Recipe
from presight.core.values import coerce, plain
from presight.errors import UsageError
from presight.testing.trial import Trial
from presight.training.turn import assign


def require(holds: bool, text: str) -> None:
    """Raise AssertionError with words; unlike `assert` it is there under -O too."""
    if not holds:
        raise AssertionError(text)


def check_constructor(trial: Trial) -> None:
    """Encoders and data by position, options by keyword only, each documented and of a kind."""
    parameters = list(inspect.signature(trial.method.__init__).parameters.values())[1:]
    kinds = [p.kind for p in parameters]
    require(
        kinds[:2] == [inspect.Parameter.POSITIONAL_OR_KEYWORD] * 2
        and [p.name for p in parameters[:2]] == ["encoders", "data"]
        and all(kind is inspect.Parameter.KEYWORD_ONLY for kind in kinds[2:]),
        f"{trial.name}: the constructor must take encoders and data by position and all else by "
        f"keyword only, without *args and **kwargs; it takes {[p.name for p in parameters]}.",
    )
    for parameter in parameters[2:]:
        require(
            parameter.default is not parameter.empty,
            f"{trial.name}: option {parameter.name} has no default.",
        )
        require(
            parameter.annotation is not parameter.empty,
            f"{trial.name}: option {parameter.name} has no type; annotate it, such as "
            f"{parameter.name}: {type(parameter.default).__name__} = ...",
        )


def check_help(trial: Trial) -> None:
    """Every option has a text, and renders."""
    try:
        known = options.of_pretraining(trial.method)
    except UsageError as error:
        raise AssertionError(f"{trial.name}: {error}") from error
    for option in known:
        require(bool(option.help), f"{trial.name}: option {option.name} is not in the Args.")
        require(option.flag in option.brief(), f"{trial.name}: {option.name} does not render.")


def check_round_trip(trial: Trial) -> None:
    """Options to YAML text and back are the same options."""
    known = options.of_method(trial.method)
    written = {o.name: plain(o.default) for o in known}
    read = yamlfile.parse(yamlfile.dump(written))
    for option in known:
        try:
            back = _read_back(option, read[option.name])
        except UsageError as error:
            raise AssertionError(f"{trial.name}: {option.name} after YAML: {error}") from error
        require(
            back == option.default,
            f"{trial.name}: {option.name} is {option.default!r}, and {back!r} after YAML.",
        )


def _read_back(option: options.Option, data: Any) -> object:
    """The option's value from plain data; a recipe of one's own field by field."""
    own = option.default
    if not isinstance(own, Recipe) or type(own).__module__.startswith("presight."):
        return coerce(data, option.annotation, option.flag)
    fields = options.of_dataclass(type(own), option.name)
    return type(own)(**{f.name: coerce(data[f.name], f.annotation, f.flag) for f in fields})


def check_players(trial: Trial) -> None:
    """Players are disjoint and together complete."""
    try:
        assign(trial.build())
    except UsageError as error:
        raise AssertionError(f"{trial.name}: {error}") from error


def check_views(trial: Trial) -> None:
    """The recipe makes the views that it declares, of this run's size."""
    method, step = trial.build(), trial.step()
    views = method.views(trial.loader().images.batch(step.index), step.draw)
    require(
        views.keys() == method.views.keys.keys(),
        f"{trial.name}: the recipe declares {sorted(method.views.keys)} and makes {sorted(views)}.",
    )
    require(
        method.views.size == trial.side,
        f"{trial.name}: the recipe's size is {method.views.size}, the run's {trial.side}; "
        "call views.sized(data.image_size).",
    )
    for name, view in views.items():
        if view.is_floating_point() and view.ndim == 4:
            require(
                float(view.min()) >= -1e-4 and float(view.max()) <= 1 + 1e-4,
                f"{trial.name}: view {name} leaves [0, 1].",
            )
