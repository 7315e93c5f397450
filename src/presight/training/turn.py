"""Turn: one player's part of an update, as a module that DDP can wrap.

It registers the player's parameters only and calls the whole learner, which it holds
unregistered. DDP over it then sees exactly the parameters that get a gradient in this turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from presight.core.batch import Out, Step, Views
from presight.core.learner import Learner, Player
from presight.errors import UsageError


class Turn(nn.Module):
    """The learner from the eyes of one player."""

    learner: Learner

    def __init__(self, learner: Learner, parameters: Mapping[str, nn.Parameter]) -> None:
        super().__init__()
        object.__setattr__(self, "learner", learner)
        for name, parameter in parameters.items():
            self.register_parameter(name.replace(".", "/"), parameter)

    def forward(self, views: Views, step: Step) -> Out:
        """The learner's forward."""
        out: Out = self.learner(views, step)
        return out


def named(learner: nn.Module, modules: Sequence[str]) -> dict[str, nn.Parameter]:
    """Trainable parameters under the names of submodules or parameters; "" is everything."""
    found: dict[str, nn.Parameter] = {}
    parameters = {n: p for n, p in learner.named_parameters() if p.requires_grad}
    for module in modules:
        prefix = f"{module}." if module else ""
        below = {n: p for n, p in parameters.items() if n == module or n.startswith(prefix)}
        if not below:
            raise UsageError(
                f'"{module}" names no trainable parameter of {type(learner).__name__}; '
                f"its parts are {', '.join(n for n, _ in learner.named_children())}."
            )
        found |= below
    return found


def assign(learner: Learner) -> dict[str, dict[str, nn.Parameter]]:
    """Each player's parameters by name; players must be disjoint and together complete.

    Raises:
        UsageError: where a parameter has two players or none.
    """
    players: dict[str, Player] = {}
    for player in learner.players:
        if players.setdefault(player.name, player) != player:
            raise UsageError(f'player "{player.name}" comes twice with different settings.')
    owned = {name: named(learner, player.modules) for name, player in players.items()}
    owner: dict[str, str] = {}
    for player_name, parameters in owned.items():
        for name in parameters:
            if name in owner:
                raise UsageError(
                    f'parameter "{name}" belongs to players "{owner[name]}" and "{player_name}"; '
                    "players must be disjoint."
                )
            owner[name] = player_name
    trainable = {n for n, p in learner.named_parameters() if p.requires_grad}
    if missing := trainable - owner.keys():
        raise UsageError(
            f'parameter "{min(missing)}" belongs to no player; name its module in one.'
        )
    return owned
