"""The building blocks of one picture, all of them: the article's pipeline from end to end, as one page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path

import torch

from cutaway.blocks.activation_atlas import ActivationAtlas, activation_atlas
from cutaway.blocks.activation_grid import ActivationGrid, activation_grid
from cutaway.blocks.channel_attribution import ChannelAttribution, channel_attribution
from cutaway.blocks.default_layer import default_layer, layer_before
from cutaway.blocks.drawn import Drawn
from cutaway.blocks.neuron_groups import NeuronGroups, neuron_groups
from cutaway.blocks.page import page_of
from cutaway.blocks.places import check_grid, one_picture, raster_of
from cutaway.blocks.semantic_dictionary import SemanticDictionary, semantic_dictionary
from cutaway.blocks.spatial_attribution import SpatialAttribution, spatial_attribution
from cutaway.core.cache import write_atomically
from cutaway.core.errors import LayerError
from cutaway.data.pictures import Source
from cutaway.nets.model import Model, Prediction
from cutaway.nets.targets import Target
from cutaway.report.drawing import Raster, beside, resize, stacked
from cutaway.report.drawing import png as as_png

STEPS = 64
"""Steps of each visualization: enough to be read."""

SPELLED = 24
"""Places whose channels are drawn in the dictionary."""

GROUPS = 6

Say = Callable[[str], None]


@dataclass(frozen=True)
class BuildingBlocks(Drawn):
    """Every block of one picture at one layer. atlas: None where no probing set was given.

    predictions: the likeliest classes, and the target. settings: how it was made, as plain text.
    """

    name: str
    source: str
    note: str
    picture: Raster
    predictions: tuple[Prediction, ...]
    target: Prediction
    versus: Prediction | None
    dictionary: SemanticDictionary
    grid: ActivationGrid
    places: SpatialAttribution
    channels: ChannelAttribution
    groups: NeuronGroups
    atlas: ActivationAtlas | None
    atlas_pictures: int
    settings: tuple[tuple[str, str], ...]

    @property
    def caption(self) -> str:
        """What the picture shows."""
        return f"the building blocks of {self.source} at {self.groups.layer} of {self.name}"

    @property
    def sheets(self) -> dict[str, Drawn]:
        """Each block by its name."""
        made: dict[str, Drawn] = {
            "semantic_dictionary": self.dictionary,
            "activation_grid": self.grid,
            "spatial_attribution": self.places,
            "channel_attribution": self.channels,
            "neuron_groups": self.groups,
        }
        return made if self.atlas is None else {**made, "activation_atlas": self.atlas}

    def draw(self) -> Raster:
        """All blocks on one sheet."""
        return stacked([beside([resize(self.picture, 192, 192)]), *(each.draw() for each in self.sheets.values())], 24)

    def html(self) -> str:
        """The page: one self-contained HTML text."""
        return page_of(self)

    def save(self, folder: str | PathLike[str]) -> Path:
        """`index.html` and one PNG per block in a folder; says where the page is."""
        where = Path(folder)
        for name, block in self.sheets.items():
            write_atomically(where / f"{name}.png", partial(Path.write_bytes, data=as_png(block.draw())))
        page = where / "index.html"
        write_atomically(page, partial(Path.write_text, data=self.html(), encoding="utf-8"))
        return page


def building_blocks(
    model: Model,
    picture: Source,
    target: Target = None,
    versus: Target = None,
    *,
    layer: str | None = None,
    source: str | None = None,
    groups: int = GROUPS,
    probing: Source | Sequence[Source] | None = None,
    steps: int = STEPS,
    seed: int = 0,
    batch_size: int | None = None,
    name: str = "",
    progress: Say | None = None,
) -> BuildingBlocks:
    """Semantic dictionary, activation grid, spatial and channel attribution and neuron groups of one picture.

    layer: where to look (None = the deepest that still knows places). source: an earlier layer whose places stand
    behind those of `layer` (None = the last one with a finer grid). groups: at most so many neuron groups. probing: a
    set of pictures for an activation atlas (None = no atlas). steps: of each visualization. name: of the picture.
    A LayerError where the network has no layer with a grid.
    Olah et al. 2018, "The Building Blocks of Interpretability".
    """
    say = progress or (lambda _: None)
    pictures = one_picture(model, picture)
    chosen = layer or default_layer(model, pictures)
    if chosen is None:
        raise LayerError(f"{model.name} has no layer with a grid of places; expected one; try cutaway explain")
    grid = check_grid(model, chosen)
    before = source or layer_before(model, pictures, chosen)
    with torch.no_grad():
        logits = model(pictures)[0]
    ranked = model.predictions(logits, len(logits))
    by_index = {each.index: each for each in ranked}
    say(f"channel attribution of {chosen}")
    channels = channel_attribution(model, pictures, chosen, target, versus, steps=steps, seed=seed)
    say(f"spatial attribution from {before} through {chosen}")
    places = spatial_attribution(model, pictures, chosen, target, before, versus=versus)
    say(f"neuron groups of {chosen}")
    few = max(1, min(groups, grid[0] * grid[1], len(channels.values)))
    found = neuron_groups(
        model, pictures, chosen, few, seed, target=channels.target, steps=steps, batch_size=batch_size
    )
    say(f"semantic dictionary of {chosen}")
    dictionary = semantic_dictionary(model, pictures, chosen, visualize=SPELLED, steps=steps, seed=seed)
    say(f"activation grid of {chosen}")
    seen = activation_grid(model, pictures, chosen, steps=steps, seed=seed, batch_size=batch_size)
    atlas, probed = None, 0
    if probing is not None:
        say(f"activation atlas of {chosen}")
        atlas = activation_atlas(model, probing, chosen, steps=steps, seed=seed, batch_size=batch_size)
        probed = int(atlas.origins[:, 0].max()) + 1
    return BuildingBlocks(
        name=model.name,
        source=name or "a picture",
        note=model.note,
        picture=raster_of(pictures),
        predictions=tuple(ranked[:5]),
        target=by_index[channels.target],
        versus=None if channels.versus is None else by_index[channels.versus],
        dictionary=dictionary,
        grid=seen,
        places=replace(places, note=places.note or channels.note),
        channels=channels,
        groups=found,
        atlas=atlas,
        atlas_pictures=probed,
        settings=(
            ("layer", chosen),
            ("source layer", before or "none"),
            ("seed", str(seed)),
            ("steps of each visualization", str(steps)),
            ("groups", str(few)),
            ("weights", model.weights_hash()[:12]),
        ),
    )
