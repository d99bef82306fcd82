"""The reader: the objectives of a batch of pictures, checked against a model and read from its traces."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.core.errors import OptionError
from cutaway.featurevis.readings import READINGS
from cutaway.featurevis.relations import Scores
from cutaway.featurevis.terms import ANCHORED, JOINT, Held, Term, TraceFunction
from cutaway.nets.layers import find_layer
from cutaway.nets.model import Model
from cutaway.trace import Layout, Trace, layout, trace


@dataclass(frozen=True)
class Group:
    """Terms of one kind and layer, read together. pictures: which picture each belongs to. rows: what the reading
    wants of each. everyone: whether they are one for each picture of the batch, in order. given: the pictures that
    they compare with, if they do."""

    kind: str
    layer: str
    layout: Layout | None
    pictures: Int[Tensor, " terms"]
    rows: Tensor
    weights: Float[Tensor, " terms"]
    everyone: bool
    given: tuple[Held, ...] = ()

    def add(self, scores: Scores, seen: Trace, wanted: Trace | None) -> Scores:
        """The scores with these terms added. wanted: how the network sees the given pictures."""
        laid = self._laid(seen)
        rows = self.rows if wanted is None else self._laid(wanted)
        found = READINGS[self.kind].read(laid if self.everyone else laid[self.pictures], rows)
        return scores.index_add(0, self.pictures, self.weights * found)

    def _laid(self, seen: Trace) -> Tensor:
        """The logits, or the layer on its grid: before that, its rows may not be pictures."""
        output = seen[self.layer] if self.layout else seen.logits
        assert output is not None
        return _on_grid(self.layout, output) if self.layout else output


@dataclass(frozen=True)
class Reader:
    """The objectives of some pictures. layers, logits: what a trace has to hold for them to be read. functions: of the
    user's own, with weights, for the one picture that there is."""

    count: int
    layers: tuple[str, ...]
    logits: bool
    groups: tuple[Group, ...]
    functions: tuple[tuple[float, TraceFunction], ...]

    @property
    def any_size(self) -> bool:
        """Whether what is read can be laid out at every size of picture, not just at the network's own."""
        return all(group.layout is None or group.layout.order is None for group in self.groups)

    @property
    def joint(self) -> bool:
        """Whether pictures are compared with each other."""
        return any(group.kind in JOINT for group in self.groups)

    @property
    def comparing(self) -> tuple[Group, ...]:
        """The groups that compare with given pictures."""
        return tuple(group for group in self.groups if group.given)

    def __call__(self, seen: Trace, wanted: Sequence[Trace] = ()) -> Scores:
        """Each picture's score in a trace of all of them. wanted: for each of the comparing groups, a trace of its
        given pictures, moved as theirs are."""
        ahead = iter(wanted)
        device = next(tensor for tensor in (*seen.values(), seen.logits) if tensor is not None).device
        scores = torch.zeros(self.count, device=device)
        for group in self.groups:
            scores = group.add(scores, seen, next(ahead) if group.given else None)
        for weight, function in self.functions:
            scores = scores + weight * _one_number(function(seen)).to(device)
        return scores


def reader(model: Model, objectives: Sequence[tuple[Term, ...]]) -> Reader:
    """The reader of these pictures' objectives.

    A function of a trace may read it as it likes, so it is asked about one picture at a time. A LayerError, TargetError
    or OptionError where an objective does not fit the model.
    """
    groups: dict[tuple[str, str], list[tuple[int, Term]]] = {}
    for picture, terms in enumerate(objectives):
        for term in terms:
            groups.setdefault((term.kind, term.layer), []).append((picture, term))
    if ("function", "") in groups and any(kind in JOINT for kind, _ in groups):
        raise OptionError(
            "an objective compares its pictures with each other and asks a function of a trace, which sees one picture "
            "at a time; expected one or the other; try diversity or alignment without the function"
        )
    functions = [(term.weight, term.function) for _, term in groups.pop(("function", ""), []) if term.function]
    built = tuple(_group(model, kind, layer, terms, len(objectives)) for (kind, layer), terms in groups.items())
    called = {function: _reads(model, function) for _, function in functions}
    layers = dict.fromkeys([group.layer for group in built if group.layout])
    layers |= dict.fromkeys(layer for reads, _ in called.values() for layer in reads)
    return Reader(
        count=len(objectives),
        layers=tuple(layers),
        logits=any(not group.layout for group in built) or any(logits for _, logits in called.values()),
        groups=built,
        functions=tuple(functions),
    )


def _group(model: Model, kind: str, layer: str, terms: Sequence[tuple[int, Term]], count: int) -> Group:
    terms = _merged(terms) if kind in JOINT else terms
    pictures = torch.tensor([picture for picture, _ in terms], device=model.device)
    return Group(
        kind=kind,
        layer=layer,
        layout=layout(model, layer) if layer else None,
        pictures=pictures,
        rows=READINGS[kind].rows(model, [term for _, term in terms]).to(model.device),
        weights=torch.tensor([term.weight for _, term in terms], dtype=torch.float32, device=model.device),
        everyone=pictures.tolist() == list(range(count)),
        given=tuple(term.picture for _, term in terms if term.picture) if kind in ANCHORED else (),
    )


def _merged(terms: Sequence[tuple[int, Term]]) -> list[tuple[int, Term]]:
    """One term for each picture, weighing what all its terms do: a picture is not compared with itself."""
    merged: dict[int, Term] = {}
    for picture, term in terms:
        before = merged.get(picture)
        merged[picture] = replace(term, weight=term.weight + before.weight) if before else term
    return list(merged.items())


def _on_grid(axes: Layout, output: Tensor) -> Float[Tensor, "pictures channels height width"]:
    """The output on its grid, which another size of picture makes larger or smaller than the layout's own."""
    if axes.axes == "tokens channels" and axes.order is None:
        places = output.shape[1] - axes.prefix
        rows = math.isqrt(places * axes.grid[0] // axes.grid[1])
        axes = replace(axes, grid=(rows, places // rows))
    return axes.to_grid(output)


def _one_number(answer: object) -> Float[Tensor, " one"]:
    if not isinstance(answer, Tensor) or answer.numel() != 1:
        got = f"a tensor of shape {tuple(answer.shape)}" if isinstance(answer, Tensor) else f"a {type(answer).__name__}"
        raise OptionError(f"the objective's function answered {got}; expected a tensor of one number; try .mean()")
    return answer.reshape(1).float()


class _Watched(Mapping[str, Tensor]):
    """Stands in for a trace of everything, and notes what is read from it."""

    def __init__(self, model: Model, seen: Trace) -> None:
        self._model, self._seen = model, seen
        self.layers: dict[str, None] = {}
        self.asked_logits = False

    def __getitem__(self, layer: str) -> Tensor:
        find_layer(layer, self._model.layers(), self._model.name)  # the error for an unknown one
        self.layers[layer] = None
        return self._seen[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def logits(self) -> Tensor | None:
        self.asked_logits = True
        return self._seen.logits


def _reads(model: Model, function: TraceFunction) -> tuple[tuple[str, ...], bool]:
    """Which layers a function of a trace reads, and whether the logits: tried once on a grey picture."""
    names = [name for info in model.layers() for name in info.names]
    grey = torch.full((1, *model.preprocess.shape), 0.5, device=model.device)
    with torch.no_grad():
        watched = _Watched(model, trace(model, grey, names))
        _one_number(function(cast(Trace, watched)))
    return tuple(watched.layers), watched.asked_logits
