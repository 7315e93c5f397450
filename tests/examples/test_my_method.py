"""The example of a method of one's own keeps the contract, and its loss its closed forms."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from types import ModuleType

import pytest
import torch

from commands import give
from presight.core.batch import Step
from presight.core.draw import Draw
from presight.testing import check_method, tiny_batch, tiny_data, tiny_encoders
from presight.testing.chosen import chosen

EXAMPLES = Path(__file__).parents[2] / "examples"
FILE = EXAMPLES / "my_method.py"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("my_method")


def test_it_passes_the_generic_suite() -> None:
    check_method(chosen(str(FILE)))  # two processes import a method of a file too


def loss_of(example: ModuleType, embedding: torch.Tensor) -> tuple[float, float]:
    """The loss, and the collapsed value, where the projector gives these rows."""
    method = example.AgreeAndSpread(tiny_encoders(), tiny_data(), projector=(4,))
    method.projector = torch.nn.Identity()
    method.encoder = torch.nn.Identity()
    index = torch.arange(len(embedding) // 2)
    out = method({"views": embedding}, Step(0, 1, 0, index, Draw(0, 0, index)))
    return float(out.loss), out.collapsed


def test_equal_embeddings_give_the_collapsed_value(example: ModuleType) -> None:
    loss, collapsed = loss_of(example, torch.ones(8, 4))
    assert loss == pytest.approx(collapsed, abs=1e-6)
    assert collapsed == pytest.approx(-1 - math.log(1 + 4 / 0.25) / 8)


def test_spread_embeddings_that_agree_are_the_best(example: ModuleType) -> None:
    loss, collapsed = loss_of(example, torch.eye(4).repeat(2, 1))
    assert loss == pytest.approx(-1 - math.log(1 + 1 / 0.25) / 2, abs=1e-6)
    assert loss < collapsed


def test_it_is_found_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # what a command leaves unchanged is everything below this folder
    assert "Agree and spread" in give("list", "methods", "--plugin", FILE).out
    help_page = give("pretrain", "--plugin", FILE, "--method", "agree-and-spread", "--help").out
    assert "--eps" in help_page
    assert "radius within which embeddings count as one" in " ".join(help_page.split())


def test_views_reach_it_as_its_recipe_makes_them(example: ModuleType) -> None:
    method = example.AgreeAndSpread(tiny_encoders(), tiny_data())
    batch = tiny_batch(8)
    draw = Draw(0, 0, batch.index)
    out = method(method.views(batch, draw), Step(0, 1, 0, batch.index, draw))
    assert out.loss.isfinite()
    assert set(out.terms) == {"agreement", "spread_nats"}
