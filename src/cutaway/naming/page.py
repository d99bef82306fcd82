"""A whole layer summed up on one page: its units by their names, each with the pictures that it fires on."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from markupsafe import Markup
from PIL import Image

from cutaway.core.cache import write_atomically
from cutaway.core.errors import PictureError
from cutaway.core.types import Picture
from cutaway.data.pictures import read_image
from cutaway.naming.names import UnitNames
from cutaway.report.drawing import resize, to_raster
from cutaway.report.selfcontained import asset, data_uri, template

SIDE = 96  # pixels of a thumbnail
PICTURES = 6


def write_page(
    names: Sequence[UnitNames],
    pictures: Sequence[Path | Picture],
    path: Path,
    title: str,
    most: int = 60,
    promised: bool = True,
) -> None:
    """Writes one self-contained HTML file; the most certain units first, at most `most` of them.

    With `promised` also the pictures that a unit passes over though its name is seen there.
    """
    named = sorted((unit for unit in names if not unit.abstained), key=lambda unit: -unit.names[0].score)
    listed = [
        replace(unit, fires=unit.fires[:PICTURES], promised=unit.promised[: PICTURES * promised])
        for unit in named[:most]
    ]
    needed = {i for unit in listed for i in (*unit.fires, *unit.promised) if i < len(pictures)}
    thumbnails = {i: _thumbnail(pictures[i]) for i in sorted(needed)}
    reasons = Counter(unit.reason.partition(":")[0] for unit in names if unit.abstained)
    text = template("names.html.j2", {}).render(
        title=title,
        named=listed,
        total=len(named),
        count=len(names),
        shown={i: thumbnail for i, thumbnail in thumbnails.items() if thumbnail},
        promised=promised,
        reasons=[f"{n} {reason}" for reason, n in reasons.most_common()],
        style=asset("base.css"),
    )
    write_atomically(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def _thumbnail(picture: Path | Picture) -> Markup | None:
    """A small JPEG as an address; none for a picture that cannot be read."""
    try:
        raster = to_raster((read_image(picture) if isinstance(picture, Path) else picture).numpy())
    except PictureError:
        return None
    short = min(raster.shape[:2])
    height, width = (max(1, round(side * SIDE / short)) for side in raster.shape[:2])
    buffer = io.BytesIO()
    Image.fromarray(resize(raster, height, width)).save(buffer, format="JPEG", quality=85)
    return data_uri(buffer.getvalue())
