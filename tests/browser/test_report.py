"""The page in a real browser: silent, self-contained, reachable by keyboard, on a phone and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from example import example

from cutaway.report.page import as_iframe, render

pytestmark = pytest.mark.slow

VARIANTS: dict[str, dict[str, Any]] = {
    "all": {},
    "small": {"size": 32, "maps": 2, "grid": 4},
    "one score": {"versus": False, "maps": 1, "sections": False},
}

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
EXPLANATION = "JSON.parse(document.getElementById('explanation').textContent)"


@dataclass
class Visit:
    """An open page and what went wrong on it: complaints of the console, and requests that left it."""

    page: Any
    wrongs: list[str] = field(default_factory=list)


def visit(browser: Any, path: Path, **context: Any) -> Visit:
    """Open a file and listen; nothing moves by itself, so that what is pointed at stays there."""
    page = browser.new_context(reduced_motion="reduce", **context).new_page()
    seen = Visit(page)
    page.on("console", lambda message: seen.wrongs.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: seen.wrongs.append(f"error: {error}"))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or seen.wrongs.append(request.url))
    page.goto(path.as_uri())
    return seen


@pytest.fixture(scope="module", params=VARIANTS)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of each variant as a file."""
    return written(request.param, tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def whole(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """The page with everything on it, open on a desktop."""
    opened = visit(browser, written("all", tmp_path_factory.mktemp("whole")), viewport={"width": 1280, "height": 900})
    yield opened
    opened.page.context.close()


def written(variant: str, folder: Path) -> Path:
    made = example(**VARIANTS[variant])
    target = folder / "index.html"
    target.write_text(render(made.data, made.pictures), encoding="utf-8")
    return target


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_silent_fits_its_width_and_can_be_read(browser: Any, path: Path, width: int, scheme: str) -> None:
    seen = visit(browser, path, viewport={"width": width, "height": 844}, color_scheme=scheme)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.page.evaluate(CONTRAST) == []
    assert seen.wrongs == []
    broken = "[...document.images].filter((image) => image.complete && !image.naturalWidth).length"
    assert seen.page.evaluate(broken) == 0
    seen.page.context.close()


def test_without_javascript_everything_is_there_but_the_pointing(browser: Any, tmp_path: Path) -> None:
    seen = visit(browser, written("all", tmp_path), java_script_enabled=False)
    for name in ("answer", "where", "channels", "places", "provenance"):
        assert seen.page.locator(f"#{name}-title").is_visible()
    assert not seen.page.locator("#mix").is_visible()
    assert seen.page.locator("[data-units] li").count() == 4
    seen.page.locator("label[for=show-2]").click()  # the choice of a map needs no script
    assert seen.page.locator("#map-2").is_visible()
    assert not seen.page.locator("#map-1").is_visible()
    seen.page.context.close()


def test_every_control_is_reached_by_the_tab_key_and_shows_it(whole: Visit) -> None:
    page = whole.page
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('a[href], button, summary, input')]
          .filter((e) => e.tabIndex >= 0 && e.checkVisibility() && !(e.type === 'radio' && !e.checked)).length"""
    )
    page.evaluate("document.body.focus()")
    reached: list[str] = []
    for _ in range(400):
        page.keyboard.press("Tab")
        here = page.evaluate(
            """() => { const e = document.activeElement; if (e === document.body) return null;
              const s = getComputedStyle(e.type === 'radio' ? e.nextElementSibling : e);
              e.dataset.reached ??= Math.random();
              return [e.dataset.reached, e.tagName, s.outlineStyle !== 'none' || s.boxShadow !== 'none']; }"""
        )
        if here is None or here[0] in reached:
            break
        assert here[2], f"no focus is shown on {here}"
        reached.append(here[0])
    assert len(reached) >= wanted > 20


def test_the_dictionary_follows_pointer_and_arrow_keys(whole: Visit) -> None:
    page = whole.page
    place = page.locator("[data-board=picture] .cell").nth(2 * 13 + 4)
    place.hover()
    assert page.locator("[data-entry] h3").inner_text() == "Row 3, column 5"
    place.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.locator("[data-entry] h3").inner_text() == "Row 4, column 6"
    cell = page.evaluate(f"{EXPLANATION}.dictionary.cells.find((c) => c.row === 3 && c.column === 5)")
    assert page.locator("[data-units] code").all_inner_texts() == cell["units"]
    figures = page.locator("[data-units] .figure").all_inner_texts()
    assert figures == [f"{value:.2f}" for value in cell["values"]]
    assert page.locator(".cell.here").count() == 2  # on the picture and on the grid


def test_pointing_at_a_channel_shows_every_place_where_it_is_strong(whole: Visit) -> None:
    page = whole.page
    page.locator("[data-units] li").first.hover()
    unit = page.locator("[data-units] code").first.inner_text()
    strong = f"(unit) => {EXPLANATION}.dictionary.cells.filter((cell) => cell.units.includes(unit)).length"
    places = page.evaluate(strong, unit)
    assert page.locator("[data-board=picture] .among").count() == places > 0
    page.mouse.move(0, 0)
    assert page.locator(".among").count() == 0


def test_the_slider_goes_from_the_picture_to_the_map(whole: Visit) -> None:
    page = whole.page
    opacity = "(e) => [...e.querySelectorAll('.overlay, .heat')].map((i) => Number(getComputedStyle(i).opacity))"
    found = {}
    for value in (0, 50, 100):
        page.locator("#mix").fill(str(value))
        found[value] = page.locator("#map-1").evaluate(opacity)
    assert found == {0: [0, 0], 50: [1, 0], 100: [1, 1]}


def test_a_term_explains_itself_and_escape_closes_it(whole: Visit) -> None:
    page = whole.page
    term = page.locator("#where .term").first
    term.focus()
    page.keyboard.press("Enter")
    assert page.locator("#word-map").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#word-map").is_visible()


def test_the_same_place_is_marked_on_every_map(whole: Visit) -> None:
    page = whole.page
    page.locator("#map-1 .stack").hover(position={"x": 30, "y": 40})
    shown = "[...document.querySelectorAll('.map .stack')].map((s) => getComputedStyle(s, '::before').display)"
    assert set(page.evaluate(shown)) == {"block"}
    assert whole.wrongs == []


def test_in_a_notebooks_frame_it_works_as_well(browser: Any, tmp_path: Path) -> None:
    made = example(**VARIANTS["small"])
    host = tmp_path / "notebook.html"
    host.write_text(f"<!doctype html><title>notebook</title>{as_iframe(render(made.data, made.pictures))}")
    seen = visit(browser, host)
    frame = seen.page.frame_locator("iframe")
    frame.locator("[data-board=picture] .cell").first.focus()
    assert frame.locator("[data-entry] h3").inner_text() == "Row 1, column 1"
    assert seen.wrongs == []
    seen.page.context.close()
