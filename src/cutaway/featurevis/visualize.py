"""visualize: pictures of what parts of a network look for, from disk where they were made before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from cutaway.core import cache as disk
from cutaway.core.errors import OptionError, choose
from cutaway.core.types import Unit
from cutaway.data.pictures import Source, pictures_from
from cutaway.featurevis.judge import judge
from cutaway.featurevis.objectives import Objective, as_objective
from cutaway.featurevis.octaves import grow
from cutaway.featurevis.optimise import BROKEN, DEAD, FINE, GREY, SILENT
from cutaway.featurevis.parameterizations import Parameterization
from cutaway.featurevis.presets import PRESETS, Preset
from cutaway.featurevis.questions import questions, salt
from cutaway.featurevis.settings import RegularizerChoice, Settings, TransformChoice, settings
from cutaway.featurevis.terms import Held, Term, TraceFunction
from cutaway.featurevis.visualization import Visualization
from cutaway.nets.model import Model, as_model

BATCH = 16
"""Pictures at once where nothing is said: enough to keep two to eight cores busy, and they fit into their caches."""

LARGE = 128
"""Pixels of a side that show all that there is to see, where nothing is said."""

NOTES: Mapping[int, str] = {
    FINE: "",
    SILENT: "no gradient reached this picture, so it is still what it started from: its objective does not depend on "
    "it, or is dead",
    BROKEN: "the network's gradient was not finite, so this is still what the picture started from",
    DEAD: "the score of this picture was 0 in every step: what it is to excite seems to be dead",
    GREY: "the regularizers removed all that was in this picture, so it is plain grey; try smaller weights",
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
    preset: str | None = None,
    rate: int | float = 1.0,
    octaves: int = 1,
    tolerance: int | float = 0.0,
    start: Source | Sequence[Source] | None = None,
    near: str | tuple[str, int | float] | None = None,
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
    parameterization, transforms, regularizers: names from their tables, or one's own. A charge's weight is a share of
    the score: `("variation", 0.5)`; what the weight of an edit means is said in `REGULARIZERS`.
    preset: the name of settings that work together, from `PRESETS`, in place of those three and `rate`.
    rate: step of the optimiser, as a multiple of what suits the parameterization.
    octaves: sizes at which the picture is made, each twice as large as the one before; they share the steps.
    tolerance: a picture is finished early once 16 steps raise its score by less than this share of it.
    start: the picture to start from, or one for each; else noise. near: a layer to which the picture stays near its
    start, or (layer, weight): the charge, a share of the score, at a distance as large as the start's own activations.
    precision: "auto" uses bfloat16 where the machine is faster with it; scores are always those of float32.
    batch_size: pictures at once, which bounds memory; a picture does not depend on which others are in its batch.
    cache: pictures that can be described as plain data are kept on disk, each by itself.
    progress: called with (picture steps done, in all).

    A LayerError, TargetError or OptionError says what does not fit. An objective that no gradient reaches gives a
    picture with a note, never NaN. Olah, Mordvintsev and Schubert 2017, "Feature Visualization".
    """
    model = as_model(model)
    wanted = as_objective(objective)
    chosen = Preset(parameterization, transforms, regularizers, rate)
    if preset is not None:
        chosen = PRESETS[choose(preset, PRESETS, "preset")]
    given = settings(
        model.device,
        size=min(LARGE, *model.preprocess.shape[1:]) if size is None else size,
        steps=steps,
        octaves=octaves,
        tolerance=tolerance,
        near=near,
        seed=seed,
        precision=precision,
        parameterization=chosen.parameterization,
        transforms=chosen.transforms,
        regularizers=chosen.regularizers,
        rate=chosen.rate,
    )
    begun = _begun(start, len(wanted), given)
    judge(model, wanted.pictures, given, begun if given.near else ())  # what does not fit is said before any work
    at_once = _at_once(wanted, given, batch_size)
    answers = _answers(model, wanted.pictures, given, begun, at_once, cache, progress or (lambda done, all: None))
    return Visualization(
        pictures=torch.stack([answer["picture"] for answer in answers]),
        scores=torch.stack([answer["score"] for answer in answers]),
        history=torch.stack([answer["history"] for answer in answers]),
        names=wanted.names,
        notes=tuple(NOTES[int(answer["outcome"])] for answer in answers),
    )


def _begun(start: Source | Sequence[Source] | None, count: int, given: Settings) -> list[Held]:
    """What each picture starts from; none where that is noise."""
    if start is None:
        if given.near:
            raise OptionError('near keeps pictures near their start; expected start too; try start="photo.jpg"')
        return []
    if given.form().write is None:
        raise OptionError(
            f'parameterization "{given.parameterization}" cannot start from a picture; '
            'expected one that a picture can be written in; try "fourier"'
        )
    held = [Held.of(picture) for picture in pictures_from(start)]
    if len(held) not in (1, count):
        raise OptionError(f"{len(held)} pictures to start from for {count} to be made; expected one, or as many")
    return held * count if len(held) == 1 else held


def _at_once(wanted: Objective, given: Settings, batch_size: int | None) -> int:
    """How many pictures make one batch."""
    if batch_size is not None and batch_size < 1:
        raise OptionError(f"batch_size is {batch_size}; expected at least 1")
    if wanted.joint or given.form().together:
        if batch_size is not None and batch_size < len(wanted):
            raise OptionError(
                f"batch_size is {batch_size}, but these {len(wanted)} pictures depend on each other; "
                f"expected at least {len(wanted)}, or none"
            )
        return len(wanted)
    if any(term.function for terms in wanted.pictures for term in terms):
        return 1  # a function reads its trace as it likes
    return batch_size or BATCH


def _answers(
    model: Model,
    objectives: Sequence[tuple[Term, ...]],
    given: Settings,
    begun: Sequence[Held],
    at_once: int,
    cache: bool,
    progress: Callable[[int, int], None],
) -> list[Answer]:
    """One answer for each objective: those that are on disk, and the others made in batches."""
    joint = given.form().together or Objective(tuple(objectives)).joint
    salts = [salt(terms, index, joint) for index, terms in enumerate(objectives)]
    asked = questions(model, objectives, given, begun, joint) if cache else [None] * len(objectives)
    found = {i: kept for i, q in enumerate(asked) if q and (kept := disk.recall("visualizations", q))}
    if joint and len(found) < len(objectives):
        found = {}  # they are made together or not at all
    missing = [index for index in range(len(objectives)) if index not in found]
    done, total = 0, given.steps * len(missing)

    def step(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    for start in range(0, len(missing), at_once):
        rows = missing[start : start + at_once]
        made = grow(
            model,
            [objectives[row] for row in rows],
            given,
            [salts[row] for row in rows],
            [begun[row] for row in rows if begun],
            step,
        )
        columns = (made.pictures, made.scores, made.history, made.outcomes)
        for row, *answer in zip(rows, *columns, strict=True):
            found[row] = dict(zip(("picture", "score", "history", "outcome"), answer, strict=True))
            if question := asked[row]:
                disk.keep("visualizations", question, found[row])
    return [found[index] for index in range(len(objectives))]
