"""Photograph parts of a page: `python docs/images/shoot.py PAGE.html FILE=SELECTOR ...` (needs playwright, chromium).

The picture in README.md shows a page of the demo, whose scene cutaway draws itself:
make demo; python docs/images/shoot.py out/scene/index.html "explanation.png=.masthead, .opening"
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

MARGIN = 24  # pixels of paper around the part


def main() -> None:
    page_file, *wanted = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900}, device_scale_factor=1.5)
        page.goto(Path(page_file).resolve().as_uri())
        for each in wanted:
            name, _, selector = each.partition("=")
            boxes = [part.bounding_box() for part in page.locator(selector).all()]
            left, top = (max(0, min(box[side] for box in boxes) - MARGIN) for side in "xy")
            right = max(box["x"] + box["width"] for box in boxes) + MARGIN
            bottom = max(box["y"] + box["height"] for box in boxes) + MARGIN
            clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
            shot = Image.open(io.BytesIO(page.screenshot(clip=clip, full_page=True))).convert("RGB")
            shot.save(Path(__file__).parent / name, quality=88, method=6)
        browser.close()


if __name__ == "__main__":
    main()
