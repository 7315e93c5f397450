"""From a run to its page by the command line: finished, not measured, stopped, damaged, foreign."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from commands import OUT, SCENES, give, photos, pretrain, refused
from presight.core.batch import Out, Step, Views
from presight.methods.contrastive.simclr import SimCLR

pytestmark = pytest.mark.usefixtures("place")

PAGE = Path(OUT) / "report.html"
SECONDS = 10.0  # the promise for the page of a finished run, on two cores


def report(*words: object) -> str:
    said = give("report", *words, "--out", PAGE)
    assert (said.code, said.err) == (0, "")
    assert str(PAGE) in said.out
    return PAGE.read_text(encoding="utf-8")


def test_a_run_its_scores_and_its_page() -> None:
    assert pretrain(SCENES).code == 0
    text = report(OUT)
    assert "Not measured" in text
    assert "presight evaluate RUN --labels LABELLED" in text
    assert give("evaluate", OUT, "--labels", "scenes:96?size=16&seed=3").code == 0
    began = time.monotonic()
    text = report(OUT)
    assert time.monotonic() - began < SECONDS
    assert "labels, frozen features reach" in text
    assert "What did it see?" in text
    assert str(Path.cwd()) not in text
    assert str(Path.home()) not in text


def test_images_in_a_folder_of_the_machine_are_not_named_by_it() -> None:
    place = photos(Path.cwd().parent / "elsewhere" / "secret")
    assert pretrain(place).code == 0
    text = report(OUT)
    assert "secret" in text
    assert "elsewhere" not in text
    assert str(Path.cwd()) not in text


def test_a_stopped_run_has_a_page_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    forward = SimCLR.forward
    seen = [0]

    def stops(self: SimCLR, views: Views, step: Step) -> Out:
        seen[0] += 1
        if seen[0] == 3:
            raise RuntimeError("something broke")
        return forward(self, views, step)

    monkeypatch.setattr(SimCLR, "forward", stops)
    with pytest.raises(AssertionError):  # which `give` makes of a traceback
        pretrain(SCENES)
    assert "Training failed" in report(OUT)


def test_what_holds_no_run_is_refused() -> None:
    Path("empty").mkdir()
    photos("pictures", 2)
    Path("file.txt").write_text("x")
    for name in ("empty", "pictures", "file.txt", "missing"):
        refused(give("report", name, "--out", PAGE), 6, "holds no run")
    refused(give("report"), 2, "needs a run folder")
    assert not PAGE.exists()


def test_every_cut_of_every_file_still_gives_a_page() -> None:
    assert pretrain(SCENES).code == 0
    assert give("evaluate", OUT, "--labels", "scenes:96?size=16&seed=3").code == 0
    for file in sorted(Path(OUT).rglob("*")):
        if file.suffix not in (".json", ".jsonl", ".yaml", ".csv", ".png", ".npz"):
            continue
        whole = file.read_bytes()
        for cut in (0, len(whole) // 2, max(0, len(whole) - 2)):
            file.write_bytes(whole[:cut])
            assert "What exactly was done" in report(OUT), (file, cut)
        file.write_bytes(whole)
