from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from torchvision import datasets

from presight.data.open import open_labelled
from presight.data.torchvision_sets import torchvision_set
from presight.errors import DataError, UsageError


def fake(name: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """A set of that name with random pixels; it remembers how it was asked for."""
    data = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    def make(root: str, download: bool, **split: object) -> SimpleNamespace:
        made = SimpleNamespace(data=data, root=root, download=download, split=split)
        targets = [n % 2 for n in range(len(data))]
        setattr(made, "labels" if name in ("STL10", "SVHN") else "targets", targets)
        return made

    monkeypatch.setattr(datasets, name, make)
    return data


@pytest.mark.parametrize(
    ("name", "shape"), [("CIFAR10", (6, 8, 8, 3)), ("STL10", (6, 3, 8, 8)), ("MNIST", (6, 8, 8))]
)
def test_arrays_become_rgb_images(
    name: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = fake(name, shape, monkeypatch)
    source = open_labelled(f"torchvision:{name}")
    expected = {
        "CIFAR10": lambda: data[4],
        "STL10": lambda: data[4].transpose(1, 2, 0),
        "MNIST": lambda: np.stack([data[4]] * 3, 2),
    }[name]()
    np.testing.assert_array_equal(source.decode(4), expected)
    assert (len(source), source.target(3).label, source.classes) == (6, 1, ("0", "1"))
    assert source.identity(2) == f"{name}-train-2"
    before = source.fingerprint
    data[5] ^= 1
    assert open_labelled(f"torchvision:{name}").fingerprint != before


def test_files_that_are_missing_are_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--download to fetch it"):
        torchvision_set("CIFAR10:test", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unknown_names_and_splits() -> None:
    with pytest.raises(UsageError, match=r"no torchvision:Nothing here. Known are CIFAR10"):
        torchvision_set("Nothing")
    with pytest.raises(UsageError, match="has no split half; it has train, test"):
        torchvision_set("CIFAR10:half")
