"""The album: the pictures of an explanation under the names that its data uses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cutaway.report.drawing import Raster, png


@dataclass
class Album:
    """Takes rasters one after the other and hands back their names; each is a PNG in the folder `pictures`."""

    pictures: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, raster: Raster) -> str:
        """Keep a raster; its name is made safe for any file system, since names of layers come from outside."""
        path = f"pictures/{re.sub(r'[^A-Za-z0-9_.-]+', '_', name).strip('.')[:80]}.png"
        self.pictures[path] = png(raster)
        return path
