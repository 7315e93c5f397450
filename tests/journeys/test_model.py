"""From a run to a model that answers, by the command line: labels by hand, answers, corrections."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import OUT, give, refused
from data.making import encoded, pixels, write
from tinyruns import copied

pytestmark = pytest.mark.usefixtures("place")

QUICK = ("--updates", "2", "--device", "cpu")


def halves(folder: str, count: int = 12) -> None:
    """Pictures with a mask each: the left half is one class, the right half another."""
    mask = np.zeros((20, 24), np.uint8)
    mask[:, 12:] = 1
    for number in range(count):
        write(Path(folder) / f"images/{number}.png", encoded(pixels(20, 24, number)))
        write(Path(folder) / f"masks/{number}.png", encoded(mask))
    (Path(folder) / "masks/palette.csv").write_text("name,index\nleft,0\nright,1\n")


def test_masks_become_a_model_whose_answers_are_labels_again() -> None:
    copied(Path(OUT))
    halves("labelled")
    asked = ("evaluate", OUT, "--labels", "labelled", "--task", "segmentation", *QUICK)
    said = give(*asked, "--mode", "finetune", "--keep")
    assert said.code == 0, said.err
    assert "the fine-tuned network reaches" in said.out
    assert said.out.splitlines()[-1].startswith(f"model {OUT}/eval/segmentation-finetune-seed0-")
    answers = Path(OUT) / "answers"
    said = give("predict", OUT, "labelled/images", "--out", answers, "--device", "cpu")
    assert said.code == 0, said.err
    assert "12 images answered" in said.out
    with (answers / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == sorted(f"{number}.png" for number in range(12))
    assert np.asarray(Image.open(answers / rows[0]["file"])).shape == (20, 24)
    for mask in Path("labelled/masks").glob("*.png"):  # somebody corrects them
        write(answers / "masks" / mask.name, mask.read_bytes())
    again = give("evaluate", OUT, "--labels", answers, "--images", "labelled/images",
                 "--task", "segmentation", *QUICK)  # fmt: skip
    assert again.code == 0, again.err
    assert "a head on the frozen network reaches" in again.out
    said = give("doctor", OUT)
    assert said.code == 0
    assert f"{OUT}: every file is whole." in said.out


def test_a_run_without_a_model_says_what_to_do() -> None:
    copied(Path(OUT))
    said = give("predict", OUT, "scenes:4?size=16")
    refused(said, 2, "presight evaluate RUN --labels LABELLED --keep leaves one")
