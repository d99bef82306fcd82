"""Explain: one picture and one network in, every section of an explanation out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from cutaway.blocks.activation_grid import activation_grid
from cutaway.blocks.channel_attribution import channel_attribution
from cutaway.blocks.default_layer import default_layer
from cutaway.blocks.icons import STEPS, icons
from cutaway.blocks.places import check_grid, raster_of
from cutaway.blocks.semantic_dictionary import semantic_dictionary
from cutaway.core.errors import ModelError, PictureError
from cutaway.core.types import Picture, Pictures
from cutaway.data.pictures import Source, pictures_from
from cutaway.explain.album import Album
from cutaway.explain.channels import channels_section
from cutaway.explain.explanation import Explanation
from cutaway.explain.facts import model_facts, picture_facts, provenance
from cutaway.explain.maps import maps_section
from cutaway.explain.names import names_shown
from cutaway.explain.places import dictionary_section, grid_section
from cutaway.explain.question import Question, ask, laid_out
from cutaway.explain.settings import Settings
from cutaway.naming.names import UnitNames
from cutaway.nets.model import Model
from cutaway.nets.targets import Target
from cutaway.report.schema import Channels, Dictionary, ExplanationData, Grid

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Inside:
    """The sections that need a layer with a grid; all None where the network has none."""

    channels: Channels | None = None
    dictionary: Dictionary | None = None
    grid: Grid | None = None


def explain(
    model: Model,
    source: Source,
    target: Target = None,
    versus: Target = None,
    *,
    layer: str | None = None,
    seed: int = 0,
    steps: int = STEPS,
    batch_size: int | None = None,
    names: Sequence[UnitNames] = (),
    command: str = "",
    progress: Say | None = None,
) -> Explanation:
    """Why the network says what it says about one picture.

    source: a path, Pillow image, array or tensor, prepared for the network. target: the class to explain (an index or
    a label; None = the predicted one); versus: the class to compare it with (None = the best of the others).
    layer: where to look inside; by default the deepest one that still knows places. steps: of each visualization.
    batch_size: pictures at once, which bounds memory. names: of units, in words, as `name_units` finds them.
    progress: told what is being done.
    The same picture, network and seed give the same numbers and pictures. Raises a CutawayError for what can be mended.
    """
    say = progress or (lambda _: None)
    original = _one(source)
    pictures = laid_out(model, model.prepare(original))
    question = ask(model, pictures, raster_of(pictures), target, versus)
    settings = Settings(_checked_layer(model, pictures, layer), seed, steps, batch_size)
    album, notes = Album(), [model.note] if model.note else []
    image = album.add("picture", question.raster)
    say("attribution maps")
    maps = list(maps_section(question, settings, album, notes))
    inside = _inside(question, settings, album, notes, say)
    data = ExplanationData(
        model=model_facts(model, len(question.logits)),
        picture=picture_facts(source, (original.shape[-2], original.shape[-1]), pictures, image),
        predictions=question.likeliest(settings.likeliest),
        target=question.score(question.target),
        versus=None if question.versus is None else question.score(question.versus),
        margin=question.margin,
        maps=maps,
        channels=inside.channels,
        dictionary=inside.dictionary,
        grid=inside.grid,
        names=names_shown(names, inside.channels, inside.dictionary, notes),
        notes=notes,
        provenance=provenance(model, settings, command),
    )
    return Explanation(data, album.pictures)


def _one(source: Source) -> Picture:
    found = pictures_from(source)
    if len(found) != 1:
        raise PictureError(f"{len(found)} pictures were given; expected one; try to explain each by itself")
    return found[0]


def _checked_layer(model: Model, pictures: Pictures, layer: str | None) -> str | None:
    if not model.layers():
        raise ModelError(
            f"{model.name} has no layers; expected a network made of submodules; "
            "try cutaway.attribution, whose methods take any callable"
        )
    if layer is None:
        return default_layer(model, pictures)
    check_grid(model, layer)
    return layer


def _inside(question: Question, settings: Settings, album: Album, notes: list[str], say: Say) -> _Inside:
    """What the network's own channels say."""
    model, pictures, layer, seed = question.model, question.pictures, settings.layer, settings.seed
    if layer is None:
        notes.append(
            f"{model.name} has no layer with channels over a grid of places, so there are no channels to show: "
            "only which pixels counted."
        )
        return _Inside()
    arguing = channel_attribution(model, pictures, layer, question.target, question.versus, visualize=0)
    spelled = semantic_dictionary(model, pictures, layer, settings.words, visualize=0)
    words = chain(*(entry.channels for entry in spelled.strongest(settings.places)))
    wanted = list(dict.fromkeys([*chain(*arguing.strongest(settings.channels)), *words]))
    say(f"visualizations of {len(wanted)} channels of {layer}")
    drawn = icons(model, layer, wanted, steps=settings.steps, seed=seed, batch_size=settings.batch_size)
    names = {channel: album.add(f"channel_{layer}_{channel}", raster) for channel, raster in drawn.items()}
    say("ablations")
    channels = channels_section(question, arguing, settings, names, album)
    say(f"activation grid of {layer}")
    half = max(1, settings.steps // 2)  # of the steps: its cells are small
    grid = activation_grid(model, pictures, layer, steps=half, seed=seed, batch_size=settings.batch_size)
    return _Inside(channels, dictionary_section(spelled, settings.places, names, album), grid_section(grid, album))
