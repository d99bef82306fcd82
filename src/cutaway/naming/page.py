"""A whole layer summed up on one page: its units by their names, each with the pictures that it fires on."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import jinja2
from PIL import Image

from cutaway.core.cache import write_atomically
from cutaway.core.errors import PictureError
from cutaway.data.pictures import read_image
from cutaway.naming.names import UnitNames
from cutaway.report.drawing import resize, to_raster

SIDE = 96  # pixels of a thumbnail
PICTURES = 6

TEMPLATE = Path(__file__).parent / "data" / "page.html"


def write_page(
    names: Sequence[UnitNames], pictures: Sequence[Path], path: Path, title: str, most: int = 60, promised: bool = False
) -> None:
    """Writes one self-contained HTML file; the most certain units first, at most `most` of them."""
    named = sorted((unit for unit in names if not unit.abstained), key=lambda unit: -unit.names[0].score)[:most]
    needed = {i for unit in named for i in (*unit.fires[:PICTURES], *(unit.promised[:PICTURES] if promised else ()))}
    shown = {i: thumb for i in sorted(needed) if i < len(pictures) and (thumb := _thumbnail(pictures[i]))}
    reasons: dict[str, int] = {}
    for unit in names:
        if unit.abstained:
            kind = unit.reason.partition(":")[0]
            reasons[kind] = reasons.get(kind, 0) + 1
    told = "Without a name: " + ", ".join(f"{n} {kind}" for kind, n in sorted(reasons.items())) if reasons else ""
    page = jinja2.Environment(autoescape=True).from_string(TEMPLATE.read_text(encoding="utf-8"))
    text = page.render(title=title, named=named, count=len(names), shown=shown, reasons=told, promised=promised)
    write_atomically(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def _thumbnail(path: Path) -> str:
    """A small JPEG as text; nothing for a picture that cannot be read."""
    try:
        picture = read_image(path)
    except PictureError:
        return ""
    raster = to_raster(picture.numpy())
    short = min(raster.shape[:2])
    height, width = (max(1, round(side * SIDE / short)) for side in raster.shape[:2])
    buffer = io.BytesIO()
    Image.fromarray(resize(raster, height, width)).save(buffer, format="JPEG", quality=85)
    return base64.b64encode(buffer.getvalue()).decode()
