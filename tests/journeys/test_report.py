"""From a run to its page by the command line: finished, not measured, stopped, damaged, foreign."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import OUT, SCENES, give, photos, pretrain, refused
from presight.core.batch import Out, Step, Views
from presight.methods.contrastive.simclr import SimCLR
from presight.reporting.charts import drawing

pytestmark = pytest.mark.usefixtures("place")

PAGE = Path(OUT) / "report.html"
SECONDS = 10.0  # the promise for the page of a finished run, on two cores


def report(*words: object) -> str:
    said = give("report", *words, "--out", PAGE)
    assert (said.code, said.err) == (0, "")
    assert str(PAGE) in said.out
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that was not measured; read only."""
    folder = tmp_path_factory.mktemp("trained")
    with at_home(folder):
        assert pretrain(SCENES).code == 0
    return folder / OUT


@pytest.fixture(scope="module")
def measured(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with an evaluation; read only."""
    folder = tmp_path_factory.mktemp("measured")
    shutil.copytree(trained, folder / OUT)
    with at_home(folder):
        assert give("evaluate", OUT, "--labels", "scenes:96?size=16&seed=3").code == 0
    return folder / OUT


@contextlib.contextmanager
def at_home(folder: Path) -> Iterator[None]:
    """In a folder that is home too, as `place` is for one test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HOME", str(folder))
        yield


def test_a_run_that_is_not_measured_says_how(trained: Path) -> None:
    shutil.copytree(trained, OUT)
    text = report(OUT)
    assert "Not measured" in text
    assert "presight evaluate RUN --labels LABELLED" in text


def test_a_run_its_scores_and_its_page(trained: Path, measured: Path) -> None:
    shutil.copytree(measured, OUT)
    began = time.monotonic()
    text = report(OUT)
    assert time.monotonic() - began < SECONDS
    assert "labels, frozen features reach" in text
    assert "What did it see?" in text
    for folder in (Path.cwd(), Path.home(), trained.parent, measured.parent):
        assert str(folder) not in text


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


@pytest.fixture
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drawing is made once for the same numbers, which its function holds: most of a page."""
    kept: dict[str, str] = {}
    draw = drawing._svg

    def once(paint: drawing.Paint, size: drawing.Size, *, narrow: bool) -> str:
        held = [cell.cell_contents for cell in paint.__closure__ or ()]  # type: ignore[attr-defined]
        key = repr((paint.__qualname__, held, size, narrow))  # type: ignore[attr-defined]
        if key not in kept:
            kept[key] = draw(paint, size, narrow=narrow)
        return kept[key]

    monkeypatch.setattr(drawing, "_svg", once)


@pytest.mark.usefixtures("drawn_once")
def test_every_cut_of_every_file_still_gives_a_page(measured: Path) -> None:
    shutil.copytree(measured, OUT)
    for file in sorted(Path(OUT).rglob("*")):
        if file.suffix not in (".json", ".jsonl", ".yaml", ".csv", ".png", ".npz"):
            continue
        whole = file.read_bytes()
        for cut in (0, len(whole) // 2, max(0, len(whole) - 2)):
            file.write_bytes(whole[:cut])
            assert "What exactly was done" in report(OUT), (file, cut)
        file.write_bytes(whole)
