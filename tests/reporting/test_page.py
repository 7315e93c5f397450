from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from presight.errors import RunError, UsageError
from presight.evaluation.score import Score
from presight.reporting.page import MOST_BYTES, write_report
from reporting.doubles import curve_scores, make_embedding, make_run, score, usual_scores

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "</title><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "$\\frac{1}{$ <b>",
    "\u6f22\u5b57 \U0001f600 \u202egpj.exe",
    "--> ]]> &lt;b&gt;",
]


_EMPTY = ("meta", "img", "input", "br", "hr", "link", "path", "image", "use")


class Page(HTMLParser):
    """What a browser would see: elements, attributes, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        if tag not in _EMPTY:
            self.open.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data.strip())
        elif self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(tmp_path: Path, *runs: Path) -> Page:
    return Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8"))


def usual(tmp_path: Path) -> Page:
    folder = make_run(tmp_path / "a", scores=usual_scores())
    make_embedding(folder.evaluation("one") / "embedding")
    return page_of(tmp_path, tmp_path / "a")


def test_the_answer_comes_first(tmp_path: Path) -> None:
    text = usual(tmp_path).text
    order = ["71.2\u00a0%", "to know before", "Is it useful?", "Did it train well?", "did it see",
             "What exactly was done"]  # fmt: skip
    main = text[text.index("Verdict") :]
    places = [main.rindex(words.replace("\u00a0", " ")) for words in order[1:]]
    assert places == sorted(places)
    assert "95 % interval 67.1 to 75.0" in text
    assert "12.8 points" in text
    assert "above the untrained network" in text
    assert "blind guess" in text
    assert "presight pretrain quiet \\ --out 'runs/a b'" in text
    assert "0123abcd" in text
    assert "The loss fell from" in text


@pytest.mark.parametrize(("untrained", "gain"), [(0.5, True), (0.7, False), (0.9, False)])
def test_only_a_gain_is_colored(tmp_path: Path, untrained: float, gain: bool) -> None:
    """In the verdict on a run, and in the one on several."""
    for name in ("a", "b"):
        make_run(tmp_path / name, scores=usual_scores(0.7, untrained))
    for runs in (["a"], ["a", "b"]):
        page = page_of(tmp_path, *(tmp_path / name for name in runs))
        count = 2 * len(runs) - 1
        assert page.elements.count("em") == count
        assert page.attributes.count(("em", "class", "gain")) == gain * count


def test_a_run_is_named_by_its_method_and_backbone(tmp_path: Path) -> None:
    """In the line above the verdict, in the comparison, and with origins in the configuration."""
    for name in ("a", "b"):
        make_run(tmp_path / name, scores=usual_scores(), name="simclr")
    text = page_of(tmp_path, tmp_path / "a", tmp_path / "b").text
    assert "a simclr \N{MIDDLE DOT} resnet18 \N{MIDDLE DOT} 12,345 images" in text
    assert "a simclr done 1,000 71.2 (67.1 to 75.0)" in text
    assert "method.name simclr none simclr" in text
    assert "Chen et al., ICML 2020." in text
    assert "method.views.size 32 32 file" in text
    assert "train.epochs 3 100 user" in text


def test_one_file_without_network_and_one_script_by_its_digest(tmp_path: Path) -> None:
    page = usual(tmp_path)
    for _, name, value in page.attributes:
        if name in ("src", "href", "xlink:href", "srcset", "action", "data"):
            assert value.startswith(("data:image/", "#")), (name, value[:40])
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(page.elements)
    policy = next(value for tag, _, value in page.attributes if value.startswith("default-src"))
    assert "default-src 'none'" in policy
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\((?!#)", text)
    assert len(text) < 1_000_000
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert len(scripts) == 1
    assert f"script-src 'sha256-{digest}';" in policy


@pytest.mark.parametrize("payload", PAYLOADS)
def test_words_of_users_stay_words(tmp_path: Path, payload: str) -> None:
    scores = [*usual_scores(), score(payload, "linear", 0.5), score("pretrained", payload, 0.5)]
    folder = make_run(tmp_path / "run", scores=scores, name=payload)
    make_embedding(folder.evaluation("one") / "embedding", name=payload)
    next((folder.path / "pictures").iterdir()).rename(
        folder.path / "pictures" / (payload.replace("/", "_") + ".png")
    )
    page = page_of(tmp_path, folder.path)
    plain = usual(tmp_path)
    assert set(page.elements) == set(plain.elements)
    assert len([one for one in page.elements if one == "script"]) == 2
    held = json.loads(page.scripts[0])
    assert held["names"][0].startswith(payload.replace("\u202e", "\ufffd")[:9])
    known = {(tag, name) for tag, name, _ in plain.attributes}
    assert {(tag, name) for tag, name, _ in page.attributes} <= known
    assert not any(name.startswith("on") for _, name, _ in page.attributes)
    shown = payload.replace("\u202e", "\ufffd")
    assert " ".join(shown.split())[:20] in page.text
    assert "\u202e" not in page.text


def test_folder_names_are_escaped(tmp_path: Path) -> None:
    make_run(tmp_path / "<b onclick=x>", scores=usual_scores())
    page = page_of(tmp_path, tmp_path / "<b onclick=x>")
    assert ("b", "onclick", "x") not in page.attributes
    assert "<b onclick=x>" in page.text


def test_an_unescaped_template_would_be_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the tests above."""
    from presight.reporting import page

    environment = page._environment().overlay(autoescape=False)
    monkeypatch.setattr(page, "_environment", lambda: environment)
    make_run(tmp_path / "run", name=PAYLOADS[0])
    assert "alert(1)" in page_of(tmp_path, tmp_path / "run").scripts


def test_long_names_are_cut(tmp_path: Path) -> None:
    make_run(tmp_path / "run", scores=[*usual_scores(), score("x" * 5000, "linear", 0.5)])
    page = page_of(tmp_path, tmp_path / "run")
    assert "x" * 59 + "\u2026" in page.text
    assert "x" * 61 not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_names_inside_the_page_are_unique(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_run(tmp_path / name, scores=usual_scores())
    page = page_of(tmp_path, tmp_path / "a", tmp_path / "b")
    names = [value for _, name, value in page.attributes if name == "id"]
    assert len(names) == len(set(names))
    used = {m for _, _, value in page.attributes for m in re.findall(r"url\(#([^)]*)\)", value)}
    used |= {value[1:] for _, name, value in page.attributes if name == "href"}
    assert used <= set(names)


def test_several_runs_are_compared(tmp_path: Path) -> None:
    make_run(tmp_path / "a", scores=usual_scores(0.7))
    make_run(tmp_path / "b", scores=None, status="failed", updates=1)
    text = page_of(tmp_path, tmp_path / "a", tmp_path / "b").text
    assert text.rindex("All runs") < text.index("Each run") < text.rindex("Verdict")
    assert "failed" in text
    assert "not measured" in text
    assert "nothing can be drawn" in text


def test_without_evaluation_the_command_is_named(tmp_path: Path) -> None:
    make_run(tmp_path / "a", scores=None)
    text = page_of(tmp_path, tmp_path / "a").text
    assert "presight evaluate RUN --labels LABELLED" in text
    assert "Not measured" in text


def test_damaged_files_become_warnings(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a", scores=usual_scores())
    folder.config.write_text("a: [", encoding="utf-8")
    folder.environment.write_bytes(b"\xff\xfe")
    (folder.evaluation("one") / "result.json").write_text("{}", encoding="utf-8")
    next((folder.path / "pictures").iterdir()).write_bytes(b"no picture")
    text = page_of(tmp_path, folder.path).text
    for name in ("config.yaml", "environment.json", "result.json", "first-batch.png"):
        assert name in text


def test_a_page_is_the_same_twice(tmp_path: Path) -> None:
    make_run(tmp_path / "a", scores=usual_scores())
    first = write_report([tmp_path / "a"], tmp_path / "1.html").read_bytes()
    assert write_report([str(tmp_path / "a")], str(tmp_path / "2.html")).read_bytes() == first


def test_refuses(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one run"):
        write_report([], tmp_path / "x.html")
    with pytest.raises(RunError, match="no run"):
        write_report([tmp_path], tmp_path / "x.html")
    assert not (tmp_path / "x.html").exists()


def test_of_several_folders_one_without_a_run_is_named(tmp_path: Path) -> None:
    make_run(tmp_path / "a", scores=usual_scores())
    (tmp_path / "photos").mkdir()
    text = page_of(tmp_path, tmp_path / "a", tmp_path / "photos").text
    assert "photos: failed. They stay in the table." in text
    assert "photos holds no run" in text
    assert str(tmp_path) not in text


def test_a_killed_run_says_so(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a", status="running")
    folder.run_file.write_bytes(folder.run_file.read_bytes()[:100])
    text = page_of(tmp_path, folder.path).text
    assert "run.json cannot be read" in text
    assert "The state of the run is not known." in text


def test_no_folder_of_the_machine_is_on_the_page(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a", scores=usual_scores(), name=str(tmp_path / "secret photos"))
    folder.environment.write_bytes(b"{")
    make_embedding(folder.evaluation("one") / "embedding")
    write_report([folder.path], tmp_path / "x.html")
    text = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert tmp_path.name not in text
    assert "secret photos" in text


def test_a_page_of_many_runs_stays_small_by_leaving_out_thumbnails(tmp_path: Path) -> None:
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 255, (32 * 40, 32 * 25, 3), np.uint8)
    for name in "abcd":
        folder = make_run(tmp_path / name, scores=curve_scores())
        place = make_embedding(folder.evaluation("one") / "embedding", n=400)
        Image.fromarray(noise).save(place / "sprite.jpg", quality=95)
        told = {"side": 32, "columns": 25, "rows": list(range(400))}
        (place / "sprite.json").write_text(json.dumps(told))
    assert (place / "sprite.jpg").stat().st_size > 1_000_000
    one = write_report([tmp_path / "a"], tmp_path / "one.html")
    four = write_report([tmp_path / name for name in "abcd"], tmp_path / "four.html")
    assert 1_000_000 < one.stat().st_size <= MOST_BYTES
    assert four.stat().st_size <= MOST_BYTES
    assert four.read_text().count("<image ") == 4


def test_long_logs_do_not_make_a_long_page(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a", updates=1)
    lines = (json.dumps({"step": i, "epoch": i / 9, "loss": 1.0 + i % 7}) for i in range(100_000))
    with open(folder.metrics, "a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    assert write_report([folder.path], tmp_path / "x.html").stat().st_size < 500_000


def test_an_older_score_does_not_speak_for_a_newer(tmp_path: Path) -> None:
    import os

    from presight.evaluation.score import write_result

    folder = make_run(tmp_path / "a", scores=usual_scores())
    newer = write_result(folder.evaluation("another"), usual_scores(0.9))
    os.utime(folder.evaluation("one") / "result.json", (1, 1))
    assert newer.exists()
    assert "reach 90.0" in page_of(tmp_path, folder.path).text


@pytest.mark.timeout(60)
def test_torch_is_never_imported(tmp_path: Path) -> None:
    make_run(tmp_path / "a", scores=usual_scores())
    code = (
        "import sys; from presight.reporting.page import write_report\n"
        f"write_report([{str(tmp_path / 'a')!r}], {str(tmp_path / 'r.html')!r})\n"
        "assert 'torch' not in sys.modules, 'torch was imported'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r.html").stat().st_size > 10_000


def test_scores_of_other_shapes_do_not_stop_the_page(tmp_path: Path) -> None:
    odd = Score("pretrained", "linear", 0.5, 0.4, 0.6, 10, 20, 0, {"warnings": "no list"})
    make_run(tmp_path / "a", scores=[odd, score("untrained", "linear", 0.4)])
    assert "50.0" in page_of(tmp_path, tmp_path / "a").text
