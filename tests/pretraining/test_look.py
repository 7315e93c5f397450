"""What is answered before anything is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from presight.core import yamlfile
from presight.core.configuration import flatten
from presight.restore import build_method, origin_of
from tinyruns import DATA, tiny

BYTES = 4


@pytest.mark.parametrize("order", ["dry_run", "print_config"])
def test_a_machine_is_told_the_configuration(order: str, tmp_path: Path) -> None:
    look: dict[str, Any] = {order: True}
    done = tiny(tmp_path / "run", seed=3, **look)
    told = json.loads(json.dumps(done.summary))["configuration"]
    assert told == yamlfile.parse("\n".join(done.lines()))
    flat = flatten(told)
    assert (flat["data"], flat["method"], flat["seed"], flat["batch_size"]) == (
        *(DATA, "rotation"),
        *(3, 16),
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("optimizer", "moments"), [("sgd", 1), ("adamw", 2)])
def test_the_least_memory_by_hand(
    optimizer: str, moments: int, finished: Path, tmp_path: Path
) -> None:
    done = tiny(tmp_path / "run", dry_run=True, optimizer=optimizer)
    memory = done.summary["memory"]
    method = build_method(origin_of(finished))
    parameters = sum(p.numel() for p in method.parameters()) * BYTES
    assert memory["gradients"] == parameters
    assert memory["optimizer"] == moments * parameters
    assert parameters < memory["weights"] < 1.2 * parameters
    assert memory["views"] >= 16 * 3 * 16 * 16 * BYTES
    halved = tiny(tmp_path / "run", dry_run=True, batch_size=8).summary["memory"]
    assert 2 * halved["views"] == memory["views"]
    parts = ("weights", "gradients", "optimizer", "views")
    assert memory["at_least"] == sum(memory[part] for part in parts)
    (line,) = [line for line in done.lines() if line.startswith("# memory")]
    assert f"at least {memory['at_least'] / 2**20:.1f} MiB" in line
