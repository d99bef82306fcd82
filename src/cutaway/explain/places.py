"""The sections on places: the semantic dictionary and the activation grid."""

from __future__ import annotations

from cutaway.blocks.activation_grid import ActivationGrid
from cutaway.blocks.semantic_dictionary import Entry, SemanticDictionary
from cutaway.explain.album import Album
from cutaway.report.schema import Cell, Dictionary, Grid


def dictionary_section(found: SemanticDictionary, shown: int, icons: dict[int, str], album: Album) -> Dictionary:
    """Every place, spelled in channels; `icons` names the pictures of those that have one. The `shown` strongest places
    are framed in the picture."""
    framed = {(entry.row, entry.column) for entry in found.strongest(shown)}
    return Dictionary(
        layer=found.layer,
        grid=found.grid,
        cells=[_cell(found, entry, (entry.row, entry.column) in framed, icons, album) for entry in found.entries],
    )


def grid_section(found: ActivationGrid, album: Album) -> Grid:
    """What the network saw at each place, as one picture."""
    rows, columns = found.strength.shape
    return Grid(layer=found.layer, rows=rows, columns=columns, image=album.add("grid", found.draw()))


def _cell(found: SemanticDictionary, entry: Entry, framed: bool, icons: dict[int, str], album: Album) -> Cell:
    return Cell(
        row=entry.row,
        column=entry.column,
        strength=entry.strength,
        units=[f"{found.layer}:{channel}" for channel in entry.channels],
        values=list(entry.values),
        icons=[icons.get(channel) for channel in entry.channels],
        place=album.add(f"place_{entry.row}_{entry.column}", found.place(entry)) if framed else None,
    )
