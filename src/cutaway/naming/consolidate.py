"""Groups of units with one meaning: found by their names (and their activations, where there are some), named, checked.

Clustering is agglomerative with average linkage on a distance that mixes how unlike two names are with how
differently two units fire. A group is called by the word that all its names share, else by the nearest kind that most
of them are of ("bird" for finch, heron and tern), else by its most typical name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from cutaway.core.errors import DataError
from cutaway.naming.clauses import clauses
from cutaway.naming.encoders import TextEncoder, open_encoder
from cutaway.naming.names import UnitNames
from cutaway.naming.scoring import Activations, standardised
from cutaway.naming.taxonomy import kind_of, shared_kind

CLOSE = 0.5  # the mean distance up to which units join
FIRING = 0.3  # share of the distance that comes from how differently two units fire
REDUNDANT = 0.9  # correlation from which a unit says what another says
SEVERAL = 3  # looks of one thing, from which it is a meaning of its own
MOST = 0.6  # of a group's names that a kind has to fit


@dataclass(frozen=True)
class Group:
    """Units of one meaning: what to call it, why, its units, and those of them that hardly add anything.

    `cohesion` is the mean likeness of its members (1 is the same), `phrasing` what a language model made of it.
    """

    name: str
    because: str
    units: tuple[str, ...]
    redundant: tuple[str, ...]
    cohesion: float
    phrasing: str = ""


@dataclass(frozen=True)
class Consolidated:
    """The groups, largest first; named units that belong to none (`outliers`); units without a name (`unnamed`)."""

    groups: tuple[Group, ...]
    outliers: tuple[str, ...]
    unnamed: tuple[str, ...]


def consolidate(
    names: Sequence[UnitNames],
    activations: Float[np.ndarray, "pictures units"] | None = None,
    *,
    encoder: TextEncoder | None = None,
    close: float = CLOSE,
) -> Consolidated:
    """Groups units by what they mean.

    `activations` has a column for every unit of `names`, in order; without it names alone count. Raises DataError for
    no units, or another number of columns.
    """
    if not names:
        raise DataError("no units to consolidate; expected at least one; try cutaway name")
    if activations is not None and activations.shape[1] != len(names):
        raise DataError(f"activations of {activations.shape[1]} units and names of {len(names)}; expected as many")
    kept = [i for i, unit in enumerate(names) if not unit.abstained and unit.names]
    unnamed = tuple(unit.unit for i, unit in enumerate(names) if i not in set(kept))
    fired = None if activations is None else activations[:, kept]
    labels, likeness = _clusters([names[i] for i in kept], fired, encoder or open_encoder("shipped"), close)
    groups, outliers = [], []
    for label in dict.fromkeys(labels):
        inside = [k for k, own in enumerate(labels) if own == label]
        members = [names[kept[k]] for k in inside]
        if len(inside) < 2:
            outliers.append(members[0].unit)
            continue
        name, because = group_name([unit.text for unit in members])
        within = likeness[np.ix_(inside, inside)]
        cohesion = float((within.sum() - len(inside)) / (len(inside) * (len(inside) - 1)))
        redundant = () if fired is None else _redundant([unit.unit for unit in members], fired[:, inside])
        groups.append(Group(name, because, tuple(unit.unit for unit in members), redundant, cohesion))
    groups.sort(key=lambda group: -len(group.units))
    return Consolidated(tuple(groups), tuple(outliers), unnamed)


def group_name(texts: Sequence[str]) -> tuple[str, str]:
    """What to call a group of names, and why."""
    if len(set(texts)) == 1:
        return texts[0], "all have this name"
    words = [set(re.findall(r"[\w-]+", text)) for text in texts]
    counts = Counter(word for some in words for word in some)
    shared = [word for word in texts[0].split() if counts[word] == len(texts)]
    if shared:
        return " ".join(shared), "all names share it"
    kind = shared_kind(texts, MOST)
    if kind:
        return kind, "it is what most of them are"
    common = max((word for word in counts if kind_of(word)), key=lambda word: counts[word], default="")
    if common and counts[common] >= MOST * len(texts):
        return common, "most names share it"
    return Counter(texts).most_common(1)[0][0], "the most frequent of their names"


def with_phrasing(consolidated: Consolidated, phrasings: Sequence[str]) -> Consolidated:
    """The same groups with what a language model made of each; an empty text leaves a group as it is."""
    groups = zip(consolidated.groups, phrasings, strict=True)
    return replace(consolidated, groups=tuple(replace(group, phrasing=text) for group, text in groups))


def _clusters(
    units: Sequence[UnitNames], fired: Activations | None, encoder: TextEncoder, close: float
) -> tuple[list[int], Float[np.ndarray, "units units"]]:
    if not units:
        return [], np.zeros((0, 0))
    texts = [unit.text for unit in units]
    likeness = np.clip(np.maximum(_likeness(texts, encoder), _kinship(texts)), 0, 1)
    if fired is not None:
        columns = standardised(fired)
        likeness = (1 - FIRING) * likeness + FIRING * np.clip(columns.T @ columns, 0, 1)
    np.fill_diagonal(likeness, 1.0)
    if len(units) == 1:
        return [1], likeness
    from scipy.cluster.hierarchy import fcluster, linkage  # half of the time that importing cutaway would take
    from scipy.spatial.distance import squareform

    distances = squareform(1 - (likeness + likeness.T) / 2, checks=False)
    return fcluster(linkage(distances, "average"), close, "distance").tolist(), likeness


def _likeness(texts: Sequence[str], encoder: TextEncoder) -> Float[np.ndarray, "units units"]:
    """The cosine of two names; of names of different things half of it is that of the things alone.

    Red roofs and red doors share a colour, which is no meaning to group by.
    """
    heads = [_head(text) for text in texts]
    whole, things = encoder.encode(texts), encoder.encode(heads)
    same = np.array([[one == other for other in heads] for one in heads])
    found: np.ndarray = np.where(same, whole @ whole.T, (whole @ whole.T + things @ things.T) / 2)
    return found


def _kinship(texts: Sequence[str]) -> Float[np.ndarray, "units units"]:
    """How near two names are in the tree of kinds: 0.7 for the same nearest kind, 0 where they share none.

    A thing of which there are several looks ("red roof", "dark roof", "tiled roof") is a meaning of its own, and its
    kind ("part of a building") joins it with nothing else.
    """
    kinds, heads = [kind_of(text) for text in texts], [_head(text) for text in texts]
    looks = Counter(heads)
    found = np.zeros((len(texts), len(texts)), np.float32)
    for i, some in enumerate(kinds):
        for j, others in enumerate(kinds[:i]):
            kin = some and others and (some[0] == others[0] or texts[i] == others[0] or texts[j] == some[0])
            if kin and (heads[i] == heads[j] or max(looks[heads[i]], looks[heads[j]]) < SEVERAL):
                found[i, j] = found[j, i] = 0.7
    return found


def _head(text: str) -> str:
    """The thing that a name is about: the last word of its first clause."""
    told = clauses(text)
    return (told[0].text if told else text).split()[-1]


def _redundant(units: Sequence[str], fired: Activations) -> tuple[str, ...]:
    """The units that an earlier one of the group already says."""
    columns = standardised(fired)
    alike = columns.T @ columns
    return tuple(unit for i, unit in enumerate(units) if i and alike[i, :i].max() >= REDUNDANT)
