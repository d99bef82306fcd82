"""What the page of the building blocks shows: the blocks as plain numbers and named pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from cutaway.blocks.spatial_attribution import SpatialAttribution
from cutaway.nets.model import Prediction
from cutaway.report.blocks_page import (
    BlocksData,
    ChannelCard,
    ClassScore,
    GroupCard,
    Influence,
    PlaceWords,
    render_blocks,
)
from cutaway.report.drawing import Raster, group_colour, overlay, png

if TYPE_CHECKING:
    from cutaway.blocks.building_blocks import BuildingBlocks

SHOWN = 4
"""Classes whose share of each group is shown: the target first, then the likeliest others."""


FINEST = 28
"""Most places per side of the source that the page tells apart, which keeps it small."""


class _Album(dict[str, bytes]):
    """Pictures by name, as PNG."""

    def add(self, name: str, raster: Raster | None) -> str:
        """Its name once it is in the album; nothing where there is no picture."""
        if raster is None:
            return ""
        self[name] = png(raster)
        return name


def page_of(blocks: BuildingBlocks) -> str:
    """The page as HTML text."""
    album = _Album()
    groups, target = blocks.groups, blocks.target
    shown = [target, *(each for each in blocks.predictions if each.index != target.index)][:SHOWN]
    classes = [each.index for each in shown]
    linear, measured = (each[0][:, classes] for each in (groups.contributions, groups.measured))
    icons = {c: album.add(f"channel {c}", raster) for c, raster in blocks.dictionary.icons.items()}
    data = BlocksData(
        model=blocks.name,
        note=" ".join(dict.fromkeys(note for note in (blocks.note, blocks.places.note, groups.note) if note)),
        source=blocks.source,
        picture=album.add("picture", blocks.picture),
        layer=groups.layer,
        grid=blocks.dictionary.grid,
        scores=tuple(map(_score, blocks.predictions)),
        target=_score(target),
        versus=None if blocks.versus is None else _score(blocks.versus),
        words=tuple(
            PlaceWords(
                row=entry.row,
                column=entry.column,
                strength=entry.strength,
                channels=entry.channels,
                values=tuple(round(value, 4) for value in entry.values),
                icons=tuple(icons.get(channel, "") for channel in entry.channels),
            )
            for entry in blocks.dictionary.entries
        ),
        seen=album.add("activation grid", blocks.grid.draw()),
        influence=_influence(blocks.places),
        attribution=album.add("attribution", overlay(blocks.picture, blocks.places.values.numpy(), signed=True)),
        arguing_for=_cards(blocks, album, blocks.channels.strongest(4)[0]),
        arguing_against=_cards(blocks, album, blocks.channels.strongest(4)[1]),
        regions=album.add("regions", groups.regions()),
        groups=tuple(
            GroupCard(
                group=group,
                colour="#{:02x}{:02x}{:02x}".format(*group_colour(group)),
                icon=album.add(f"group {group}", groups.icons.get(group)),
                present=album.add(f"group {group} present", groups.present(group)),
                linear=tuple(linear[group].tolist()),
                measured=tuple(measured[group].tolist()),
                channels=tuple(groups.channels(group)),
            )
            for group in range(len(groups.directions))
        ),
        shown_classes=tuple(map(_score, shown)),
        rest=tuple(groups.rest[0, classes].tolist()),
        linear=tuple(groups.linear[0, classes].tolist()),
        error=groups.error,
        stability=groups.stability,
        rank_correlation=_rank_correlation(linear, measured),
        atlas=album.add("atlas", None if blocks.atlas is None else blocks.atlas.draw(80)),
        atlas_pictures=blocks.atlas_pictures,
        settings=dict(blocks.settings),
    )
    return render_blocks(data, album)


def _score(prediction: Prediction) -> ClassScore:
    return ClassScore(prediction.index, prediction.label, prediction.probability, prediction.logit)


def _cards(blocks: BuildingBlocks, album: _Album, channels: list[int]) -> tuple[ChannelCard, ...]:
    return tuple(
        ChannelCard(
            channel=channel,
            value=float(blocks.channels.values[channel]),
            icon=album.add(f"channel {channel}", blocks.channels.icons.get(channel)),
            fired=album.add(f"channel {channel} fired", blocks.channels.fired(channel)),
        )
        for channel in channels
    )


def _influence(found: SpatialAttribution) -> Influence:
    """The maps in hundredths of the strongest place; what stands behind each place in hundredths of its own strongest,
    so that a weak place can be read too."""
    coarse = torch.from_numpy(found.coarse)
    through = found.through if found.through is not None else coarse[..., None, None]
    behind = [min(side, FINEST) for side in through.shape[2:]]
    through = F.adaptive_avg_pool2d(through, (behind[0], behind[1]))
    flat = through.reshape(coarse.numel(), -1)
    return Influence(
        layer=found.layer,
        source=found.source or found.layer,
        grid=(coarse.shape[0], coarse.shape[1]),
        behind=(through.shape[2], through.shape[3]),
        values=_hundredths(coarse.flatten()),
        through=tuple(_hundredths(row) for row in flat),
    )


def _hundredths(values: Float[Tensor, " n"]) -> tuple[int, ...]:
    most = float(values.abs().max()) or 1.0
    return tuple((100 * values / most).round().int().tolist())


def _rank_correlation(some: Float[Tensor, "groups classes"], other: Float[Tensor, "groups classes"]) -> float | None:
    """Spearman's, over all groups and classes; None where one side does not vary."""
    from scipy.stats import rankdata

    first, second = (rankdata(each.numpy()) for each in (some, other))
    if len(first) < 3 or not np.ptp(first) or not np.ptp(second):
        return None
    return float(np.corrcoef(first, second)[0, 1])
