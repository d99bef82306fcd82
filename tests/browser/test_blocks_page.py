"""The page of the building blocks in a real browser: silent, and the boards answer to pointer and keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cutaway.blocks import building_blocks
from cutaway.nets import Model, Preprocess

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 12, 3, 2, 1), nn.ReLU())
    module = nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5))
    model = Model(module, Preprocess(size=32), ["ant", "bee", "cat", "dog", "elk"], name="small")
    picture = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1))
    return building_blocks(model, picture, steps=1, groups=2).save(tmp_path_factory.mktemp("blocks"))


@pytest.fixture
def page(browser: Any, page_file: Path) -> Any:
    opened = browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
    opened.wrongs = []
    opened.on("console", lambda message: opened.wrongs.append(message.text))
    opened.on("pageerror", lambda error: opened.wrongs.append(str(error)))
    opened.on(
        "request", lambda request: request.url.startswith(("file:", "data:")) or opened.wrongs.append(request.url)
    )
    opened.goto(page_file.as_uri())
    yield opened
    assert opened.wrongs == []


def test_pointing_at_a_place_spells_it(page: Any) -> None:
    page.locator('[data-board="words"] .cell').nth(19).hover()
    assert page.locator("[data-place]").inner_text() == "Row 3, column 4"
    assert page.locator("[data-units] li").count() == 4


def test_arrow_keys_walk_and_the_source_answers(page: Any) -> None:
    board = page.locator('[data-board="layer"] .cell')
    board.nth(9).click()
    before = page.evaluate("document.querySelector('canvas').toDataURL()")
    page.keyboard.press("ArrowRight")
    assert page.locator("[data-behind]").inner_text().endswith("row 2, column 3")
    assert page.evaluate("document.querySelector('canvas').toDataURL()") != before


@pytest.mark.parametrize("width", [360, 800])
def test_nothing_sticks_out_on_a_narrow_screen(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_reads_without_javascript(browser: Any, page_file: Path) -> None:
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto(page_file.as_uri())
    assert plain.locator("[data-units] li").count() == 4
    assert not plain.locator(".scripted").first.is_visible()
