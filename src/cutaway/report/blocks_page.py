"""The building blocks of one picture -> one self-contained page that works offline and reads without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from markupsafe import Markup

from cutaway.core.errors import DataError
from cutaway.report._words import number, percent, signed
from cutaway.report.selfcontained import asset, data_uri, digest, embedded, template


@dataclass(frozen=True)
class ClassScore:
    """One class with its probability and logit."""

    index: int
    label: str
    probability: float
    logit: float


@dataclass(frozen=True)
class PlaceWords:
    """One place and the channels that fire there most; `icons` names their pictures ("" = not drawn)."""

    row: int
    column: int
    strength: float
    channels: tuple[int, ...]
    values: tuple[float, ...]
    icons: tuple[str, ...]


@dataclass(frozen=True)
class Influence:
    """Whole-number maps in -100 .. 100: the layer's places, and behind each of them the source's places, row by row."""

    layer: str
    source: str
    grid: tuple[int, int]
    behind: tuple[int, int]
    values: tuple[int, ...]
    through: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ChannelCard:
    """One channel: what excites it, where it fired, what it argued, in logits."""

    channel: int
    value: float
    icon: str
    fired: str


@dataclass(frozen=True)
class GroupCard:
    """One neuron group. `linear` and `measured`: its say in each shown class, in logits; channels: its heaviest."""

    group: int
    colour: str
    icon: str
    present: str
    linear: tuple[float, ...]
    measured: tuple[float, ...]
    channels: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class BlocksData:
    """Everything that the page shows; pictures by name. Numbers are logits unless they are shares."""

    model: str
    note: str
    source: str
    picture: str
    layer: str
    grid: tuple[int, int]
    scores: tuple[ClassScore, ...]
    target: ClassScore
    versus: ClassScore | None
    words: tuple[PlaceWords, ...]
    seen: str
    influence: Influence
    attribution: str
    arguing_for: tuple[ChannelCard, ...]
    arguing_against: tuple[ChannelCard, ...]
    regions: str
    groups: tuple[GroupCard, ...]
    shown_classes: tuple[ClassScore, ...]
    rest: tuple[float, ...]
    linear: tuple[float, ...]
    error: float
    stability: float
    rank_correlation: float | None
    atlas: str = ""
    atlas_pictures: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)


def render_blocks(data: BlocksData, pictures: Mapping[str, bytes]) -> str:
    """The page: HTML text that holds styles, script, pictures (PNG bytes by name) and the numbers as JSON.

    Its content security policy forbids any request and any script but its own. A DataError names a missing picture.
    """
    script = asset("blocks.js")
    plain = {"words": [asdict(each) for each in data.words], "influence": asdict(data.influence), "grid": data.grid}

    def uri(name: str) -> Markup:
        if name not in pictures:
            raise DataError(f'the page names the picture "{name}", which is not among the {len(pictures)} given')
        return data_uri(pictures[name])

    most = [abs(value) for card in data.groups for value in (*card.linear, *card.measured)]
    argued = [abs(card.value) for card in (*data.arguing_for, *data.arguing_against)]
    return template("blocks.html.j2", {"number": number, "percent": percent, "signed": signed}).render(
        data=data,
        uri=uri,
        icons=sorted({icon for each in data.words for icon in each.icons if icon}),
        json=embedded(json.dumps(plain)),
        styles=asset("blocks.css"),
        script=script,
        script_hash=digest(script),
        most=max(most, default=0.0) or 1.0,
        argued=max(argued, default=0.0) or 1.0,
        strongest=max(data.words, key=lambda each: each.strength, default=None),
    )
