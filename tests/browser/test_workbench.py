"""The workbench in a real browser: every panel, silent, reachable, on a desk and on a phone."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "web"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "store"))

pytestmark = pytest.mark.slow

AXE = files("axe_playwright_python").joinpath("axe.min.js")
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
SERIOUS = """() => axe.run().then(found => found.violations
    .filter(fault => ['serious', 'critical'].includes(fault.impact))
    .map(fault => [fault.id, fault.nodes.map(node => node.html.slice(0, 160))]))"""


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A workbench over 60 PartWorld scenes, at a free port."""
    import uvicorn

    import cutaway as cw
    from cutaway.store import sweep
    from cutaway.web import Bench, Guard, create_app

    place = tmp_path_factory.mktemp("workbench")
    patch = pytest.MonkeyPatch()
    patch.setenv("CUTAWAY_CACHE", str(place / "cache"))
    model = cw.load("partworld")
    store = sweep(model, "partworld:60?seed=7&split=test", place / "store")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    app = create_app(Bench({"partworld": model}, {"scenes": store}, {"scenes": "partworld"}), Guard(port=port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join(5)
    patch.undo()


class Visit:
    """An open page and what went wrong on it."""

    def __init__(self, browser: Any, address: str, size: dict[str, int], hash: str = "") -> None:
        self.wrongs: list[str] = []
        self.context = browser.new_context(viewport=size, reduced_motion="reduce", bypass_csp=True)
        self.page = self.context.new_page()
        self.page.on("console", lambda said: self._note(said))
        self.page.on("pageerror", lambda error: self.wrongs.append(f"error: {error}"))
        self.page.goto(address + hash)

    def _note(self, said: Any) -> None:
        if said.type in ("error", "warning") and "/unit?" not in (said.location or {}).get("url", ""):
            self.wrongs.append(f"{said.type}: {said.text}")  # a unit that is not drawn yet is a plain 404

    def faults(self) -> list[Any]:
        """What axe calls serious or critical."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[Any] = self.page.evaluate(SERIOUS)
        return found


@pytest.fixture(params=SIZES)
def visit(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Visit]:
    opened = Visit(browser, address, SIZES[request.param])
    opened.page.get_by_role("tab", name="Units").wait_for()
    yield opened
    opened.context.close()


def checked(visit: Visit) -> None:
    if folder := os.environ.get("CUTAWAY_SHOTS"):
        name = os.environ["PYTEST_CURRENT_TEST"].partition("::")[2].partition(" ")[0]
        visit.page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    assert visit.wrongs == []
    assert visit.faults() == []
    width = visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0, f"the page is {width} pixels too wide"


def test_units_are_shown_and_drawn_while_one_watches(visit: Visit) -> None:
    page = visit.page
    page.locator(".cards li").nth(3).wait_for()
    page.locator(".card").first.click()
    page.locator(".detail li img").first.wait_for()
    page.get_by_role("button", name="Draw these").click()
    page.get_by_role("button", name="cancel").first.wait_for()
    page.reload()  # the work goes on without the page, and is found again
    page.get_by_role("button", name="cancel").first.wait_for()
    page.get_by_role("button", name="cancel").first.click()
    page.get_by_role("button", name="cancel").first.wait_for(state="detached")
    checked(visit)


def test_a_matrix_of_subsets_made_by_a_condition(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("tab", name="Subsets").click()
    page.locator("table.matrix tbody tr").nth(5).wait_for()
    columns = page.locator("table.matrix thead button").count()
    page.get_by_label("new subset").fill("probability < 0.9")
    page.get_by_label("called").fill("unsure")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("unsure", exact=True).wait_for()
    assert page.locator("table.matrix thead button").count() == columns + 1
    page.get_by_text("unsure", exact=True).click()
    page.get_by_label("new subset").fill("read_text('/etc/passwd') > ''")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("alert").wait_for()
    page.get_by_label("columns").select_option("gradient")
    page.locator("table.matrix thead img").first.wait_for()
    visit.wrongs[:] = [wrong for wrong in visit.wrongs if "400" not in wrong]
    checked(visit)


def test_a_lasso_becomes_a_subset(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("tab", name="Map").click()
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    box = canvas.bounding_box()
    corners = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.5, 0.99), (0.02, 0.98)]
    for step, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if step == 0:
            page.mouse.down()
    page.mouse.up()
    page.get_by_role("heading", name="pictures", exact=False).nth(1).wait_for()
    page.get_by_role("button", name="Compare as a subset").click()
    page.get_by_text("lasso of 60").wait_for()
    checked(visit)


def test_a_picture_is_explained_compared_and_taken_apart(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("tab", name="Picture").click()
    page.locator(".gallery button").nth(2).click()
    page.locator(".answer tbody tr").nth(3).wait_for()
    page.get_by_label("method of the map").select_option("gradient")
    page.get_by_label("several classes").check()
    page.locator(".several img").nth(3).wait_for()
    page.locator(".cell").nth(20).hover()
    page.locator(".spelled button").first.wait_for()
    page.locator(".ask button").nth(3).click()
    page.locator(".unit").first.click()
    page.get_by_text("Without 1 unit").wait_for()
    assert "picture=" in page.url
    checked(visit)


def test_an_upload_is_explained_and_its_page_opens_without_the_server(
    visit: Visit, tmp_path: Path, browser: Any
) -> None:
    from sent import png

    page = visit.page
    page.get_by_role("tab", name="Picture").click()
    file = tmp_path / "<b>mine.png"
    file.write_bytes(png(64))
    page.locator("input[type=file]").set_input_files(str(file))
    page.locator(".answer tbody tr").nth(3).wait_for()
    page.get_by_role("button", name="Full explanation").click()
    link = page.get_by_role("link", name="save as HTML")
    link.wait_for(timeout=180_000)
    content = page.request.get(visit.page.url.partition("#")[0] + link.get_attribute("href")).body()
    saved = tmp_path / "explanation.html"
    saved.write_bytes(content)
    alone = browser.new_context(offline=True).new_page()
    alone.goto(saved.as_uri())
    assert alone.locator("h1").count() == 1
    alone.context.close()
    checked(visit)


def test_the_graph_and_the_live_panel(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("button", name="whole graph").click()
    page.locator("svg g").nth(5).wait_for()
    page.locator("svg g.swept").first.click()
    page.get_by_role("tab", name="Units").focus()
    page.keyboard.press("ArrowLeft")
    assert page.get_by_role("tab", name="Live").get_attribute("aria-selected") == "true"
    page.get_by_role("button", name="Camera").wait_for()
    checked(visit)
