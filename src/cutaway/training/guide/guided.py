"""A guided network: the network as it was, and terms that sentences added to its scores. Nothing else is changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from cutaway.core.cache import write_atomically
from cutaway.core.errors import DataError
from cutaway.nets.model import Model
from cutaway.nets.outputs import scores_of
from cutaway.trace import layout
from cutaway.trace.taps import Tap, taps
from cutaway.training.guide.filters import SentenceFilter


@dataclass(frozen=True)
class Term:
    """What is added to the scores: `means @ weight + bias`, from the channel means of one or more layers.

    With `rectified` only what is above zero counts, times `strength`, which is negative for a veto. `says` tells why.
    """

    layers: tuple[str, ...]
    weight: Float[Tensor, "channels outputs"]
    bias: Float[Tensor, " outputs"]
    rectified: bool
    strength: Float[Tensor, "outputs classes"]
    says: str

    def fired(self, means: Float[Tensor, "batch channels"]) -> Float[Tensor, "batch outputs"]:
        """What its filters answer."""
        found = means @ self.weight.to(means) + self.bias.to(means)
        return found.relu() if self.rectified else found

    def __call__(self, means: Float[Tensor, "batch channels"]) -> Float[Tensor, "batch classes"]:
        """The change of the scores."""
        return self.fired(means) @ self.strength.to(means)


class Filters(nn.Module):
    """The filters of a term as a layer of their own, to be traced, named and swept like any other."""

    def __init__(self, term: Term) -> None:
        super().__init__()
        self.term = term

    def forward(self, means: Tensor) -> Tensor:
        """Channel means (batch, channels) to (batch, outputs)."""
        return self.term.fired(means)


class Guided(nn.Module):
    """The network with its terms: its state and layers as before, under `network`, what sentences added, `filters`."""

    def __init__(self, model: Model, terms: Sequence[Term]) -> None:
        super().__init__()
        self.network, self.terms = model.module, tuple(terms)
        self.filters = nn.ModuleList(map(Filters, self.terms))
        self._layouts = {layer: layout(model, layer) for term in terms for layer in term.layers}

    def forward(self, inputs: Tensor) -> Tensor:
        """Scores of normalised pictures."""
        kept: dict[str, Tensor] = {}

        def keep(layer: str) -> Tap:
            def tap(output: Tensor) -> None:
                kept[layer] = self._layouts[layer].to_grid(output).mean(dim=(2, 3))

            return tap

        with taps(self.network, {layer: keep(layer) for layer in self._layouts}):
            scores = scores_of(self.network(inputs), len(inputs))
        for term, filters in zip(self.terms, self.filters, strict=True):
            fired = filters(torch.cat([kept[layer] for layer in term.layers], dim=1))
            scores = scores + fired @ term.strength.to(fired)
        return scores


def guided(model: Model, terms: Sequence[Term]) -> Model:
    """A Model of the guided network, with the same preprocessing and labels.

    Raises DataError for terms that are of another network.
    """
    for term in terms:
        _check(model, term)
    note = "; ".join([*([model.note] if model.note else []), *(f"guided: {term.says}" for term in terms)])
    return Model(
        Guided(model, terms),
        model.preprocess,
        model.labels,
        name=f"{model.name}, guided",
        multilabel=model.multilabel,
        note=note,
    )


def together(model: Model, term: Term) -> tuple[Term, ...]:
    """A term that was made for a model, after those by which it is guided already."""
    if not isinstance(model.module, Guided):
        return (term,)
    inner = tuple(layer.removeprefix("network.") for layer in term.layers)
    return (*model.module.terms, replace(term, layers=inner))


def _check(model: Model, term: Term) -> None:
    channels = sum(layout(model, layer).channels for layer in term.layers)
    classes = len(model.labels or ()) or term.strength.shape[1]
    if (channels, classes) != (term.weight.shape[0], term.strength.shape[1]):
        raise DataError(
            f'the guide "{term.says}" reads {term.weight.shape[0]} channels for {term.strength.shape[1]} classes; '
            f"expected {channels} and {classes} as in {model.name}; try the network that it was made for"
        )


def save_terms(terms: Sequence[Term], path: Path) -> None:
    """Writes the terms to one safetensors file; the network itself stays where it is."""
    tensors = {f"{i}.{part}": getattr(t, part) for i, t in enumerate(terms) for part in ("weight", "bias", "strength")}
    facts = [{"layers": list(term.layers), "rectified": term.rectified, "says": term.says} for term in terms]
    kept = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_atomically(path, lambda beside: save_file(kept, beside, {"terms": json.dumps(facts)}))


def load_terms(path: Path) -> tuple[Term, ...]:
    """The terms in a file. Raises DataError where it holds none."""
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {})["terms"])
            parts = ("weight", "bias", "strength")
            found = [{part: file.get_tensor(f"{i}.{part}") for part in parts} for i in range(len(facts))]
    except (OSError, SafetensorError, KeyError, ValueError) as fault:
        raise DataError(f"{path} holds no guide ({fault}); expected what cutaway guide wrote") from None
    return tuple(
        Term(tuple(fact["layers"]), t["weight"], t["bias"], bool(fact["rectified"]), t["strength"], fact["says"])
        for fact, t in zip(facts, found, strict=True)
    )


def filter_term(layers: tuple[str, ...], found: SentenceFilter, classes: int) -> Term:
    """A filter beside the network: read by whoever asks for it, and without any weight to a class."""
    weight = torch.from_numpy(found.weight).float()[:, None]
    return Term(layers, weight, torch.tensor([found.bias]), False, torch.zeros(1, classes), f"filter: {found.sentence}")
