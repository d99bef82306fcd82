"""Which layers a sweep looks into, where nobody says: the outputs of a network's blocks."""

from __future__ import annotations

from collections.abc import Sequence

from cutaway.core.errors import LayerError
from cutaway.nets.layers import LayerInfo
from cutaway.nets.model import Model
from cutaway.trace import Layout, layouts

MOST = 12
"""A store of more layers grows, and a person rarely compares more."""

_WRAPPERS = ("Sequential", "ModuleList", "Dropout", "Dropout2d", "Identity")
_ACTIVATIONS = ("ReLU", "ReLU6", "GELU", "SiLU", "Hardswish", "LeakyReLU", "ELU", "Mish", "Tanh", "Softplus")


def default_layers(model: Model) -> tuple[str, ...]:
    """The blocks of a network (Fire, BasicBlock, EncoderBlock, ...) in the order in which data passes them.

    A block that ends with another one that gives the same kind of output (an encoder, its last block) gives way to
    its parts. Networks without blocks: the last activation function of each stage (of one container, on one grid), else
    all layers with a grid. Of more than `MOST`, evenly spread ones, the last among them.
    A LayerError where no layer can be laid out.
    """
    found = layouts(model)
    infos = {name: info for info in model.layers() for name in info.names if name in found}
    grids = {name: info for name, info in infos.items() if found[name].spatial and info.kind not in _WRAPPERS}
    blocks = {name: info for name, info in grids.items() if not info.leaf}
    chosen = [name for name in blocks if not _gives_way(name, blocks, found)]
    chosen = [name for name in chosen if not any(_inside(name, other) for other in chosen)]
    chosen = chosen or _last_of_each_stage({n: found[n] for n, info in grids.items() if info.kind in _ACTIVATIONS})
    chosen = chosen or list(grids) or list(found)
    if not chosen:
        raise LayerError(f"{model.name} has no layer that can be laid out; expected one; try model.layers()")
    return tuple(thinned(chosen, MOST))


def _last_of_each_stage(activations: dict[str, Layout]) -> list[str]:
    last = {(name.rpartition(".")[0], axes.grid): name for name, axes in activations.items()}
    return [name for name in activations if name in last.values()]


def thinned(names: Sequence[str], most: int) -> list[str]:
    """At most so many of the names, evenly spread, the last one always."""
    if len(names) <= most:
        return list(names)
    return [names[round((step + 1) * len(names) / most) - 1] for step in range(most)]


def _gives_way(name: str, blocks: dict[str, LayerInfo], found: dict[str, Layout]) -> bool:
    """Whether the block's output is that of a block within it."""
    return any(
        _inside(other, name) and found[other].grid == found[name].grid and found[other].channels == found[name].channels
        for other in blocks
    )


def _inside(name: str, block: str) -> bool:
    return name.startswith(f"{block.partition('#')[0]}.")
