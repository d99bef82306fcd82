"""visualize: pictures of what parts of a network look for, from disk where they were made before."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

import torch
from torch import Tensor, nn

from cutaway.core import cache as disk
from cutaway.core.errors import OptionError
from cutaway.core.types import Unit
from cutaway.featurevis.objectives import Objective, Term, TraceFunction, as_objective
from cutaway.featurevis.optimise import BROKEN, FINE, SILENT, optimise
from cutaway.featurevis.parameterizations import Parameterization
from cutaway.featurevis.reader import reader
from cutaway.featurevis.settings import RegularizerChoice, Settings, TransformChoice, settings
from cutaway.featurevis.visualization import Visualization
from cutaway.nets.model import Model, as_model

METHOD = 1
"""Counts the changes of the method itself, after which what is on disk is no answer any more."""

BATCH = 16
"""Pictures at once where nothing is said: enough to keep two to eight cores busy, and they fit into their caches."""

LARGE = 128
"""Pixels of a side that show all that there is to see, where nothing is said."""

NOTES: Mapping[int, str] = {
    FINE: "",
    SILENT: "no gradient reached this picture, so it is still the noise that it started from: its objective does not "
    "depend on it, or is dead",
    BROKEN: "the network's gradient was not finite, so this is still the noise that the picture started from",
}

Answer = dict[str, Tensor]


def visualize(
    model: Model | nn.Module,
    objective: Objective | TraceFunction | str | Unit,
    *,
    size: int | None = 128,
    steps: int = 128,
    parameterization: str | Parameterization = "fourier",
    transforms: TransformChoice = "standard",
    regularizers: RegularizerChoice = (),
    seed: int = 0,
    precision: str = "auto",
    batch_size: int | None = None,
    cache: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Visualization:
    """Pictures that raise an objective, one for each picture that the objective asks for.

    objective: of `cutaway.featurevis`, or a unit as text, `class:label`, or any function of a trace.
    size: side in pixels, None = the network's own but at most 128. A network that refuses pictures of this size sees
    them resized to its own.
    steps: of gradient ascent; 64 draw a clear picture, 128 a finished one.
    parameterization, transforms, regularizers: names from their tables, or one's own. A regularizer's weight is a
    share of the score: `("variation", 0.5)`.
    precision: "auto" uses bfloat16 where the machine is faster with it; scores are always those of float32.
    batch_size: pictures at once, which bounds memory; a picture does not depend on which others are in its batch.
    cache: pictures that can be described as plain data are kept on disk, each by itself.
    progress: called with (picture steps done, in all).

    A LayerError, TargetError or OptionError says what does not fit. An objective that no gradient reaches gives a
    picture with a note, never NaN. Olah, Mordvintsev and Schubert 2017, "Feature Visualization".
    """
    model = as_model(model)
    wanted = as_objective(objective)
    given = settings(
        model.device,
        size=min(LARGE, *model.preprocess.shape[1:]) if size is None else size,
        steps=steps,
        parameterization=parameterization,
        transforms=transforms,
        regularizers=regularizers,
        seed=seed,
        precision=precision,
    )
    if batch_size is not None and batch_size < 1:
        raise OptionError(f"batch_size is {batch_size}; expected at least 1")
    reader(model, wanted.pictures)  # what does not fit is said before any work
    answers = _answers(model, wanted.pictures, given, batch_size or BATCH, cache, progress or (lambda done, all: None))
    return Visualization(
        pictures=torch.stack([answer["picture"] for answer in answers]),
        scores=torch.stack([answer["score"] for answer in answers]),
        history=torch.stack([answer["history"] for answer in answers]),
        names=wanted.names,
        notes=tuple(NOTES[int(answer["outcome"])] for answer in answers),
    )


def _answers(
    model: Model,
    objectives: Sequence[tuple[Term, ...]],
    given: Settings,
    batch_size: int,
    cache: bool,
    progress: Callable[[int, int], None],
) -> list[Answer]:
    """One answer for each objective: those that are on disk, and the others made in batches."""
    questions = _questions(model, objectives, given) if cache else [None] * len(objectives)
    found = {i: kept for i, q in enumerate(questions) if q and (kept := disk.recall("visualizations", q))}
    missing = [index for index in range(len(objectives)) if index not in found]
    done, total = 0, given.steps * len(missing)
    if any(term.function for terms in objectives for term in terms):
        batch_size = 1  # a function reads its trace as it likes

    for start in range(0, len(missing), batch_size):
        chosen = missing[start : start + batch_size]

        def step(count: int, chosen: Sequence[int] = chosen) -> None:
            nonlocal done
            done += count * len(chosen)
            progress(done, total)

        salts = [_salt(objectives[index], index) for index in chosen]
        made = optimise(model, [objectives[index] for index in chosen], given, salts, step)
        columns = (made.pictures, made.scores, made.history, made.outcomes)
        for index, *row in zip(chosen, *columns, strict=True):
            found[index] = dict(zip(("picture", "score", "history", "outcome"), row, strict=True))
            if question := questions[index]:
                disk.keep("visualizations", question, found[index])
    return [found[index] for index in range(len(objectives))]


def _questions(model: Model, objectives: Sequence[tuple[Term, ...]], given: Settings) -> list[dict[str, object] | None]:
    """What each picture depends on, as plain data; None where a function takes part."""
    plain = given.plain()
    if plain is None:
        return [None] * len(objectives)
    shared = {
        "cutaway": version("cutaway"),
        "method": METHOD,
        "weights": model.weights_hash(),
        "network": repr(model.module),
        "preprocess": repr(model.preprocess),
        "device": model.device.type,
        **plain,
    }
    terms = [[term.plain() for term in each] for each in objectives]
    return [None if None in each else {**shared, "objective": each} for each in terms]


def _salt(objective: Sequence[Term], index: int) -> str:
    """Tells the randomness of one picture from that of others, whichever batch it is in."""
    terms = [term.plain() for term in objective]
    return json.dumps(terms) if None not in terms else f"function {index}"
