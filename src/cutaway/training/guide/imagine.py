"""Ignore a cue that a class is never seen without: its pictures are imagined without it, and the read-out learns.

Where a background goes with a class in every picture, no direction tells the two apart. Other classes show what the
cue's absence does to the channels; that is done, more than once over, to the class's own pictures, and the read-out is
moved as little as may be so that it still knows the class, while real pictures keep their answers. After the feature
augmentation of Chu et al. 2020 and the counterfactual one of Chang et al. 2021, with sentences in place of masks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int

from cutaway.training.guide.filters import Features
from cutaway.training.guide.forbid import Logits
from cutaway.training.guide.guided import Term
from cutaway.training.guide.sentence import GuideError, Heard

ALWAYS = 0.5  # share of a class's captions from which the cue goes with it; for captions do not tell all
COMMON = 0.25  # share of a class's captions up to which it may teach what the cue's absence does
TEACHERS = 10  # classes, nearest first, that teach it
FEWEST = 3  # pictures of a teacher with the cue
REACH = 3.0  # times what the cue's absence does to others; the read-out then holds further out than it has to
IMAGINED = 600  # pictures for each class and cue
WEIGHT = 6.0  # of the imagined pictures of a class, times its real ones
DECAY = 1e-4
STEPS = 60


def imagine(
    layers: tuple[str, ...], features: Features, logits: Logits, cues: Sequence[Heard], seed: int = 0
) -> Term | None:
    """The term that lets classes do without the cues that go with them; None where no class goes with any.

    `features` are the layers' channel means on captioned pictures, `logits` what the network said there. Raises
    GuideError where no other class shows the cue and its absence.
    """
    answers, draw = logits.argmax(axis=1), np.random.default_rng((seed, 29))
    rows, classes, weights = [features], [answers], [np.ones(len(features))]
    for cue in cues:
        for target in went_with(cue, answers):
            made = imagined(features, cue, answers, target, draw)
            rows.append(made)
            classes.append(np.full(len(made), target))
            weights.append(np.full(len(made), WEIGHT * (answers == target).sum() / len(made)))
    if len(rows) == 1:
        return None
    change = moved(np.concatenate(rows), np.concatenate(classes), np.concatenate(weights), head(features, logits))
    said = "; ".join(cue.sentence for cue in cues)
    return Term(layers, change[:-1], change[-1], False, torch.eye(logits.shape[1]), f"ignore: {said}")


def went_with(cue: Heard, answers: Int[np.ndarray, " pictures"]) -> list[int]:
    """The classes whose captions mostly say the cue."""
    return [int(k) for k in np.unique(answers) if cue.says[answers == k].mean() >= ALWAYS]


def imagined(
    features: Features, cue: Heard, answers: Int[np.ndarray, " pictures"], target: int, draw: np.random.Generator
) -> Float[np.ndarray, "imagined channels"]:
    """Pictures of the class as they might be without the cue."""
    own = features[(answers == target) & cue.says]
    scale = features.std(axis=0) + 1e-6
    teachers: dict[int, Features] = {}
    for other in np.unique(answers):
        here = answers == other
        shown = here & cue.says
        if other != target and shown.sum() >= FEWEST and shown.sum() <= COMMON * here.sum():
            teachers[int(other)] = features[shown].mean(axis=0)
    far = {k: float((((features[answers == k].mean(axis=0) - own.mean(axis=0)) / scale) ** 2).sum()) for k in teachers}
    nearest = sorted(teachers, key=far.__getitem__)[:TEACHERS]
    usable: Bool[np.ndarray, " pictures"] = ~cue.says & np.isin(answers, nearest)
    if not usable.any():
        raise GuideError(
            f'"{cue.sentence}" is said of one class alone; expected captions of other classes with it and without; '
            "try captions of more pictures"
        )
    chosen = draw.choice(np.flatnonzero(usable), IMAGINED)
    change = features[chosen] - np.stack([teachers[int(answers[i])] for i in chosen])
    found: np.ndarray = own[draw.integers(len(own), size=IMAGINED)] + REACH * change
    return found


def head(features: Features, logits: Logits) -> Float[np.ndarray, "weights classes"]:
    """The linear read-out nearest to the scores, its bias in the last row."""
    found: np.ndarray = np.linalg.lstsq(np.c_[features, np.ones(len(features))], logits, rcond=None)[0]
    return found


def moved(
    features: Features,
    classes: Int[np.ndarray, " pictures"],
    weights: Float[np.ndarray, " pictures"],
    read_out: Float[np.ndarray, "weights classes"],
) -> Float[torch.Tensor, "weights classes"]:
    """The smallest change of the read-out, bias last, that gives every picture its class."""
    scale = features.std(axis=0) + 1e-6
    scores = torch.from_numpy(features @ read_out[:-1] + read_out[-1]).float()
    inputs, wanted = torch.from_numpy(features / scale).float(), torch.from_numpy(classes)
    shares = torch.from_numpy(weights / weights.sum()).float()
    change = torch.zeros(read_out.shape, requires_grad=True)
    optimiser = torch.optim.LBFGS([change], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        after = scores + inputs @ change[:-1] + change[-1]
        whole = (shares * F.cross_entropy(after, wanted, reduction="none")).sum() + DECAY * change.square().sum()
        whole.backward()
        return whole

    with torch.enable_grad():
        optimiser.step(loss)
    found = change.detach()
    return torch.cat([found[:-1] / torch.from_numpy(scale).float()[:, None], found[-1:]])
