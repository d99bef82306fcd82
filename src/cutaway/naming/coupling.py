"""The coupling: what is known of a layer's units and of the words for them, and which method of naming suits both.

The words are captions, or what an image tower that goes with the text encoder makes of the pictures.

Plain arrays and text, so that any network over any kind of input can be named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cutaway.core.errors import DataError
from cutaway.naming.encoders import Embeddings, Remembering, TextEncoder
from cutaway.naming.looking import Looked, sharpened
from cutaway.naming.scoring import Activations, Evidence, Method, Scores, fit_adaptor, method_of, standardised
from cutaway.naming.sightings import SHARPNESS, Captions, Said, Sightings, read, sightings

LEAST = 10  # pictures; fewer can show nothing
CHOOSABLE = ("correlation", "ridge", "kernel ridge")
PROBES = 400  # of the captions' own clauses, among which the methods are compared
HELD_OUT = 0.25
MENTIONED, FEWEST = 0.15, 3  # a phrase that hardly any caption comes near to is seen nowhere, and names nothing
TIE = 0.02  # of correlation; within it the simplest method is taken, which never names what no caption says


@dataclass(frozen=True)
class Coupling:
    """A layer's activations and what the captions of the same pictures say; `method` names units.

    `control` holds units of untrained networks on the same pictures, where there are some: what one of them earns as
    well is no name. `held_out` is what each method reached: the mean over units of the correlation, on pictures kept
    apart, of the activation with how surely the name that the method gave is seen.
    """

    activations: Activations
    said: Said | Looked
    captions: Embeddings
    encoder: TextEncoder
    method: str | Method
    held_out: Mapping[str, float]
    seed: int
    control: Float[np.ndarray, "pictures untrained"] | None = None

    @property
    def units(self) -> int:
        """How many units it has."""
        return int(self.activations.shape[1])

    def adaptor(self) -> Float[np.ndarray, "width units"]:
        """The matrix that maps a text's vector to the layer's channels, in closed form."""
        return fit_adaptor(self.captions, self.activations)[0]

    def evidence(self, phrases: Sequence[str], pictures: Sequence[int] | None = None) -> Evidence:
        """All that a method may look at, over some pictures or all."""
        if isinstance(self.said, Looked):
            cosines = self.said.cosines(phrases, self.encoder)
            seen, vectors = sharpened(cosines), self.encoder.encode(phrases)
        else:
            cosines = sightings(self.said, phrases, self.encoder, None)
            seen, vectors = np.exp((cosines - 1) / SHARPNESS), read(phrases, self.encoder).means()
            seen[:, (seen >= MENTIONED).sum(axis=0) < FEWEST] = 0
        rows = slice(None) if pictures is None else np.asarray(pictures)
        return Evidence(self.activations[rows], self.captions[rows], seen[rows], cosines[rows], vectors)


def fit_coupling(
    activations: np.ndarray,
    captions: Captions | Looked,
    encoder: TextEncoder,
    *,
    method: str | Method | None = None,
    seed: int = 0,
    control: np.ndarray | None = None,
) -> Coupling:
    """Couples units with words: one row of activations and one caption (or several) for each picture.

    In place of captions, pictures may be looked at (see `looking.look`); softWPMI then names, unless told otherwise.

    Without a `method` the one is taken whose names predict the activations of held-out pictures best; `held_out` says
    how well each did. `control` are units of untrained networks (see `layers.untrained_activations`) on the same
    pictures, which names are held against. Raises DataError for too few pictures, unequal lengths, captions without
    words, or numbers that are none.
    """
    given = _checked(np.asarray(activations), captions)
    against = None if control is None else _checked(np.asarray(control), captions)
    encoder = encoder if isinstance(encoder, Remembering) else Remembering(encoder)
    if isinstance(captions, Looked):
        method = method or "soft_wpmi"
        method_of(method)
        return Coupling(given, captions, captions.means(), encoder, method, {}, seed, against)
    said = read(captions, encoder)
    if len(said.clauses) < 3:
        raise DataError(
            f"captions that say {len(said.clauses) - 1} different things; expected at least 2; "
            "try captions that differ from picture to picture"
        )
    whole = said.means()
    coupling = Coupling(given, said, whole, encoder, method or CHOOSABLE[0], {}, seed, against)
    if method is not None:
        method_of(method)
        return coupling
    held_out = compare(coupling, CHOOSABLE)
    best = next(name for name in CHOOSABLE if held_out[name] >= max(held_out.values()) - TIE)
    return Coupling(given, said, whole, encoder, best, held_out, seed, against)


def compare(coupling: Coupling, methods: Sequence[str]) -> dict[str, float]:
    """What each method reaches on pictures kept apart, naming units by the captions' own most frequent clauses."""
    if isinstance(coupling.said, Looked):
        raise DataError("methods are compared by what captions say; expected captions; try method=...")
    order = np.random.default_rng(coupling.seed).permutation(len(coupling.said))
    apart, used = np.split(order, [max(2, int(HELD_OUT * len(order)))])
    phrases = frequent(coupling.said, PROBES)
    learnt, fresh = coupling.evidence(phrases, used.tolist()), coupling.evidence(phrases, apart.tolist())
    found = {}
    simulated = standardised(fresh.seen)
    real = standardised(fresh.activations)
    for name in methods:
        best = method_of(name)(learnt).argmax(axis=1)
        values = (simulated[:, best] * real).sum(axis=0)[real.any(axis=0)]
        found[name] = float(values.mean()) if len(values) else 0.0
    return found


def frequent(said: Said, count: int) -> list[str]:
    """The stated clauses that most pictures say, but for those that more than half of them do."""
    mentions = Counter(said.members.tolist())
    usable = [i for i, n in mentions.most_common() if i and not said.clauses[i].denied and 2 * n <= len(said)]
    return [said.clauses[i].text for i in usable[:count]] or [clause.text for clause in said.clauses[1 : count + 1]]


def simulate(coupling: Coupling, phrases: Sequence[str]) -> Sightings:
    """What a unit that fires for a phrase would do on each of the coupling's pictures."""
    if isinstance(coupling.said, Looked):
        return sharpened(coupling.said.cosines(phrases, coupling.encoder))
    return sightings(coupling.said, phrases, coupling.encoder)


def score(coupling: Coupling, evidence: Evidence) -> Scores:
    """The coupling's method, applied."""
    return method_of(coupling.method)(evidence)


def _checked(activations: np.ndarray, captions: Captions | Looked) -> Activations:
    if activations.ndim != 2 or activations.shape[1] == 0:
        raise DataError(
            f"activations of shape {activations.shape}; expected (pictures, units); try a layer's channel means"
        )
    if len(activations) != len(captions):
        raise DataError(
            f"{len(activations)} rows of activations and captions of {len(captions)} pictures; expected as many; "
            "try one row for each picture with a caption"
        )
    if len(activations) < LEAST:
        raise DataError(f"{len(activations)} captioned picture(s); expected at least {LEAST}; try a larger probing set")
    if not np.isfinite(activations).all():
        raise DataError("activations that are not finite; expected numbers; try float32 instead of a lower precision")
    told = () if isinstance(captions, Looked) else captions
    empty = [i for i, some in enumerate(told) if not (some if isinstance(some, str) else "".join(some)).strip()]
    if empty:
        raise DataError(f"no caption for picture {empty[0]} ({len(empty)} such); expected text; try leaving them out")
    return activations.astype(np.float32)
