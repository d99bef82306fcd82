"""The workbench in a real browser over real photographs: every panel, silent, reachable, on a desk and on a phone.

The photographs are those that scikit-image brings and, where it is there, ../shared with SqueezeNet.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "web"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import benches

pytestmark = pytest.mark.slow

AXE = files("axe_playwright_python").joinpath("axe.min.js")
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "workbench"
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
SERIOUS = """() => axe.run().then(found => found.violations
    .filter(fault => ['serious', 'critical'].includes(fault.impact))
    .map(fault => [fault.id, fault.nodes.map(node => node.html.slice(0, 160))]))"""


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module", params=["photographs", "shared"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A workbench over photographs: those that are always there, and those of ../shared."""
    place = tmp_path_factory.mktemp(request.param)
    if request.param == "shared":
        bench = benches.of_shared(place, request.getfixturevalue("shared"))
    else:
        bench = benches.of_photographs(place)
    with benches.served(bench) as found:
        yield found


class Visit:
    """An open page and what went wrong on it."""

    def __init__(self, browser: Any, address: str, size: dict[str, int], hash: str = "") -> None:
        self.wrongs: list[str] = []
        self.address = address
        self.context = browser.new_context(viewport=size, reduced_motion="reduce", bypass_csp=True)
        self.page = self.context.new_page()
        self.page.on("console", lambda said: self._note(said))
        self.page.on("pageerror", lambda error: self.wrongs.append(f"error: {error}"))
        self.page.goto(address + hash)
        self.page.get_by_role("tab", name="Units").wait_for()

    def _note(self, said: Any) -> None:
        if said.type in ("error", "warning"):
            self.wrongs.append(f"{said.type}: {said.text}")

    def faults(self) -> list[Any]:
        """What axe calls serious or critical."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[Any] = self.page.evaluate(SERIOUS)
        return found


@pytest.fixture(params=SIZES)
def visit(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Visit]:
    opened = Visit(browser, address, SIZES[request.param])
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
    page.locator(".detail li img").first.wait_for()  # the unit is in the address
    page.get_by_role("button", name="Compare its strongest 5 %").click()
    page.locator(".own li").wait_for()
    page.locator("table.matrix tbody tr").nth(5).wait_for()
    page.reload()  # and so is the subset
    page.locator(".own li").wait_for()
    checked(visit)


def test_a_matrix_of_subsets_made_by_a_condition(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("tab", name="Subsets").click()
    page.locator("table.matrix tbody tr").nth(5).wait_for()
    columns = page.locator("table.matrix thead button").count()
    page.get_by_label("new subset").fill("probability < 0.99")
    page.get_by_label("called").fill("unsure, mine")
    page.get_by_role("button", name="Add").click()
    page.locator("table.matrix").get_by_text("unsure, mine", exact=True).click()
    page.locator("th[aria-sort=descending]").wait_for()
    assert page.locator("table.matrix thead button").count() == columns + 1
    page.get_by_label("new subset").fill("read_text('/etc/passwd') > ''")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("alert").wait_for()
    for shown in ("gradient", "activation"):
        page.get_by_label("columns").select_option(shown)
        page.locator("table.matrix thead img").first.wait_for()
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    assert saved.value.suggested_filename.endswith(".csv")
    visit.wrongs[:] = [wrong for wrong in visit.wrongs if "400" not in wrong]
    checked(visit)


def test_a_lasso_becomes_a_subset(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("tab", name="Map").click()
    canvas = page.locator("canvas[data-drawn]")
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    box = canvas.bounding_box()
    corners = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.5, 0.99), (0.02, 0.98)]
    for step, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if step == 0:
            page.mouse.down()
    page.mouse.up()
    page.get_by_role("button", name="Most like the first").click()
    page.get_by_label("colour").select_option("correct")
    page.get_by_role("button", name="Neuron groups").click()
    page.locator(".groups li").first.wait_for()
    page.locator("label", has_text="map").locator("select").first.select_option("tsne")
    page.locator("canvas[data-drawn*=tsne]").wait_for(timeout=60_000)
    page.get_by_role("button", name="Compare as a subset").click()
    page.get_by_text("lasso of").first.wait_for()
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
    page.get_by_label("icons of units").check()
    page.locator(".cell .icon").nth(3).wait_for()
    page.locator(".ask button").nth(3).click()
    page.locator(".unit").first.click()
    page.get_by_text("Without 1 unit").wait_for()
    page.get_by_role("button", name="Find them").click()
    page.locator(".light").nth(3).wait_for()
    assert all(part in page.url for part in ("picture=", "versus=", "without=", "method=gradient"))
    page.reload()
    page.get_by_text("Without 1 unit").wait_for()
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
    page.get_by_role("heading", name="<b>mine.png").wait_for()
    page.get_by_role("button", name="Full explanation").click()
    link = page.get_by_role("link", name="save as HTML")
    link.wait_for(timeout=180_000)
    content = page.request.get(visit.address + link.get_attribute("href")).body()
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


def test_a_camera_is_seen_layer_by_layer_and_a_frame_is_kept(browser: Any, address: str) -> None:
    visit = Visit(browser, address, SIZES["desk"], "#panel=live")
    visit.page.get_by_role("button", name="Camera").click()  # Chromium's own test camera
    visit.page.locator(".live ol button").nth(5).wait_for()
    visit.page.get_by_role("button", name="Look into this frame").click()
    visit.page.locator(".answer tbody tr").nth(3).wait_for()
    checked(visit)
    visit.context.close()


def test_a_saved_page_is_the_same_page_without_the_server(browser: Any, tmp_path: Path, address: str) -> None:
    visit = Visit(browser, address, SIZES["desk"], "#panel=matrix")
    visit.page.locator("table.matrix tbody tr").nth(5).wait_for()
    visit.page.get_by_role("tab", name="Picture").click()
    visit.page.locator(".gallery button").nth(3).click()
    visit.page.locator(".unit").nth(3).wait_for()
    visit.page.wait_for_load_state("networkidle")
    rows = visit.page.locator(".answer tbody tr").all_inner_texts()
    with visit.page.expect_download() as saved:
        visit.page.get_by_role("button", name="Save this page").click()
    saved.value.save_as(tmp_path / "saved.html")
    visit.context.close()
    alone = browser.new_context(offline=True).new_page()
    wrongs: list[str] = []
    alone.on("pageerror", lambda error: wrongs.append(str(error)))
    alone.on("console", lambda said: wrongs.append(said.text) if said.type == "error" else None)
    alone.goto((tmp_path / "saved.html").as_uri())
    alone.locator(".unit").nth(3).wait_for()
    assert alone.locator(".answer tbody tr").all_inner_texts() == rows
    assert alone.evaluate("[...document.images].every((image) => !image.complete || image.naturalWidth > 1)")
    alone.get_by_role("tab", name="Subsets").click()  # seen before, so it is there
    alone.locator("table.matrix tbody tr").nth(5).wait_for()
    alone.get_by_role("tab", name="Map").click()  # never seen
    alone.get_by_text("this saved page holds only what was on it").wait_for()
    assert wrongs == []
    alone.context.close()


WIDTHS = """() => ['body', 'code'].map((tag) => {
    const made = document.body.appendChild(document.createElement(tag === 'body' ? 'span' : tag));
    made.style.cssText = 'position: absolute; white-space: nowrap; font-size: 16px';
    made.textContent = 'The quick brown fox jumps over 0123456789 lazy dogs';
    const width = Math.round(made.getBoundingClientRect().width);
    made.remove();
    return width;
})"""
PANELS = ("units", "matrix", "map", "picture", "live")


@pytest.mark.parametrize("address", ["photographs"], indirect=True)
@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("size", SIZES)
def test_it_looks_as_it_did(browser: Any, address: str, panel: str, size: str) -> None:
    """Against pictures of before, made small; photographs are not in them. CUTAWAY_GOLDEN=write makes them anew.

    Where the machine has other fonts, lines break elsewhere, and nothing can be said.
    """
    picture = "&picture=pictures-12" if panel == "picture" else ""
    visit = Visit(browser, address, SIZES[size], f"#panel={panel}{picture}")
    visit.page.wait_for_load_state("networkidle")
    visit.page.add_style_tag(content=".figure, img, canvas, video { visibility: hidden }")  # times differ
    widths = visit.page.evaluate(WIDTHS)
    if os.environ.get("CUTAWAY_GOLDEN") == "write":
        (GOLDEN / "fonts.json").write_text(json.dumps(widths) + "\n")
    if widths != json.loads((GOLDEN / "fonts.json").read_text()):
        visit.context.close()
        pytest.skip("this machine has other fonts than the golden pictures were made with")
    shot = Image.open(io.BytesIO(visit.page.screenshot()))
    small = shot.convert("L").resize((shot.width // 5, shot.height // 5), Image.Resampling.BOX)
    file = GOLDEN / f"{panel}-{size}.png"
    if os.environ.get("CUTAWAY_GOLDEN") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        small.save(file, optimize=True)
    before = np.asarray(Image.open(file), dtype=float)
    now = np.asarray(small, dtype=float)
    assert now.shape == before.shape
    apart = np.abs(now - before)
    assert apart.mean() < 4, f"{panel} on a {size} looks otherwise: {apart.mean():.1f} of 255 on average"
    assert (apart > 60).mean() < 0.03
    visit.context.close()


def test_units_are_named_from_captions(browser: Any, tmp_path: Path) -> None:
    with benches.served(benches.of_scenes(tmp_path)) as address:
        visit = Visit(browser, address, SIZES["desk"])
        visit.page.get_by_role("button", name="Name all units").click()
        visit.page.locator(".card .name").first.wait_for(timeout=180_000)
        word = visit.page.locator(".card .name").first.inner_text()
        visit.page.get_by_label("find").fill(word)
        visit.page.wait_for_timeout(500)
        assert word in visit.page.locator(".card .name").first.inner_text()
        checked(visit)
        visit.context.close()
