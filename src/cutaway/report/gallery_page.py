"""Sheets of plates -> one self-contained page of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cutaway.report.selfcontained import asset, data_uri, template


@dataclass(frozen=True)
class Plate:
    """A picture (PNG) with what it is."""

    says: str
    picture: bytes

    @property
    def source(self) -> Markup:
        """The picture as it stands in the page."""
        return data_uri(self.picture)


@dataclass(frozen=True)
class Sheet:
    """Plates under one heading."""

    title: str
    says: str
    plates: Sequence[Plate]


def gallery_page(title: str, says: str, sheets: Sequence[Sheet]) -> str:
    """The page as text; labels are escaped, nothing is loaded from elsewhere."""
    page = template("gallery.html.j2", {})
    return page.render(title=title, says=says, sheets=sheets, style=asset("base.css"))
