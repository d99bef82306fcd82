"""The section on places that counted: attribution maps over the picture, and how far to trust each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from cutaway.attribution import METHODS, Attribution
from cutaway.blocks.places import LEAST
from cutaway.core.errors import CutawayError
from cutaway.core.types import Pictures
from cutaway.explain.album import Album
from cutaway.explain.question import Question
from cutaway.explain.recipes import Recipe, recipes
from cutaway.explain.sanity import SanityCheck
from cutaway.explain.settings import Settings
from cutaway.report.drawing import enlarge, heat, overlay
from cutaway.report.schema import Map, Sanity
from cutaway.whitebox import weighs

PATCHES = 56
"""Patches per side that the overlay of a map of pixels is averaged over."""


def maps_section(question: Question, settings: Settings, album: Album, notes: list[str]) -> Iterator[Map]:
    """Every map that this network and question allow, each with its own check; for one that fails, a note says why."""
    check = SanityCheck(question.model, settings.seed)
    for recipe in recipes(question.versus is not None, settings.layer is not None, weighs(question.model.module)):
        options = _options(question, recipe, settings)
        versus = question.versus if recipe.rather else None
        try:
            found = METHODS[recipe.method](question.model, question.pictures, question.target, versus=versus, **options)
        except CutawayError as error:
            notes.append(f"{recipe.title} could not be drawn: {error}")
            continue
        yield _record(question, recipe, found, check(found, question.pictures, options), album)


def trust(found: Attribution, sanity: Sanity | None) -> str:
    """How far to trust a map, in words, from what was measured on it."""
    said = []
    gap, relative = _first(found.completeness_gap), _first(found.relative_gap)
    if gap is not None:
        share = f" ({100 * relative:.1f} % of the change)" if relative is not None and np.isfinite(relative) else ""
        said.append(f"Its values miss the change of the score that they explain by {abs(gap):.3f} logits{share}.")
    if found.converged is not None and not bool(found.converged[0]):
        said.append("That is more than the tolerance allows: read it with care.")
    if sanity is not None:
        outcome = (
            "as it should: it shows what the network learned"
            if sanity.passed
            else "too little: it shows the picture more than what the network learned"
        )
        said.append(f"With randomised weights the map changes {outcome} (rank correlation {sanity.correlation:.2f}).")
    return " ".join(said) or "It was not checked here."


def as_field(values: Float[Tensor, "*colours height width"], signed: bool) -> Float[np.ndarray, "height width"]:
    """One number per pixel: the sum over the colours, of the values (signed) or of their magnitudes."""
    found = values if signed else values.abs()
    return (found.sum(dim=0) if found.ndim == 3 else found).detach().cpu().double().numpy()


def _options(question: Question, recipe: Recipe, settings: Settings) -> dict[str, Any]:
    options = {**recipe.options, "batch_size": settings.batch_size}
    options |= {"layer": settings.layer} if recipe.looks_inside else {}
    options |= {"seed": settings.seed} if recipe.random else {}
    return options | (_windows(question.pictures) if recipe.covers else {})


def _windows(pictures: Pictures) -> dict[str, tuple[int, int]]:
    """A fifth of the picture is covered at a time, in steps of a seventh: 49 windows, whatever its size."""
    height, width = pictures.shape[2:]
    return {"window": (height // 5, width // 5), "stride": (height // 7, width // 7)}


def _record(question: Question, recipe: Recipe, found: Attribution, sanity: Sanity | None, album: Album) -> Map:
    field = as_field(found.values[0], recipe.signed)
    grain = max(1, min(field.shape) // PATCHES) if recipe.fine else 1
    name = f"{recipe.method}{'_rather' if recipe.rather else ''}"
    relative = _first(found.relative_gap)
    return Map(
        method=recipe.method,
        title=recipe.title,
        says=recipe.says,
        trust=trust(found, sanity),
        signed=recipe.signed,
        question=question.says(recipe.rather),
        layer=found.layer,
        overlay=album.add(name, overlay(question.raster, field, recipe.signed, grain)),
        heat=album.add(f"{name}_heat", enlarge(heat(field, recipe.signed), LEAST)),
        completeness_gap=_first(found.completeness_gap),
        relative_gap=relative if relative is not None and np.isfinite(relative) else None,
        evaluations=None if found.evaluations is None else int(found.evaluations[0]),
        sanity=sanity,
    )


def _first(values: Float[Tensor, " batch"] | None) -> float | None:
    return None if values is None else float(values[0])
