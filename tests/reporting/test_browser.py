"""The page in headless Chromium: nothing said, nothing asked for, usable by keyboard, or without
a script."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from presight.reporting.page import MOST_BYTES, write_report
from reporting.browser import Browser, chromium
from reporting.doubles import curve_scores, make_embedding, make_run, usual_scores
from reporting.sections.studies import answer, told, written

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium is installed here")
WIDTHS = (1280, 390)
HOSTILE = "<img src=x onerror=\"document.title='taken'\">"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("pages")
    for name in ("a", "b"):
        folder = make_run(place / name, scores=curve_scores())
        make_embedding(folder.evaluation("one") / "embedding")
    make_run(place / "c", scores=None, status="failed", updates=1)
    cars = make_run(place / "cars", scores=curve_scores())
    make_embedding(cars.evaluation("one") / "embedding", name="automobile")
    hostile = make_run(place / "hostile", scores=usual_scores(), name=HOSTILE)
    make_embedding(hostile.evaluation("one") / "embedding", name=HOSTILE)
    parts = told(answers=[answer(), answer("depth", "elsewhere", stages=[], modes=[])])
    return {
        "study": write_report([written(place / "study", parts)], place / "study.html"),
        "one": write_report([place / "a"], place / "one.html"),
        "three": write_report([place / name for name in "abc"], place / "three.html"),
        "hostile": write_report([place / "hostile"], place / "hostile.html"),
        "cars": write_report([place / "cars"], place / "cars.html"),
    }


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["one", "three", "hostile", "study"])
def test_no_word_on_the_console_and_no_request(
    browser: Browser, pages: dict[str, Path], name: str, width: int, dark: bool
) -> None:
    assert pages[name].stat().st_size <= MOST_BYTES
    browser.open(pages[name], width=width, dark=dark)
    assert browser.value("document.documentElement.classList.contains('on')")
    assert browser.value("document.title").startswith("presight: ")
    assert browser.errors() == []
    assert browser.requests() == []


def test_errors_and_requests_would_be_seen(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<script>console.log('x'); nothing.here</script><img src='other.png'>")
    browser.open(page)
    assert len(browser.errors()) >= 2
    assert any(url.endswith("other.png") for url in browser.requests())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["one", "three", "hostile", "study"])
def test_nothing_is_wider_than_the_window(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    browser.open(pages[name], width=width)
    browser.value("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.value("document.documentElement.scrollWidth") <= width


def test_a_table_that_is_cut_off_says_that_there_is_more(
    browser: Browser, pages: dict[str, Path]
) -> None:
    table = "document.querySelector('table.sortable').parentElement"
    hint = f"getComputedStyle({table}, '::before').content"
    for width, more in ((1280, False), (390, True)):
        browser.open(pages["three"], width=width)
        browser.value("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        assert browser.value(f"{table}.scrollWidth > {table}.clientWidth") == more
        assert ("sideways" in browser.value(hint)) == more


@pytest.mark.parametrize("width", WIDTHS)
def test_a_word_below_a_picture_stays_on_one_line(
    browser: Browser, pages: dict[str, Path], width: int
) -> None:
    browser.open(pages["cars"], width=width)
    lines = browser.value(
        "[...document.querySelectorAll('.gallery .query span')].map((e) => {"
        "const word = document.createRange(); word.setStart(e.firstChild, 0);"
        "word.setEnd(e.firstChild, 'automobile'.length);"
        "return [String(word), word.getClientRects().length, e.scrollWidth - e.clientWidth] })"
    )
    assert lines == [["automobile", 1, 0]] * len(lines)
    assert lines


def test_without_a_script_verdict_tables_and_drawings_are_there(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["one"], script=False)
    text = browser.value("document.body.innerText")
    assert "With 1,000 labels, frozen features reach" in text
    assert "Must know" in text or "For the record" in text
    assert browser.value("document.querySelectorAll('table').length") >= 6
    assert browser.value("document.querySelectorAll('svg.map .dots').length") == 3
    for shown in ("button", ".readout", ".hint"):
        hidden = f"[...document.querySelectorAll('main {shown}')].every((e) => !e.offsetParent)"
        assert browser.value(hidden), shown


def test_of_two_drawings_one_is_shown(browser: Browser, pages: dict[str, Path]) -> None:
    seen = "[...document.querySelectorAll('figure.curve svg')].map((e) => e.clientWidth > 0)"
    browser.open(pages["one"], width=1280)
    assert browser.value(seen) == [True, False]
    browser.open(pages["one"], width=390)
    assert browser.value(seen) == [False, True]


def press(browser: Browser, what: str, key: str) -> None:
    browser.value(f"document.querySelector('{what}').focus()")
    browser.ask("Input.dispatchKeyEvent", type="keyDown", key=key, code=key)


def test_the_curve_is_read_off_by_keyboard(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["one"])
    curve = "figure.curve svg.w"
    press(browser, curve, "ArrowRight")
    press(browser, curve, "ArrowRight")
    told = browser.value("document.querySelector('.readout').textContent")
    assert told.startswith("200 labels: pretrained 61.0 % (")
    assert "untrained 41.0 %" in told
    assert browser.value("document.querySelectorAll('.cross').length") == 2
    place = "document.querySelector('figure.curve svg.w .cross').getBoundingClientRect().x"
    box = browser.value("document.querySelector('figure.curve svg.w').getBoundingClientRect().x")
    assert 250 < browser.value(place) - box < 420  # between 50 and 1,000 labels
    press(browser, curve, "ArrowLeft")
    assert browser.value("document.querySelector('.readout').textContent").startswith("50 labels")


def test_the_map_shows_the_nearest_image(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["one"])
    press(browser, "svg.map", "ArrowRight")
    assert not browser.value("document.querySelector('.tip').hidden")
    first = browser.value("document.querySelector('.tip').textContent")
    assert first.startswith("class ")
    assert browser.value("document.querySelectorAll('.tip svg use').length") == 1
    assert browser.value("document.querySelectorAll('.dots.lit').length") == 1
    press(browser, "svg.map", "ArrowLeft")
    assert browser.value("document.querySelector('.tip').textContent") != first
    assert browser.value("document.querySelector('.spoken').textContent").startswith("class ")
    press(browser, "svg.map", "Escape")
    assert browser.value("document.querySelector('.tip').hidden")
    assert browser.value("document.querySelectorAll('.here').length") == 0


def test_the_pointer_finds_the_dot_below_it(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["one"])
    browser.value("document.querySelector('svg.map').scrollIntoView({block: 'center'})")
    place = browser.value(
        "(() => { const box = document.querySelector('svg.map').getBoundingClientRect();"
        "const at = JSON.parse(document.querySelector('[data-for=r0-map]').textContent).at[7];"
        "return [box.x + at[0] / 736 * box.width, box.y + at[1] / 480 * box.height, at[5]] })()"
    )
    browser.ask("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
    assert place[2] in browser.value("document.querySelector('.tip').textContent")


def test_the_comparison_is_sorted(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["three"])
    names = "[...document.querySelectorAll('table.sortable tbody th')].map((e) => e.textContent)"
    assert browser.value(names) == ["a", "b", "c"]
    click = "document.querySelectorAll('table.sortable thead button')[{}].click()"
    browser.value(click.format(0))
    assert browser.value(names) == ["c", "b", "a"]
    browser.value(click.format(4))
    assert browser.value(names)[-1] == "c"  # what is not measured is last, whatever the order
    browser.value(click.format(4))
    assert browser.value(names)[-1] == "c"
    assert browser.value("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == (
        "ascending"
    )


def test_all_tables_open_and_close(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["one"])
    opened = "[...document.querySelectorAll('details.behind')].map((e) => e.open)"
    browser.value("document.querySelector('button.tables').click()")
    assert all(browser.value(opened))
    browser.value("document.querySelector('button.tables').click()")
    assert not any(browser.value(opened))


def test_a_link_opens_a_folded_run(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["three"])
    browser.value("location.hash = '#r1-done'")
    browser.value("new Promise((done) => setTimeout(done, 50))")
    assert browser.value("document.getElementById('r1-done').closest('details.whole').open")


@pytest.mark.parametrize("script", [True, False])
def test_a_task_of_a_study_is_chosen_by_its_link(
    browser: Browser, pages: dict[str, Path], script: bool
) -> None:
    browser.open(pages["study"], script=script)
    opened = "[...document.querySelectorAll('details.whole')].map((one) => one.open)"
    assert browser.value(opened) == [True, False]
    browser.value("document.querySelector('.choice a[href=\"#r1\"]').click()")
    end = time.monotonic() + 10
    while browser.value(opened) != [True, True] and time.monotonic() < end:
        time.sleep(0.05)
    assert browser.value(opened) == [True, True]


def test_names_of_files_and_classes_are_only_words(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["hostile"])
    press(browser, "svg.map", "ArrowRight")
    assert "onerror" in browser.value("document.querySelector('.tip').textContent")
    assert browser.value("document.querySelectorAll('img[src=x]').length") == 0
    assert browser.value("document.title").startswith("presight: ")
    assert browser.errors() == []


def test_a_script_of_somebody_else_is_not_run(
    browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    """The policy holds even if markup got through."""
    text = pages["one"].read_text(encoding="utf-8")
    page = tmp_path / "broken.html"
    page.write_text(text.replace("</main>", "<script>document.title = 'taken'</script></main>"))
    browser.open(page)
    assert browser.value("document.title") != "taken"
    assert any("Content Security Policy" in error for error in browser.errors())
