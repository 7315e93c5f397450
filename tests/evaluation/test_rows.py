from __future__ import annotations

import torch

from evaluation.doubles import Pictures, Small, Whole, colored
from presight.evaluation.labelled import divide
from presight.evaluation.rows import RAW_PIXELS, Options, of_backbone, of_pixels

OPTIONS = Options(8, 0, torch.device("cpu"), None, False, 16, Whole(), None)


def test_a_set_that_is_both_parts_is_read_once() -> None:
    train = colored(60, 0)
    split = divide(train, None, 0.2, 0)
    found = of_backbone("net", Small(), split, OPTIONS)
    assert (len(found.train), len(found.test)) == (48, 12)
    assert isinstance(train.images, Pictures)
    assert sorted(train.images.reads) == list(range(60))
    assert found.details["dim"] == found.train.shape[1]


def test_features_are_those_of_their_rows() -> None:
    split = divide(colored(60, 0), colored(30, 1), 0.2, 0)
    found = of_pixels(split, OPTIONS)
    assert found.row == RAW_PIXELS
    whole = split.test.images.batch(torch.arange(30)).images.flatten(1) / 255
    assert torch.allclose(found.test, whole, atol=1e-6)
