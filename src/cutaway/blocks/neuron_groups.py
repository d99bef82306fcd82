"""Neuron groups: channels that fire together, each group as one word, with its say in every class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.blocks.drawn import Drawn
from cutaway.blocks.factorization import RESTARTS, factorize
from cutaway.blocks.first_order import first_order
from cutaway.blocks.icons import SIZE, STEPS, fitting_size
from cutaway.blocks.places import raster_of, several_pictures
from cutaway.core.errors import LayerError, OptionError
from cutaway.core.types import Logits, Pictures
from cutaway.data.pictures import Source
from cutaway.featurevis import directions
from cutaway.featurevis import visualize as visualize_objective
from cutaway.nets.model import Model
from cutaway.nets.targets import Target
from cutaway.report.drawing import Raster, bar, beside, labelled_regions, resize, spotlight, stacked, swatch, to_raster
from cutaway.trace import Layout, activations, edit, layout

_ROW = 96  # pixels


@dataclass(frozen=True)
class NeuronGroups(Drawn):
    """A layer's activations on some pictures as a sum of groups of channels, largest group first.

    maps: where each group is present. directions: its channels, of norm 1 (group g adds maps[:, g] x directions[g]).
    contributions: what each group adds to each logit, to first order. rest: what the activations add that no group
    holds. linear: what all activations add; contributions and rest add up to it. logits: the network's answer;
    without: its answer when a group is taken away from the layer, measured.
    error: norm of what no group holds, as a share of the activations' norm. errors: of all starts of the
    factorization, best first. stability: how alike the groups of other starts are (mean cosine, 1 = the same).
    icons: what excites each group. note: what a reader should know, or nothing.
    """

    layer: str
    maps: Float[Tensor, "pictures groups rows columns"]
    directions: Float[Tensor, "groups channels"]
    contributions: Float[Tensor, "pictures groups classes"]
    rest: Float[Tensor, "pictures classes"]
    linear: Float[Tensor, "pictures classes"]
    logits: Float[Tensor, "pictures classes"]
    without: Float[Tensor, "pictures groups classes"]
    target: tuple[int, ...]
    error: float
    errors: tuple[float, ...]
    stability: float
    pictures: tuple[Raster, ...]
    icons: Mapping[int, Raster] = field(default_factory=dict)
    note: str = ""

    @property
    def caption(self) -> str:
        """What the picture shows."""
        return f"{len(self.directions)} neuron groups of {self.layer}"

    @property
    def measured(self) -> Float[Tensor, "pictures groups classes"]:
        """What each logit loses when a group is taken away, measured; to be held beside the contributions."""
        return self.logits[:, None] - self.without

    def channels(self, group: int, k: int = 6) -> list[tuple[int, float]]:
        """The k channels that make up most of a group, with their weights."""
        order = self.directions[group].abs().argsort(descending=True, stable=True)[:k]
        return [(int(channel), float(self.directions[group, channel])) for channel in order]

    def regions(self, picture: int = 0) -> Raster:
        """The picture, each place tinted in the colour of the group that is strongest there."""
        return labelled_regions(self.pictures[picture], self.maps[picture].double().numpy())

    def present(self, group: int, picture: int = 0) -> Raster:
        """The picture, lit where the group is present."""
        return spotlight(self.pictures[picture], self.maps[picture, group].numpy())

    def draw(self) -> Raster:
        """One row per group: its colour, what excites it, where it is, its contribution above what was measured.

        The first picture is drawn, above its regions.
        """
        given, measured = (each[0, :, self.target[0]] for each in (self.contributions, self.measured))
        most = max(float(given.abs().max()), float(measured.abs().max())) or 1.0
        rows = [
            beside(
                [
                    swatch(group, _ROW // 3, _ROW),
                    *([resize(self.icons[group], _ROW, _ROW)] if group in self.icons else []),
                    resize(self.present(group), _ROW, _ROW),
                    stacked([bar(float(each[group]) / most, 2 * _ROW, _ROW // 3) for each in (given, measured)]),
                ]
            )
            for group in range(len(self.directions))
        ]
        both = [resize(each, 2 * _ROW, 2 * _ROW) for each in (self.pictures[0], self.regions())]
        return stacked([beside(both), *rows])


def neuron_groups(
    model: Model,
    pictures: Source | Sequence[Source],
    layer: str,
    groups: int = 6,
    seed: int = 0,
    *,
    target: Target = None,
    visualize: bool = True,
    size: int = SIZE,
    steps: int = STEPS,
    restarts: int = RESTARTS,
    batch_size: int | None = None,
) -> NeuronGroups:
    """Few groups of channels that say most of what a layer answers on one picture, or on a set of them.

    groups: how many. target: the class that is drawn (None = each picture's answer); contributions are given for all
    classes. visualize=False draws no icons. size, steps: of each icon. restarts: random starts of the factorization.
    batch_size: pictures at once, which bounds memory. A LayerError where the layer is silent, an OptionError where
    there are more groups than places or channels.
    Olah et al. 2018, "The Building Blocks of Interpretability".
    """
    batch = several_pictures(model, pictures)
    axes = layout(model, layer)
    grid = axes.to_grid(activations(model, batch, [layer], batch_size=batch_size)[layer]).cpu()
    _check(grid, groups, restarts, layer)
    count, channels, rows, columns = grid.shape
    flat = grid.movedim(1, -1).reshape(-1, channels).double().numpy()
    found = factorize(flat, groups, seed=seed, restarts=restarts)
    where = torch.from_numpy(found.where).float().reshape(count, rows, columns, groups).movedim(-1, 1)
    what = torch.from_numpy(found.what).float()
    effects = [_effects(model, batch[i : i + 1], layer, axes, where[i], what, batch_size) for i in range(count)]
    added, logits, without = (torch.stack(each).cpu() for each in zip(*effects, strict=True))
    answer = NeuronGroups(
        layer=layer,
        maps=where.contiguous(),
        directions=what,
        contributions=added[:, :groups],
        rest=added[:, groups],
        linear=added[:, groups + 1],
        logits=logits,
        without=without,
        target=tuple(model.target(target, logits).tolist()),
        error=found.error,
        errors=found.errors,
        stability=found.stability,
        pictures=tuple(raster_of(batch[i : i + 1]) for i in range(count)),
        note="" if bool(added.any()) else f"no class score depends on {layer}, to first order",
    )
    return replace(answer, icons=_icons(model, answer, seed, size, steps, batch_size)) if visualize else answer


def _check(grid: Float[Tensor, "pictures channels rows columns"], groups: int, restarts: int, layer: str) -> None:
    places = len(grid) * grid.shape[2] * grid.shape[3]
    if not 1 <= groups <= min(places, grid.shape[1]):
        raise OptionError(
            f"groups is {groups}; expected 1 to {min(places, grid.shape[1])}, as {layer} has {grid.shape[1]} channels "
            f"at {places} places of these pictures"
        )
    if restarts < 0:
        raise OptionError(f"restarts is {restarts}; expected 0 or more")
    if not bool(grid.isfinite().all()):
        raise LayerError(f"{layer} gave values that are not finite on these pictures; expected finite activations")
    if not bool(grid.any()):
        raise LayerError(
            f"{layer} is silent: zero at every place of these pictures; expected some activation to group; "
            "try another layer or picture"
        )


def _effects(
    model: Model,
    picture: Pictures,
    layer: str,
    axes: Layout,
    where: Float[Tensor, "groups rows columns"],
    what: Float[Tensor, "groups units"],
    batch_size: int | None,
) -> tuple[Float[Tensor, "two_more classes"], Float[Tensor, " classes"], Float[Tensor, "groups classes"]]:
    """For one picture: what each group, the rest and the whole add to the logits to first order; the logits; and the
    logits without each group. Copies of the picture go through together, each with another group."""
    groups = len(what)
    parts = torch.einsum("grc,gk->gkrc", where, what).to(model.device)
    nothing = torch.zeros_like(parts[:1])
    grids = torch.cat([parts, -parts.sum(0, keepdim=True), nothing])
    kept = torch.cat([torch.zeros(groups), torch.ones(2)]).to(parts)  # the rest and the whole begin from all there is

    def run(chunk: slice, linear: bool) -> Logits:
        def added(output: Tensor) -> Tensor:
            share = kept[chunk] if linear else torch.ones_like(kept[chunk])
            own = (output.reshape(len(share), -1) * share[:, None]).reshape(output.shape)
            return own + axes.from_grid(grids[chunk] if linear else -grids[chunk], output).to(output)

        copies = picture.expand(len(grids[chunk]), -1, -1, -1)
        if linear:
            return first_order(model, copies, layer, added)
        with torch.no_grad(), edit(model, {layer: added}):
            return model(copies)

    size = batch_size or groups + 2
    if axes.axes in ("places channels", "channels places"):
        size = 1  # there the copies of the picture share an axis with its places
    added_to = torch.cat([run(slice(start, start + size), True) for start in range(0, groups + 2, size)])
    without = torch.cat([run(slice(start, min(start + size, groups)), False) for start in range(0, groups, size)])
    with torch.no_grad():
        return added_to, model(picture)[0], without


def _icons(
    model: Model, found: NeuronGroups, seed: int, size: int, steps: int, batch_size: int | None
) -> dict[int, Raster]:
    """What excites each group; a direction that is nothing but zeros has no icon."""
    alive = [group for group, direction in enumerate(found.directions) if bool(direction.any())]
    drawn = visualize_objective(
        model,
        directions(found.layer, found.directions[alive]),
        size=fitting_size(model, size),
        steps=steps,
        seed=seed,
        batch_size=batch_size,
    )
    return {group: to_raster(np.asarray(picture)) for group, picture in zip(alive, drawn.pictures, strict=True)}
