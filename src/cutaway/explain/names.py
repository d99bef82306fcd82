"""The names of the units that an explanation shows."""

from __future__ import annotations

from collections.abc import Sequence

from cutaway.naming.names import UnitNames
from cutaway.report.schema import Channels, Dictionary, UnitName


def names_shown(
    names: Sequence[UnitNames], channels: Channels | None, dictionary: Dictionary | None, notes: list[str]
) -> dict[str, UnitName]:
    """The best name of each unit shown that has one; a note where names were given and none is of this layer."""
    shown = [each.unit for each in (*channels.arguing_for, *channels.arguing_against)] if channels else []
    shown += [unit for cell in dictionary.cells for unit in cell.units] if dictionary else []
    if not names or not shown:
        return {}
    layers = sorted({each.unit.rpartition(":")[0] for each in names})
    layer = shown[0].rpartition(":")[0]
    if layer not in layers:
        notes.append(f"The names given are of {', '.join(layers)}; this explanation looks into {layer}.")
    found = {each.unit: UnitName(text=each.names[0].text, score=each.names[0].score) for each in names if each.text}
    return {unit: found[unit] for unit in dict.fromkeys(shown) if unit in found}
