"""How quickly the page paints and answers in Chromium, and how many camera frames a second pass through SqueezeNet.

The workbench serves 50,000 photographs and layers of up to 1,024 units. First paint: of fresh browser contexts, as
Chromium reports it, and until the first units stand there. An interaction: from the click to the painted answer,
measured inside the page; small pictures beside the answer may come later. The very first of each, while the server
still reads ahead, is shown by itself. What needs a network is measured with
SqueezeNet as well. The camera is Chromium's own test camera. `--quick`: 5,000 pictures, fewer rounds.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _evidence import QUICK, SHARED, report
from _workbench import COUNT, running, wide_store
from playwright.sync_api import Browser, Page, sync_playwright

from cutaway.nets import load
from cutaway.store import sweep

ROUNDS = 5 if QUICK else 12
PAINT, ANSWER, FRAMES = 1000, 200, 8
WEIGHTS = SHARED / "models" / "squeezenet1_1_imagenet.safetensors"
ALONE = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]

CLICK = """async ([act, ready]) => {
  const began = performance.now(), done = new Function(`return ${ready}`);
  new Function(act)();
  while (!done()) { if (performance.now() - began > 20000) return NaN; await new Promise(requestAnimationFrame); }
  await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
  return performance.now() - began;
}"""
ONE, ALL = "document.querySelector", "document.querySelectorAll"
TAB = "document.getElementById('tab-{}').click()"
CHOOSE = "const s = {}('{}'); s.value = '{}'; s.dispatchEvent(new Event('change', {{bubbles: true}}))"
LASSO = """const c = document.querySelector('canvas'), b = c.getBoundingClientRect();
const fire = (kind, x, y) => c.dispatchEvent(new PointerEvent(kind, {bubbles: true, pointerId: 1,
  clientX: b.left + x * b.width, clientY: b.top + y * b.height}));
c.setPointerCapture = () => 0; fire('pointerdown', .3, .3);
[[.5, .28], [.7, .3], [.7, .7], [.5, .72], [.3, .7]].forEach(([x, y]) => fire('pointermove', x, y));
fire('pointerup', .3, .4)"""


def page_of(browser: Browser, address: str, hash_: str = "") -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True).new_page()
    page.goto(f"{address}/#{hash_}")
    page.get_by_role("tab", name="Units").wait_for()
    return page


def row(what: str, found: list[float], most: float) -> dict[str, Any]:
    p50, p95 = np.percentile(found[1:], [50, 95])
    times = {"first_ms": round(found[0]), "p50_ms": round(p50), "p95_ms": round(p95)}
    return {"what": what, "n": len(found) - 1, **times, "passed": bool(p95 <= most)}


def paints(browser: Browser, address: str) -> Iterator[dict[str, Any]]:
    first, shown = [], []
    for _ in range(ROUNDS):
        page = page_of(browser, address)
        shown.append(page.evaluate(CLICK, ["", f"{ALL}('.card').length === 24"]))
        shown[-1] = page.evaluate("performance.now()")
        first.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        page.context.close()
    yield row("first paint", first, PAINT)
    yield row("first paint with the units of a layer", shown, PAINT)


def repeated(page: Page, steps: Callable[[int], list[tuple[str, str, str]]]) -> Iterator[dict[str, Any]]:
    """Each step (what, act, ready) in its order, round after round; steps without a name only lead on."""
    found: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        for what, act, ready in steps(number):
            found.setdefault(what, []).append(page.evaluate(CLICK, [act, ready]))
    yield from (row(what, times, ANSWER) for what, times in found.items() if what)


def over_the_store(number: int) -> list[tuple[str, str, str]]:
    """Everything that asks the store."""
    layer, other = str(number % 2), str(1 - number % 2)
    card, head = f"{ALL}('.card')[{number % 24}]", f"{ALL}('table.matrix thead button')"
    own = f"instance % 7 = {number % 7} AND probability < 0.99{number}"
    return [
        ("", TAB.format("units"), f"{ALL}('.card').length === 24"),
        (
            "another layer",
            f"{ALL}('nav li button')[{layer}].click()",
            f"{ONE}('.card')?.dataset.unit.startsWith('{layer}:')",
        ),
        ("a unit's pictures", f"{card}.click()", f"{ALL}('.detail li img').length > 8"),
        ("", f"{ONE}('[aria-label=\"close the unit\"]').click()", f"!{ONE}('.detail')"),
        (
            "the next units",
            f"window.was = {ONE}('.card').dataset.unit; {ONE}('[aria-label=\"next units\"]').click()",
            f"{ONE}('.card').dataset.unit !== window.was",
        ),
        ("the matrix of subsets", TAB.format("matrix"), f"{ALL}('table.matrix tbody tr').length === 36"),
        (
            "sorting by a subset",
            f"{head}[{number % 10}].click()",
            f"{ONE}('th[aria-sort=descending]')",
        ),
        ("", f"{head}[{number % 10}].click()", f"!{ONE}('th[aria-sort=descending]')"),
        (
            "a new subset by a condition",
            f"window.was = {head}.length; const i = {ONE}('.sql input'); i.value = '{own}'; "
            f"i.dispatchEvent(new Event('input')); {ONE}('form').requestSubmit()",
            f"{head}.length > window.was",
        ),
        ("", f"{ONE}('.own button').click()", f"{head}.length === window.was"),
        ("the map", TAB.format("map"), f"{ONE}('canvas')?.dataset.drawn?.startsWith('{layer} pca {COUNT}')"),
        (
            "the map of another layer",
            f"{ALL}('nav li button')[{other}].click()",
            f"{ONE}('canvas').dataset.drawn.startsWith('{other} ')",
        ),
        ("a lasso", LASSO, f"{ALL}('.chosen button').length > 5"),
        (
            "nearest neighbours",
            f"window.was = {ONE}('aside h3').textContent; "
            f"[...{ALL}('aside button')].find((b) => b.textContent.startsWith('Most')).click()",
            f"{ONE}('aside h3').textContent !== window.was",
        ),
    ]


def of_a_picture(number: int) -> list[tuple[str, str, str]]:
    """Everything that asks the network."""
    method, other = (("grad_cam", "gradient"), ("gradient", "grad_cam"))[number % 2]
    overlay = f"{ONE}('.over')?.src.includes('method={{}}') && {ONE}('.over').complete && {ONE}('.over').naturalWidth"
    select = 'select[aria-label="method of the map"]'
    return [
        ("the pictures", TAB.format("picture"), f"{ALL}('.gallery button').length > 20"),
        ("a picture's answer", f"{ALL}('.gallery button')[{number}].click()", f"{ALL}('.answer tbody tr').length > 3"),
        ("", "", f"{ALL}('.unit').length > 5 && {ALL}('.cell').length"),
        ("", CHOOSE.format(ONE, select, method), overlay.format(method)),
        ("another map of evidence", CHOOSE.format(ONE, select, other), overlay.format(other)),
        (
            "why another class",
            f"window.was = {ONE}('.argued').dataset.asked; {ALL}('.ask button')[2].click()",
            f"{ONE}('.argued')?.dataset.asked !== window.was",
        ),
        (
            "a place, spelled",
            f"{ALL}('.cell')[{10 + number}].dispatchEvent(new PointerEvent('pointerenter'))",
            f"{ALL}('.spelled button').length === 4",
        ),
        ("a unit switched off", f"{ALL}('.unit')[0].click()", f"{ONE}('.new')"),
        (
            "",
            "[...document.querySelectorAll('button')].find((b) => b.textContent.includes('all pictures')).click()",
            f"{ONE}('.gallery')",
        ),
    ]


def camera(browser: Browser, address: str) -> dict[str, Any]:
    """Frames that came back with every layer's activations, over ten seconds."""
    page = page_of(browser, address, "panel=live")
    page.evaluate("performance.setResourceTimingBufferSize(10000)")
    page.get_by_role("button", name="Camera").click()
    page.locator(".live li button").first.wait_for()
    page.wait_for_timeout(2000)
    count = "performance.getEntriesByType('resource').filter((e) => e.name.includes('/frame?')).length"
    seconds = 3 if QUICK else 10
    before = page.evaluate(count)
    page.wait_for_timeout(1000 * seconds)
    rate = (page.evaluate(count) - before) / seconds
    layers = page.locator(".live ol > li").count()
    page.context.close()
    return {"what": f"camera, SqueezeNet, {layers} layers", "frames_per_s": round(rate, 1), "passed": rate >= FRAMES}


def rows(place: Path) -> Iterator[dict[str, Any]]:
    photographs = place / "photographs"
    spec = f"squeezenet1_1@{WEIGHTS}" if WEIGHTS.exists() else "squeezenet1_1"
    sweep(load(spec), "partworld:60?seed=7&split=test&size=224", photographs)
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or playwright.chromium.executable_path
        folder = wide_store()
        browser = playwright.chromium.launch(executable_path=path, args=[*ALONE, *CAMERA])
        with running([folder]) as workbench:
            yield from paints(browser, workbench.address)
            page = page_of(browser, workbench.address)
            yield from repeated(page, over_the_store)
            yield from repeated(page, of_a_picture)
            page.context.close()
        with running([photographs]) as workbench:
            page = page_of(browser, workbench.address)
            for each in repeated(page, of_a_picture):
                yield {**each, "what": f"SqueezeNet: {each['what']}"}
            page.context.close()
            yield camera(browser, workbench.address)
        browser.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        table = list(rows(Path(folder)))
    slow = [each["what"] for each in table if not each["passed"]]
    report(
        "workbench_page",
        f"In Chromium, over {COUNT:,} pictures: first paint within {PAINT} ms, each answer painted within {ANSWER} ms "
        f"(p95), at least {FRAMES} camera frames a second through SqueezeNet"
        + (f"; not: {', '.join(slow)}" * bool(slow)),
        table,
        not slow,
        n=COUNT,
    )
