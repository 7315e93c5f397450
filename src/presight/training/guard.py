"""Guard: a loss that is not finite never reaches what is kept of the weights.

On a CPU it is seen before the update. On an accelerator, where looking at every loss would wait
for the device, a flag stays on the device and is read when a record is made; the weights are then
restored from the copy made at the record before.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from presight.core import world


class Guard:
    """Watches losses and gradient norms; keeps a good copy in memory.

    `immediate` says that what is bad is known before its update is made.

    Args:
        learner: whose state is kept.
        optimizers: by player.
        device: where losses live.
    """

    def __init__(
        self,
        learner: nn.Module,
        optimizers: Mapping[str, torch.optim.Optimizer],
        device: torch.device,
    ) -> None:
        self._learner, self._optimizers = learner, optimizers
        self.immediate = device.type == "cpu"
        self._bad = torch.zeros((), dtype=torch.bool, device=device)
        self._weights: dict[str, Tensor] = {}
        self._states: dict[str, Any] = {}

    def snapshot(self) -> None:
        """Copy the present state as good."""
        self._weights = {k: v.detach().clone() for k, v in self._learner.state_dict().items()}
        self._states = {k: copy.deepcopy(o.state_dict()) for k, o in self._optimizers.items()}

    def see(self, value: Tensor, *, alone: bool = False) -> bool:
        """Note a loss or norm; True where it is known to be bad already.

        Args:
            value: scalar.
            alone: the value is this process's own, so the processes must agree on it.
        """
        bad = ~torch.isfinite(value.detach())
        if not self.immediate:
            self._bad |= bad
            return False
        found = bool(bad)
        return world.any_true(found) if alone else found

    def tripped(self) -> bool:
        """Whether anything bad was seen since the last call; waits for the device."""
        found = world.any_true(bool(self._bad))
        self._bad.zero_()
        return found

    def roll_back(self) -> None:
        """Back to the good copy."""
        self._learner.load_state_dict(self._weights)
        for name, optimizer in self._optimizers.items():
            optimizer.load_state_dict(copy.deepcopy(self._states[name]))
