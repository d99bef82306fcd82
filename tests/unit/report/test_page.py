"""The page: self-contained, true to its JSON, safe against what it shows, readable by everyone."""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import json
import re
from html.parser import HTMLParser

import pytest
from example import Example, example

from cutaway.core.errors import DataError
from cutaway.report.page import as_iframe, render
from cutaway.report.schema import ExplanationData


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, the text that is read, and the scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.scripts: list[tuple[dict[str, str], str]] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attributes}))
        if tag in ("script", "style"):
            self._open.append(tag)
            if tag == "script":
                self.scripts.append((self.elements[-1][1], ""))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            attributes, before = self.scripts[-1]
            self.scripts[-1] = (attributes, before + data)
        elif not self._open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


VARIANTS = {
    "all": {},
    "two maps": {"maps": 2},
    "no maps": {"maps": 0},
    "one score": {"versus": False},
    "no layer": {"sections": False},
    "one score, no layer": {"versus": False, "sections": False, "maps": 1},
}


@pytest.fixture(scope="module")
def cat() -> Example:
    return example(size=48, maps=6, grid=4)


@pytest.fixture(scope="module")
def page(cat: Example) -> Page:
    return Page(render(cat.data, cat.pictures))


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> Page:
    made = example(**{"size": 32, "maps": 6, "grid": 3, **VARIANTS[request.param]})
    return Page(render(made.data, made.pictures))


def test_every_number_of_the_decision_can_be_read(cat: Example, page: Page) -> None:
    assert cat.data.channels is not None
    text = re.sub(r"[ \n]+", " ", page.text)
    for figure in ("61\u202f%", "17.42", "16.39", "+1.03", "0.86", "+0.84", "+1.21", "−0.18", "0.8\u202f%", "+0.008"):
        assert figure in text
    for channel in cat.data.channels.arguing_for:
        assert channel.unit in text
    assert cat.data.provenance.command in text
    assert cat.data.model.weights_hash in text


def test_the_json_lies_in_the_page_unchanged(cat: Example, page: Page) -> None:
    (embedded,) = [text for attributes, text in page.scripts if attributes.get("type") == "application/json"]
    assert ExplanationData.model_validate_json(embedded) == cat.data
    assert json.loads(embedded)["schema"] == "cutaway.explanation/1"


def test_nothing_is_fetched_and_only_the_pages_own_script_may_run(variant: Page) -> None:
    for tag, attributes in variant.elements:
        for name in ("src", "href", "srcset", "action", "poster", "data"):
            if name in attributes:
                assert attributes[name].startswith(("data:image/", "#")), (tag, name, attributes[name][:60])
        assert not [name for name in attributes if name.startswith("on")]
    assert not variant.all("link")
    policy = next(m["content"] for m in variant.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    (script,) = [text for attributes, text in variant.scripts if "type" not in attributes]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'; ")
    assert f"script-src 'sha256-{digest}'" in policy
    assert "fetch(" not in script
    assert "innerHTML" not in script


def test_styles_name_no_outside_file(cat: Example) -> None:
    styles = re.findall(r"<style>(.*?)</style>", render(cat.data, cat.pictures), re.DOTALL)
    assert styles
    assert not [found for style in styles for found in re.findall(r"@import|url\((?!#)[^)]*\)|https?:", style)]


def test_hostile_text_stays_text() -> None:
    made = example(size=32, maps=1, grid=2)
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"--><!--"
    data = made.data
    hostile = data.model_copy(
        update={
            "model": data.model.model_copy(update={"name": evil, "note": evil, "spec": evil}),
            "picture": data.picture.model_copy(update={"source": evil}),
            "target": data.target.model_copy(update={"label": evil}),
            "predictions": [score.model_copy(update={"label": evil}) for score in data.predictions],
            "maps": [m.model_copy(update={"title": evil, "says": evil, "question": evil}) for m in data.maps],
            "notes": [evil],
            "provenance": data.provenance.model_copy(update={"command": evil, "settings": {evil: evil}}),
        }
    )
    clean, attacked = Page(render(data, made.pictures)), Page(render(hostile, made.pictures))
    assert len(attacked.scripts) == len(clean.scripts) == 2
    assert not [a for _, a in attacked.elements if "onerror" in a or a.get("src") == "x"]
    (embedded,) = [text for attributes, text in attacked.scripts if attributes.get("type") == "application/json"]
    assert ExplanationData.model_validate_json(embedded) == hostile


def test_every_picture_has_words_and_every_link_leads_somewhere(variant: Page) -> None:
    images = variant.all("img")
    assert images
    assert all(image.get("alt") for image in images)
    ids = [attributes["id"] for _, attributes in variant.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in variant.elements:
        for name in ("href", "aria-labelledby", "popovertarget", "for"):
            value = attributes.get(name, "")
            if value and not value.startswith("data:"):
                assert value.removeprefix("#") in ids, (name, value)


def test_headings_go_down_one_level_at_a_time(variant: Page) -> None:
    levels = [int(tag[1]) for tag, _ in variant.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_every_section_is_there_or_says_why_not(variant: Page) -> None:
    sections = [attributes["id"] for attributes in variant.all("section") if "id" in attributes]
    assert sections == ["answer", "where", "channels", "places", "provenance"]
    text = re.sub(r"[ \n]+", " ", variant.text)
    if "no layer with channels" in text:
        assert "the notes at the end say more" in text
        assert "There is no layer with a grid." in text


def test_pictures_are_not_embedded_over_and_over() -> None:
    made = example(size=96, maps=6, grid=8)
    text = render(made.data, made.pictures)
    whole = sum(len(content) for content in made.pictures.values()) * 4 / 3
    assert len(text) < 2 * whole + 200_000
    heat = base64.b64encode(made.pictures[made.data.maps[0].heat]).decode()
    assert text.count(heat) == 1


def test_a_missing_picture_is_named(cat: Example) -> None:
    fewer = {name: content for name, content in cat.pictures.items() if name != "grid.png"}
    with pytest.raises(DataError) as caught:
        render(cat.data, fewer)
    assert str(caught.value) == (
        f'the explanation names the picture "grid.png", which is not among the {len(fewer)} given; '
        "expected every picture that it names; make the explanation again"
    )


def test_a_channel_without_an_icon_is_shown_as_not_drawn() -> None:
    made = example(size=32, maps=1, grid=4)
    assert made.data.dictionary is not None
    cells = [cell.model_copy(update={"icons": [None] * len(cell.icons)}) for cell in made.data.dictionary.cells]
    bare = made.data.model_copy(update={"dictionary": made.data.dictionary.model_copy(update={"cells": cells})})
    page = Page(render(bare, made.pictures))
    assert page.text.count("not drawn") == 4
    assert not [image for image in page.all("img") if "data-icon" in image]


def test_small_inputs_are_enlarged_pixel_by_pixel() -> None:
    for size, crisp in ((32, True), (224, False)):
        made = example(size=size, maps=1, sections=False)
        (body,) = Page(render(made.data, made.pictures)).all("body")
        assert (body.get("class") == "crisp") == crisp


def test_maps_keep_the_shape_of_a_picture_that_is_not_square() -> None:
    made = example(size=32, maps=2, grid=4)
    wide = made.data.model_copy(update={"model": made.data.model.model_copy(update={"input": (3, 40, 64)})})
    drawn = Page(render(wide, made.pictures)).all("svg")
    shapes = {svg["style"] for svg in drawn if svg.get("class", "").startswith("photograph")}
    assert shapes == {"aspect-ratio:64/40"}


def test_the_same_explanation_gives_the_same_page(cat: Example) -> None:
    assert render(cat.data, cat.pictures) == render(cat.data, dict(reversed(cat.pictures.items())))


def test_a_notebook_gets_the_page_in_a_sandbox(cat: Example) -> None:
    text = render(cat.data, cat.pictures)
    (frame,) = Page(as_iframe(text, height=700)).all("iframe")
    assert frame["srcdoc"] == text
    assert frame["sandbox"] == "allow-scripts"
    assert frame["height"] == "700"
    assert html.escape(text, quote=True) in as_iframe(text)
