"""Spatial attribution: which places of a layer argued for a class, and which places of an earlier one stand behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.blocks.drawn import Drawn
from cutaway.blocks.places import check_grid, one_picture, raster_of, strongest_places
from cutaway.core.errors import LayerError, ModelError, OptionError, TargetError
from cutaway.core.types import Logits
from cutaway.data.pictures import Source
from cutaway.nets.model import Model
from cutaway.nets.targets import Target
from cutaway.report.drawing import Raster, beside, mark, overlay, resize, stacked
from cutaway.trace import layout, trace

CELLS = 14
"""Most places per side of `layer` that are told apart where a source is asked for."""

OF = ("target", "strength")

_SIDE = 192  # pixels


@dataclass(frozen=True)
class SpatialAttribution(Drawn):
    """How much each place of a layer argued for the target (positive) or against it, in logits.

    values: gradient x activation, summed over the layer's channels. picture: as the network sees it.
    through: for each place of the (coarse) layer, what each place of the source contributed by way of it; summed over
    the layer's places it is the source's own attribution wherever everything passes through the layer. None where no
    source was asked for. of: "target", or "strength": then a place counts by the length of its activation vector.
    note: what a reader should know, or nothing.
    """

    layer: str
    source: str | None
    of: str
    target: int
    versus: int | None
    values: Float[Tensor, "rows columns"]
    through: Float[Tensor, "coarse_rows coarse_columns source_rows source_columns"] | None
    picture: Raster
    note: str = ""

    @property
    def caption(self) -> str:
        """What the picture shows."""
        behind = f", and the places of {self.source} behind them" if self.source else ""
        asked = f"argued for class {self.target}" if self.of == "target" else "were active"
        return f"places of {self.layer} that {asked}{behind}"

    @property
    def coarse(self) -> Float[np.ndarray, "coarse_rows coarse_columns"]:
        """The values summed over the blocks of places that `through` tells apart."""
        if self.through is None:
            return self.values.double().numpy()
        grid = (self.through.shape[0], self.through.shape[1])
        row, column = (_block_of(side, cells) for side, cells in zip(self.values.shape, grid, strict=True))
        found = torch.zeros(grid).index_put_((row[:, None], column), self.values.float(), accumulate=True)
        return found.double().numpy()

    def strongest(self, count: int = 4) -> list[tuple[int, int]]:
        """The (coarse) places that argued most, for or against, none beside a stronger one; none that is zero."""
        strength = np.abs(self.coarse)
        return [place for place in strongest_places(strength, count) if strength[place] > 0]

    def draw(self, count: int = 4) -> Raster:
        """The map; with a source, one column for each of the strongest places: where it is, above what is behind it."""
        whole = resize(overlay(self.picture, self.values.numpy(), signed=True), _SIDE, _SIDE)
        if self.through is None:
            return whole
        grid = (self.through.shape[0], self.through.shape[1])
        columns = [
            stacked(
                [
                    resize(mark(self.picture, row, column, grid), _SIDE, _SIDE),
                    resize(overlay(self.picture, self.through[row, column].numpy(), signed=True), _SIDE, _SIDE),
                ]
            )
            for row, column in self.strongest(count)
        ]
        return beside([whole, *columns])


def spatial_attribution(
    model: Model,
    picture: Source,
    layer: str,
    target: Target = None,
    source: str | None = None,
    *,
    versus: Target = None,
    of: str = "target",
    cells: int = CELLS,
) -> SpatialAttribution:
    """Which places of a layer argued for the target, and with a `source` layer: which of its places stand behind each.

    layer: any layer with a grid. target: a class (None = the answer); versus: a class to compare it with.
    source: any layer that feeds `layer`. For each place of `layer` (at most `cells` x `cells`; finer grids are summed
    over blocks) its share is followed one layer of gradient x activation further down. of="strength" asks instead
    what made the place's activation vector long, whatever it argued for, as the article does between hidden layers.
    Exact where the network between is linear without offsets; elsewhere the linear approximation at this picture.
    A LayerError where the source does not feed the layer. Olah et al. 2018, "The Building Blocks of Interpretability".
    """
    _check(of, cells)
    grid = check_grid(model, layer)
    axes = layout(model, layer)
    pictures = one_picture(model, picture)
    first = layer if source is None else source
    if source is not None:
        check_grid(model, source)
    with torch.inference_mode(False), torch.enable_grad():
        seen = trace(model, pictures, list(dict.fromkeys((first, layer))), cut=first)
        chosen, against = _classes(model, seen.logits, target, versus)
        pull = _pull(of, seen.logits, chosen, against, seen[layer], axes.channel_axis)
        values = axes.to_grid(pull * seen[layer].detach())[0].sum(0)
        through = None
        if source is not None:
            blocks = _blocks(grid, cells)
            through = _through(model, seen[layer], seen[source], pull, layer, source, blocks)
    dead = not bool(values.any())
    return SpatialAttribution(
        layer=layer,
        source=source,
        of=of,
        target=chosen,
        versus=against,
        values=values.detach().cpu(),
        through=None if through is None else through.cpu(),
        picture=raster_of(pictures),
        note=f"no place of {layer} changes this score, to first order" if dead else "",
    )


def _check(of: str, cells: int) -> None:
    if of not in OF:
        raise OptionError(f'of is "{of}"; expected one of {", ".join(OF)}')
    if cells < 1:
        raise OptionError(f"cells is {cells}; expected at least 1 place per side")


def _classes(model: Model, logits: Logits | None, target: Target, versus: Target) -> tuple[int, int | None]:
    if logits is None:
        raise ModelError("the network gave no scores; expected scores of shape (batch, classes)")
    chosen = int(model.target(target, logits)[0])
    against = None if versus is None else int(model.target(versus, logits)[0])
    if against == chosen:
        raise TargetError(f"versus is the target itself, class {chosen}; expected another class")
    return chosen, against


def _pull(of: str, logits: Logits | None, target: int, versus: int | None, at: Tensor, channel_axis: int) -> Tensor:
    """What a small change of each number of the layer is worth: by the score's gradient, or by the vector's length."""
    if of == "strength":
        return torch.nn.functional.normalize(at.detach(), dim=channel_axis)
    assert logits is not None  # _classes has seen to that
    score = logits[0, target] - (0 if versus is None else logits[0, versus])
    found = torch.autograd.grad(score, at, retain_graph=True, allow_unused=True)[0] if score.requires_grad else None
    return torch.zeros_like(at) if found is None else found


def _blocks(grid: tuple[int, int], cells: int) -> Int[Tensor, "rows columns"]:
    """Which block of neighbouring places each place of the grid belongs to: at most cells x cells of them."""
    rows, columns = (_block_of(side, cells) for side in grid)
    return rows[:, None] * (int(columns.max()) + 1) + columns


def _block_of(side: int, cells: int) -> Int[Tensor, " side"]:
    return torch.arange(side) * min(side, cells) // side


def _through(
    model: Model,
    at: Tensor,
    below: Tensor,
    pull: Tensor,
    layer: str,
    source: str,
    blocks: Int[Tensor, "rows columns"],
) -> Float[Tensor, "coarse_rows coarse_columns source_rows source_columns"]:
    """For each block of places, the gradient x activation of its share of the score by the source's places."""
    axes, under = layout(model, layer), layout(model, source)
    if at is below or not at.requires_grad:
        raise _unfed(layer, source)
    maps = []
    for block in range(int(blocks.max()) + 1):
        inside = (blocks == block).to(at)
        chosen = axes.from_grid(inside.expand(1, axes.channels, *inside.shape).contiguous(), at)
        gradient = torch.autograd.grad(at, below, pull * chosen, retain_graph=True, allow_unused=True)[0]
        if gradient is None:
            raise _unfed(layer, source)
        maps.append(under.to_grid(gradient * below.detach())[0].sum(0))
    rows = int(blocks[:, 0].unique().numel())
    found = torch.stack(maps)
    return found.reshape(rows, -1, *found.shape[1:])


def _unfed(layer: str, source: str) -> LayerError:
    return LayerError(
        f'layer "{layer}" does not depend on "{source}"; expected a source that feeds it; '
        f'try layer="{source}", source="{layer}"'
        if layer != source
        else f'layer and source are both "{layer}"; expected an earlier layer as the source'
    )
