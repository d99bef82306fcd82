"""What clients send, checked before anything else looks at it. No field takes a model spec or a path."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=200)]
Instance = Annotated[int, Field(ge=0, le=10**9)]
ClassIndex = Annotated[int, Field(ge=0, le=10**6)]


class Strict(BaseModel):
    """Unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class SubsetGiven(Strict):
    """A named subset: a condition, numbers of pictures, or a unit, whose strongest 5 % of pictures are meant."""

    name: Name
    where: Annotated[str, Field(max_length=2000)] | None = None
    instances: Annotated[list[Instance], Field(max_length=200_000)] | None = None
    unit: Name | None = None


class MatrixAsked(Strict):
    """Units x subsets of a layer."""

    layer: Name
    subsets: Annotated[list[SubsetGiven], Field(min_length=1, max_length=64)]
    pooled: Literal["max", "mean"] = "max"
    units: Annotated[int, Field(ge=1, le=4096)] = 40


class InstancesAsked(Strict):
    """Units x single pictures of a layer, by activation or by gradient x activation."""

    layer: Name
    instances: Annotated[list[Instance], Field(min_length=1, max_length=64)]
    show: Literal["activation", "gradient"] = "activation"
    units: Annotated[int, Field(ge=1, le=4096)] = 40


class Condition(Strict):
    """A SQL condition over the instances table."""

    where: Annotated[str, Field(max_length=2000)]


class Lasso(Strict):
    """A polygon on a projection."""

    layer: Name
    method: Literal["pca", "tsne"] = "pca"
    corners: Annotated[
        list[tuple[Annotated[float, Field(ge=-10, le=10)], Annotated[float, Field(ge=-10, le=10)]]],
        Field(min_length=3, max_length=4000),
    ]


class UnitsAsked(Strict):
    """Visualizations of some units of a layer."""

    kind: Literal["units"]
    model: Name
    layer: Name
    channels: Annotated[list[Annotated[int, Field(ge=0, le=10**6)]], Field(min_length=1, max_length=64)]


class ExplanationAsked(Strict):
    """A whole explanation of a picture, as one HTML file."""

    kind: Literal["explain"]
    model: Name
    picture: Name
    target: ClassIndex | None = None
    versus: ClassIndex | None = None


class ProjectionAsked(Strict):
    """A map that takes a while."""

    kind: Literal["tsne"]
    store: Name
    layer: Name


class GroupsAsked(Strict):
    """Groups of neurons that fire together over some pictures of a store."""

    kind: Literal["groups"]
    store: Name
    layer: Name
    groups: Annotated[int, Field(ge=2, le=12)] = 6


class PictureGroupsAsked(Strict):
    """Groups of neurons that fire at the same places of one picture."""

    kind: Literal["picture-groups"]
    model: Name
    picture: Name
    layer: Name
    target: ClassIndex | None = None
    groups: Annotated[int, Field(ge=2, le=8)] = 4


class NamesAsked(Strict):
    """Names for the units of a layer, from the captions of a store's pictures."""

    kind: Literal["names"]
    store: Name
    layer: Name


JobAsked = Annotated[
    UnitsAsked | ExplanationAsked | ProjectionAsked | GroupsAsked | PictureGroupsAsked | NamesAsked,
    Field(discriminator="kind"),
]
