"""The plain data of an explanation: every number and the name of every picture. The page is drawn from this alone."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
    """Plain data that does not change once made, with no field that the schema does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ModelFacts(Record):
    """The network that was explained; `note` is what a reader should know first (say, that its weights are random)."""

    name: str
    spec: str
    note: str
    input: tuple[int, int, int] = Field(description="(channels, height, width) that it takes")
    parameters: int
    classes: int
    weights_hash: str


class PictureFacts(Record):
    """The picture that was explained."""

    source: str = Field(description="file name, without its folders")
    sha256: str = Field(description="of the prepared picture's 8-bit pixels")
    size: tuple[int, int] = Field(description="(height, width) of the original")
    image: str = Field(description="name of the PNG as the network sees it")


class Score(Record):
    """One class that the picture may be."""

    index: int
    label: str
    probability: float
    logit: float


class Sanity(Record):
    """Does the map depend on what the network learned? Rank correlation of its absolute values with those of the map
    that the same method gives for the network with randomised weights (Adebayo et al. 2018); near 0 is good."""

    correlation: float
    threshold: float
    passed: bool


class Map(Record):
    """One attribution map: where in the picture the evidence lies."""

    method: str
    title: str
    says: str = Field(description="what the picture means, in one or two sentences")
    trust: str = Field(description="how far to trust it, in one sentence, from the figures below")
    signed: bool = Field(description="whether negative values (evidence against) are shown")
    question: str = Field(description='the score that was attributed, say "cat" or "cat rather than dog"')
    layer: str | None
    overlay: str = Field(description="PNG: the map over the grey picture, at the size of `PictureFacts.image`")
    heat: str = Field(description="PNG: the map alone, same size, in the colours of `report.palette` (white = none)")
    completeness_gap: float | None = Field(description="sum of the map minus the difference of scores, in logits")
    relative_gap: float | None = Field(description="the gap as a share of the difference of scores")
    evaluations: int | None = Field(description="gradient evaluations spent")
    sanity: Sanity | None


class Ablation(Record):
    """What the network answers when one channel is set to zero: measured, not estimated."""

    target_logit: float
    target_probability: float
    margin: float = Field(description="target logit minus versus logit, without the channel")
    change: float = Field(description="margin without the channel minus margin with it; negative = it argued for")
    prediction: Score


class Channel(Record):
    """One channel of the layer and its part in the decision."""

    unit: str
    attribution: float = Field(description="its share of the margin, estimated: sum of gradient x activation")
    mean_activation: float
    max_activation: float
    peak: tuple[int, int] = Field(description="(row, column) of the strongest place on the layer's grid")
    visualization: str = Field(description="PNG: what excites it most")
    fired: str = Field(description="PNG: where in the picture it fired, at the size of `PictureFacts.image`")
    ablation: Ablation


class Channels(Record):
    """The channels of one layer that argued most for the target and most against it."""

    layer: str
    total: int = Field(description="channels in the layer")
    grid: tuple[int, int]
    arguing_for: list[Channel]
    arguing_against: list[Channel]
    rank_correlation: float | None = Field(description="of estimates with measured ablations, over the channels shown")


class Cell(Record):
    """One place of the layer's grid and the channels that fire there most."""

    row: int
    column: int
    strength: float = Field(description="norm of the activation vector there, as a share of the strongest place's")
    units: list[str]
    values: list[float]
    icons: list[str | None] = Field(description="PNG of each unit's visualization; None where it was not made")
    place: str | None = Field(
        default=None, description="PNG: the picture with this place framed, at the size of `PictureFacts.image`"
    )


class Dictionary(Record):
    """The semantic dictionary: places of the picture, spelled in the layer's own channels."""

    layer: str
    grid: tuple[int, int] = Field(description="(rows, columns) of the layer")
    cells: list[Cell] = Field(description="places to point at: every place of the grid, or a choice")


class Grid(Record):
    """The activation grid: for each place, a picture of what the network saw there; cells are sized by activation."""

    layer: str
    rows: int = Field(description="of the drawing; where the layer's grid is finer, neighbouring places are averaged")
    columns: int
    image: str = Field(description="PNG of the whole grid, on white")


class Provenance(Record):
    """Enough to make the same explanation again."""

    cutaway: str
    torch: str
    python: str
    device: str
    seed: int
    settings: dict[str, str | int | float | bool | None]
    command: str


class UnitName(Record):
    """What a unit is called, and how well that fits: the correlation of the phrase's sightings with its activation."""

    text: str
    score: float


class ExplanationData(Record):
    """One picture, one network, one decision: all that `cutaway explain` found."""

    schema_: Literal["cutaway.explanation/1"] = Field(default="cutaway.explanation/1", alias="schema")
    model: ModelFacts
    picture: PictureFacts
    predictions: list[Score]
    target: Score
    versus: Score | None = Field(description="the class that it is compared with; None where there is only one score")
    margin: float = Field(description="target logit minus versus logit")
    maps: list[Map]
    channels: Channels | None = Field(description="None where the network has no layer with channels over places")
    dictionary: Dictionary | None
    grid: Grid | None
    names: dict[str, UnitName] = Field(
        default_factory=dict, description="what the units shown are called, where names were given and fit"
    )
    notes: list[str] = Field(description="what is missing or doubtful in this explanation, and why")
    provenance: Provenance
