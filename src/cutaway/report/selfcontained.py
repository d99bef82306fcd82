"""What every self-contained page is made of: strict templates, and styles, scripts, pictures and JSON inside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

_LOADER = jinja2.PackageLoader("cutaway.report", "assets")


def template(name: str, filters: Mapping[str, Callable[..., Any]], **known: Any) -> jinja2.Template:
    """A template of the assets: text is escaped, a name that it lacks is an error; what it includes has `known` too."""
    environment = jinja2.Environment(
        loader=_LOADER, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(filters)
    environment.globals.update(known)
    return environment.get_template(name)


@cache
def asset(*names: str) -> Markup:
    """The text of styles or a script, one after the other, as it stands in a page."""
    return Markup("\n".join(_LOADER.get_source(jinja2.Environment(), name)[0] for name in names))


def digest(script: str) -> str:
    """The name by which a content security policy allows this script and no other (sha256, base64)."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def data_uri(picture: bytes) -> Markup:
    """A PNG, JPEG or WebP as an address that holds it."""
    return Markup(f"data:{_kind(picture)};base64,{base64.b64encode(picture).decode()}")


def embedded(json: str) -> Markup:
    """JSON as it can stand inside a script element: nothing in it can close the element."""
    return Markup(json.replace("<", "\\u003c"))


def _kind(picture: bytes) -> str:
    if picture.startswith(b"\xff\xd8"):
        return "image/jpeg"
    return "image/webp" if picture[8:12] == b"WEBP" else "image/png"
