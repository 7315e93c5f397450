from __future__ import annotations

import numpy as np
import pytest
import torch

from presight.data.scenes import Scenes
from presight.data.source import Labelled
from presight.errors import UsageError


def stack(scenes: Scenes) -> np.ndarray:
    return np.stack([scenes.decode(i) for i in range(len(scenes))])


def test_a_scene_is_a_function_of_seed_and_number() -> None:
    whole = Scenes(3000, size=32, seed=4)
    assert isinstance(whole, Labelled)
    short = Scenes(40, size=32, seed=4)
    for i in (39, 0, 17):
        np.testing.assert_array_equal(whole.decode(i), short.decode(i))
        assert whole.target(i) == short.target(i)
    assert whole.decode(0).shape == (32, 32, 3)
    assert whole.decode(0).dtype == np.uint8
    assert whole.decode(2999).any()
    assert (Scenes(40, size=32, seed=5).decode(0) != short.decode(0)).any()
    assert len({image.tobytes() for image in stack(short)}) == 40


def test_the_fingerprint_names_every_option() -> None:
    made = [Scenes(9), Scenes(8), Scenes(9, size=32), Scenes(9, seed=1)]
    assert len({scenes.fingerprint for scenes in made}) == 4
    assert Scenes(9).fingerprint == made[0].fingerprint


def test_classes_are_balanced_and_labels_are_the_targets() -> None:
    scenes = Scenes(2500)
    labels = scenes.labels
    counts = np.bincount(labels, minlength=10)
    assert len(scenes.classes) == 10
    assert abs(counts - 250).max() < 4.5 * 15  # standard deviation 15
    for i in (0, 1023, 1024, 2499):
        assert scenes.target(i).label == labels[i]


def test_sizes_are_those_of_the_images() -> None:
    scenes = Scenes(3, size=48)
    assert scenes.sizes.tolist() == [[48, 48]] * 3 == [list(scenes.decode(0).shape[:2])] * 3


def test_pixels_alone_say_little_about_the_class() -> None:
    """Nearest neighbors of raw pixels stay below 0.3; chance is 0.1."""
    scenes = Scenes(1500, size=32)
    rows = torch.from_numpy(stack(scenes)).flatten(1).float()
    rows = torch.nn.functional.normalize(rows - rows.mean())
    labels = torch.from_numpy(scenes.labels)
    near = (rows[1200:] @ rows[:1200].T).topk(10, 1).indices
    accuracy = (labels[near].mode(1).values == labels[1200:]).float().mean()
    assert 0.05 < accuracy < 0.3


def test_there_is_an_up() -> None:
    """The mean over many scenes is brighter above than below, and alike left and right."""
    mean = stack(Scenes(600, size=32)).mean((0, 3))
    assert mean[:10].mean() - mean[-10:].mean() > 15
    assert abs(mean[:, :10].mean() - mean[:, -10:].mean()) < 4


def test_parse() -> None:
    scenes = Scenes.parse("20000?size=32&seed=7")
    assert (len(scenes), scenes.size, scenes.seed) == (20000, 32, 7)
    assert (Scenes.parse("5").size, Scenes.parse("5").seed) == (64, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "count is ''"),
        ("0", "count is '0'; a whole number from 1 to 10,000,000"),
        ("many", "count is 'many'"),
        ("5?size=8", "size is '8'; a whole number from 16 to 512"),
        ("5?size=", "size is ''"),
        ("5?color=1", "no option 'color'; known are size and seed"),
        ("\u0665", "count is"),
    ],
)
def test_wrong_specs(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Scenes.parse(text)
