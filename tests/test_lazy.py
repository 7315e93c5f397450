"""Public names: each is where the design promises it, and none costs an import before its use."""

from __future__ import annotations

import subprocess
import sys

import pytest

import presight
from presight import lazy

PROMISED = {
    "": "pretrain evaluate export report load_backbone Method Card Recipe Batch DataSpec Out Step "
    "Draw",
    "methods": "names load",
    "core": "Batch Draw Step Out DataSpec",
    "errors": "PresightError UsageError DataError",
    "losses": "info_nce nt_xent",
    "views": "recipe names",
    "evaluation": "knn linear_probe Probe",
    "testing": "check_method Trial TinyBackbone",
}


@pytest.mark.parametrize("package", PROMISED)
def test_promised_names(package: str) -> None:
    place = getattr(presight, package) if package else presight
    for name in PROMISED[package].split():
        assert callable(getattr(place, name)), name
    with pytest.raises(AttributeError, match="nonsense"):
        _ = place.nonsense


def test_packages_cost_no_torch() -> None:
    """In a process of its own: this one has torch already."""
    reads = "; ".join(f"presight.{package}" for package in PROMISED if package)
    code = f"import sys, presight; {reads}; assert 'torch' not in sys.modules; dir(presight)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_homes_and_modules() -> None:
    find = lazy.names("presight.core", {"Draw": "draw"}, ("plan",))
    assert find("Draw") is presight.Draw
    assert find("plan").__name__ == "presight.core.plan"
    with pytest.raises(AttributeError, match=r"presight\.core has no batch"):
        find("batch")
