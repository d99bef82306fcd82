"""The judge: how pictures do under an objective, as a network sees them through their transforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from cutaway.core.devices import autocast
from cutaway.core.errors import ForwardError
from cutaway.core.types import Pictures
from cutaway.featurevis.reader import Reader, reader
from cutaway.featurevis.relations import Scores
from cutaway.featurevis.settings import Settings
from cutaway.featurevis.terms import Held, Term
from cutaway.featurevis.transforms import DRAWS, Transform
from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess
from cutaway.trace import Trace, trace

Look = Callable[[Tensor, str], Trace]
"""(pictures, precision) -> what the network sees in them."""


@dataclass(frozen=True)
class Judge:
    """Reads objectives from pictures; all that it takes to do so.

    read: the objectives. near: how far pictures are from those that they have to stay near, if they have to. given: the
    pictures that each of their groups compares with, at the size of ours.
    """

    read: Reader
    near: Reader | None
    given: tuple[Tensor, ...]
    look: Look
    moves: Sequence[Transform]

    def __call__(
        self, pictures: Pictures, draws: Float[Tensor, "batch moves draws"] | None, precision: str
    ) -> tuple[Scores, Scores | None]:
        """Scores, and nearness (0 or less), with each picture moved by its draws or not at all."""
        seen = self.look(self._moved(pictures, draws), precision)
        groups = [*self.read.comparing, *(self.near.comparing if self.near else ())]
        with torch.no_grad():
            wanted = [
                self.look(self._moved(given, None if draws is None else draws[group.pictures]), precision)
                for group, given in zip(groups, self.given, strict=True)
            ]
        own = len(self.read.comparing)
        return self.read(seen, wanted[:own]), self.near(seen, wanted[own:]) if self.near else None

    def _moved(self, pictures: Tensor, draws: Tensor | None) -> Tensor:
        if draws is not None:
            for move, drawn in zip(self.moves, draws.unbind(dim=1), strict=True):
                pictures = move(pictures, drawn)
        return pictures


def judge(model: Model, objectives: Sequence[tuple[Term, ...]], given: Settings, stay: Sequence[Held]) -> Judge:
    """The judge of these objectives. stay: which picture each is to stay near, if it is."""
    read = reader(model, objectives)
    near = None
    if given.near:
        near = reader(model, [(Term("inversion", given.near[0], picture=held),) for held in stay])
    groups = [*read.comparing, *(near.comparing if near else ())]
    return Judge(
        read=read,
        near=near,
        given=tuple(fitted(model, group.given, given.size) for group in groups),
        look=_look(model, [read, *([near] if near else [])], given),
        moves=given.moves(),
    )


def fitted(model: Model, pictures: Sequence[Held], size: int) -> Pictures:
    """Given pictures, resized by their short side and cropped at the centre, in the network's colours."""
    fit = Preprocess(size, model.preprocess.mean, model.preprocess.std).fit
    return torch.stack([fit(held.picture) for held in pictures]).to(model.device)


def _look(model: Model, readers: Sequence[Reader], given: Settings) -> Look:
    """How the network looks at pictures: as they are, or resized to its own size where it refuses theirs, or that of
    the window through which they are seen while they move."""
    own = model.preprocess.shape[1:]
    layers = list(dict.fromkeys(layer for read in readers for layer in read.layers))
    logits = any(read.logits for read in readers)

    def look(pictures: Tensor, precision: str) -> Trace:
        with autocast(model.device, precision):
            return trace(model, pictures.contiguous(memory_format=torch.channels_last), layers, logits=logits)

    def look_resized(pictures: Tensor, precision: str) -> Trace:
        if pictures.shape[2:] != own:
            pictures = F.interpolate(pictures, own, mode="bilinear", antialias=True, align_corners=False)
        return look(pictures, precision)

    whole = torch.full((1, len(model.preprocess.mean), given.size, given.size), 0.5, device=model.device)
    seen = whole
    for move in given.moves():
        seen = move(seen, torch.full((1, DRAWS), 0.5, device=model.device))
    strange = [pictures for pictures in (whole, seen) if pictures.shape[2:] != own]
    try:
        with torch.no_grad():
            for pictures in strange:
                look(pictures, "float32")
    except ForwardError:
        return look_resized
    return look if all(read.any_size for read in readers) or not strange else look_resized
