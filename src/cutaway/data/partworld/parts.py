"""The table of all parts and their kinds: `KINDS[part][kind]`."""

from __future__ import annotations

from cutaway.data.partworld.animals import ANIMALS
from cutaway.data.partworld.constructions import CONSTRUCTIONS
from cutaway.data.partworld.kinds import Kind
from cutaway.data.partworld.plants import PLANTS

KINDS: dict[str, dict[str, Kind]] = {**PLANTS, **ANIMALS, **CONSTRUCTIONS}
