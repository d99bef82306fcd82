"""An explanation's JSON and pictures -> one self-contained page that works offline, printed, and without JavaScript."""

from __future__ import annotations

import html as html_text
from collections.abc import Iterator, Mapping
from functools import cache

import jinja2
from markupsafe import Markup

from cutaway.core.errors import DataError
from cutaway.report import _geometry, _words
from cutaway.report._glossary import GLOSSARY
from cutaway.report.schema import Cell, Channel, ExplanationData
from cutaway.report.selfcontained import asset, data_uri, digest, embedded, template

CRISP_BELOW = 100
"""Networks that see fewer pixels than this across have their pictures enlarged pixel by pixel, not blurred."""

STYLES = ("base.css", "sections.css")
SCRIPT = "page.js"


def render(data: ExplanationData, pictures: Mapping[str, bytes]) -> str:
    """The page of an explanation: HTML text in which styles, script, pictures and the JSON itself are contained.

    `pictures` maps the names that `data` uses to PNG (or JPEG, WebP) bytes; a DataError names one that is missing.
    Its content security policy forbids any request and any script but the page's own.
    """
    script = asset(SCRIPT)
    return _template().render(
        data=data,
        picture_uri=_uris(data, pictures),
        json=embedded(data.model_dump_json(by_alias=True)),
        styles=asset(*STYLES),
        script=script,
        script_hash=digest(script),
        crisp=min(data.model.input[1:]) < CRISP_BELOW,
        cutaway=_geometry.cutaway(data),
        ticks=_geometry.logit_axis(data),
        argued={channel.unit: channel for channel in _channels(data)},
        scatter=_geometry.scatter(_channels(data)),
        limit=_limit(data),
        icons=_icons(data),
        strongest=max(_cells(data), key=lambda cell: cell.strength, default=None),
    )


@cache
def _template() -> jinja2.Template:
    words = {name: getattr(_words, name) for name in ("number", "signed", "percent", "compact", "short", "tail")}
    known = {"zip": zip, "words": _words, "bar": _geometry.bar, "glossary": GLOSSARY, "asset": asset}
    return template("page.html.j2", words, **known)


def as_iframe(page: str, height: int = 900) -> str:
    """The page as one HTML element for a notebook: sandboxed, so that neither can touch the other."""
    return (
        f'<iframe title="cutaway explanation" sandbox="allow-scripts" width="100%" height="{height}" '
        f'style="border:0" srcdoc="{html_text.escape(page, quote=True)}"></iframe>'
    )


def _uris(data: ExplanationData, pictures: Mapping[str, bytes]) -> dict[str, Markup]:
    uris = {}
    for name in dict.fromkeys(_names(data)):
        if name not in pictures:
            raise DataError(
                f'the explanation names the picture "{name}", which is not among the {len(pictures)} given; '
                "expected every picture that it names; make the explanation again"
            )
        uris[name] = data_uri(pictures[name])
    return uris


def _names(data: ExplanationData) -> Iterator[str]:
    """The name of every picture in an explanation."""
    yield data.picture.image
    for shown in data.maps:
        yield from (shown.overlay, shown.heat)
    for channel in _channels(data):
        yield from (channel.visualization, channel.fired)
    yield from _icons(data).values()
    if data.grid:
        yield data.grid.image


def _cells(data: ExplanationData) -> list[Cell]:
    return data.dictionary.cells if data.dictionary else []


def _channels(data: ExplanationData) -> list[Channel]:
    return [*data.channels.arguing_for, *data.channels.arguing_against] if data.channels else []


def _limit(data: ExplanationData) -> float:
    """One scale for all bars of contributions, in logits."""
    figures = [abs(f) for c in _channels(data) for f in (c.attribution, _words.effect(c))]
    return max(figures, default=1.0) or 1.0


def _icons(data: ExplanationData) -> dict[str, str]:
    """The pictures of all units in the dictionary, those of the most places first."""
    places: dict[str, int] = {}
    icons: dict[str, str] = {}
    for cell in _cells(data):
        for unit, icon in zip(cell.units, cell.icons, strict=True):
            places[unit] = places.get(unit, 0) + 1
            if icon is not None:
                icons[unit] = icon
    return {unit: icons[unit] for unit in sorted(icons, key=lambda unit: (-places[unit], unit))}
