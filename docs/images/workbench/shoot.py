"""Makes the pictures of docs/workbench.md: the workbench over PartWorld, its units drawn and named, in Chromium.

python docs/images/workbench/shoot.py
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import cutaway as cw
from cutaway.store import sweep

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests" / "browser"))
import benches

HERE = Path(__file__).resolve().parent
SCENES = "partworld:300?seed=7&split=test"
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


def kept(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(800)
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(HERE / f"{name}.jpg", quality=86, optimize=True)


def drawn(page: Page) -> None:
    """The first units, drawn and named."""
    page.get_by_role("button", name="Draw these").click()
    page.get_by_role("button", name="Name all units").click()
    page.locator(".head .name").first.wait_for(timeout=300_000)
    page.get_by_role("button", name="cancel").first.wait_for(state="detached", timeout=300_000)


def desk(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(".card").nth(23).wait_for()
    drawn(page)
    kept(page, "units")
    page.goto(f"{address}#panel=matrix")
    page.reload()
    page.locator("table.matrix tbody tr").nth(20).wait_for()
    page.get_by_label("new subset").fill("margin < 2.5")
    page.get_by_label("called").fill("close calls")
    page.get_by_role("button", name="Add").click()
    page.locator(".own li").wait_for()
    page.locator("table.matrix thead button").nth(3).click()
    kept(page, "subsets")
    page.get_by_role("tab", name="Map").click()
    canvas = page.locator("canvas[data-drawn]")
    box = canvas.bounding_box() or {}
    corners = [(0.2, 0.55), (0.36, 0.55), (0.36, 0.88), (0.2, 0.88), (0.1, 0.7)]
    for step, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=6)
        if step == 0:
            page.mouse.down()
    page.mouse.up()
    page.locator(".chosen button").first.wait_for()
    kept(page, "map")
    page.get_by_role("tab", name="Picture").click()
    page.locator(".gallery button").nth(4).click()
    page.locator(".unit").nth(8).wait_for()
    page.get_by_role("button", name="Draw these units").click()
    page.get_by_role("button", name="cancel").first.wait_for()
    page.get_by_role("button", name="cancel").first.wait_for(state="detached", timeout=300_000)
    page.locator(".ask button").nth(3).click()
    page.locator(".cell").nth(27).hover()
    kept(page, "picture")


def main() -> None:
    """All pictures."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        model = cw.load("partworld")
        store = sweep(model, SCENES, Path(place) / "store")
        options: dict[str, Any] = {
            "executable_path": shutil.which("chromium"),
            "args": ["--no-sandbox", "--disable-gpu"],
        }
        browser = playwright.chromium.launch(**options)
        with benches.served(benches.bench_of(model, store)) as address:
            page = browser.new_context(viewport=DESK).new_page()
            desk(page, address)
            hash_ = page.url.partition("#")[2]
            phone = browser.new_context(viewport=PHONE).new_page()
            phone.goto(f"{address}#{hash_}")
            phone.locator(".unit").nth(8).wait_for()
            kept(phone, "phone")
        browser.close()


if __name__ == "__main__":
    main()
