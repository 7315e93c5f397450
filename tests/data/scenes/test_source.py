from __future__ import annotations

import numpy as np
import pytest
import torch

from presight.data.open import open_source
from presight.data.scenes import Scenes
from presight.data.scenes.source import BLOCK
from presight.data.source import Blocks, Labelled
from presight.errors import UsageError


def test_a_scene_is_a_function_of_seed_and_number_not_of_the_count() -> None:
    whole = Scenes(3000, size=16, seed=4)
    assert isinstance(whole, Labelled)
    assert isinstance(whole, Blocks)
    short = Scenes(40, size=16, seed=4)
    for i in (39, 0, 17):
        np.testing.assert_array_equal(whole.decode(i), short.decode(i))
        assert whole.target(i) == short.target(i)
    assert whole.decode(0).shape == (16, 16, 3)
    assert whole.decode(0).dtype == np.uint8
    assert (Scenes(40, size=16, seed=5).decode(0) != short.decode(0)).any()
    assert len({image.tobytes() for image in short.decode_many(range(40))}) == 40


def test_many_scenes_are_those_of_each() -> None:
    scenes = Scenes(100, size=16)
    chosen = [*range(BLOCK + 3), 99, 5]
    many = scenes.decode_many(chosen)
    assert many.shape == (len(chosen), 16, 16, 3)
    for place in (0, BLOCK - 1, BLOCK, BLOCK + 3, BLOCK + 4):
        np.testing.assert_array_equal(many[place], scenes.decode(chosen[place]))
    assert scenes.decode_many([]).shape == (0, 16, 16, 3)


def test_the_fingerprint_and_the_spec_name_every_option() -> None:
    made = [
        Scenes(9),
        Scenes(8),
        Scenes(9, size=32),
        Scenes(9, seed=1),
        Scenes(9, factors="TC"),
        Scenes(9, factors=""),
        Scenes(9, objects=2),
        Scenes(9, split="test"),
    ]
    assert len({scenes.fingerprint for scenes in made}) == len(made)
    assert len({scenes.spec for scenes in made}) == len(made)
    for scenes in made:
        assert open_source(scenes.spec) == scenes
        assert open_source(scenes.spec).fingerprint == scenes.fingerprint


def test_labels_are_the_targets_and_the_first_objects_classes() -> None:
    scenes = Scenes(250, size=16, objects=3)
    labels = scenes.labels
    assert len(scenes.classes) == 10
    assert (np.bincount(labels, minlength=10) == 25).all()
    found = scenes.labels_of(range(20)).label[:, 0]
    assert found.tolist() == labels[:20].tolist()
    for i in (0, 10, 249):
        assert scenes.target(i).label == labels[i]
    many = Scenes(2500)
    assert len(many.labels) == 2500
    assert [many.target(i).label for i in (999, 1000, 2499)] == many.labels[
        [999, 1000, 2499]
    ].tolist()
    assert many.labels[:250].tolist() == Scenes(250).labels.tolist()


def test_one_scene_with_all_that_is_known() -> None:
    scenes = Scenes(10, size=16, objects=2, split="validation", factors="TCVLD")
    made = scenes.scene(7)
    np.testing.assert_array_equal(made.image[0].permute(1, 2, 0), scenes.decode(7))
    assert made.label.shape == (1, 2)
    assert torch.equal(made.depth, scenes.labels_of([3, 7]).depth[1:])


def test_identities_name_seed_split_and_number() -> None:
    assert Scenes(9, seed=2).identity(5) == "scene-2-5"
    assert Scenes(9, split="test").identity(5) == "scene-test-0-5"


def test_sizes_are_those_of_the_images() -> None:
    scenes = Scenes(3, size=48)
    assert scenes.sizes.tolist() == [[48, 48]] * 3 == [list(scenes.decode(0).shape[:2])] * 3


def test_pixels_alone_say_little_about_the_class() -> None:
    """Nearest neighbors of raw pixels stay below 0.35; chance is 0.1."""
    scenes = Scenes(1000, size=16)
    rows = torch.from_numpy(scenes.decode_many(range(1000))).flatten(1).float()
    rows = torch.nn.functional.normalize(rows - rows.mean())
    labels = torch.from_numpy(scenes.labels)
    near = (rows[800:] @ rows[:800].T).topk(10, 1).indices
    accuracy = (labels[near].mode(1).values == labels[800:]).float().mean()
    assert 0.08 < accuracy < 0.35


def test_parse() -> None:
    scenes = Scenes.parse("20000?size=32&seed=7&factors=LT&objects=4&split=test")
    assert scenes == Scenes(20000, 32, 7, "TL", 4, "test")
    assert Scenes.parse("5") == Scenes(5, 64, 0, "TCVL", 1, "train")
    assert Scenes.parse("5?factors=none").factors == ""
    assert Scenes.parse("5?factors=TCVLD").factors == "TCVLD"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "count is ''"),
        ("0", "count is '0'; a whole number from 1 to 10,000,000"),
        ("many", "count is 'many'"),
        ("5?size=8", "size is '8'; a whole number from 16 to 512"),
        ("5?size=", "size is ''"),
        ("5?objects=5", "objects is '5'; a whole number from 1 to 4"),
        ("5?objects=-1", "objects is '-1'"),
        ("5?factors=", "factors is ''; letters of TCVLD were expected, or the word none"),
        ("5?factors=TX", "factors is 'TX'; some of the letters TCVLD, each once"),
        ("5?factors=TT", "factors is 'TT'"),
        ("5?split=val", "split is 'val'; train, validation, test are known"),
        ("5?color=1", "no option 'color'; known are size, seed, factors, objects, split"),
        ("\u0665", "count is"),
    ],
)
def test_wrong_specs(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Scenes.parse(text)
