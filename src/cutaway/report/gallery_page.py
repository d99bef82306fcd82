"""Sheets of plates -> one self-contained page of pictures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import jinja2
from markupsafe import Markup


@dataclass(frozen=True)
class Plate:
    """A picture (PNG) with what it is."""

    says: str
    picture: bytes

    @property
    def source(self) -> Markup:
        """The picture as it stands in the page."""
        return Markup("data:image/png;base64,") + Markup(base64.b64encode(self.picture).decode())


@dataclass(frozen=True)
class Sheet:
    """Plates under one heading."""

    title: str
    says: str
    plates: Sequence[Plate]


def gallery_page(title: str, says: str, sheets: Sequence[Sheet]) -> str:
    """The page as text; labels are escaped, nothing is loaded from elsewhere."""
    environment = jinja2.Environment(loader=jinja2.PackageLoader("cutaway.report", "assets"), autoescape=True)
    loader = environment.loader
    assert loader is not None
    style = Markup(loader.get_source(environment, "base.css")[0])
    return environment.get_template("gallery.html.j2").render(title=title, says=says, sheets=sheets, style=style)
