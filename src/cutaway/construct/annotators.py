"""Annotators: whoever looks at a picture's segments and proposes operations on the ontology, behind one protocol."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from cutaway.construct.findings import LEAST_EVIDENCE, MOST_CHILDREN
from cutaway.construct.looks import Look, look
from cutaway.construct.ontology import Ontology
from cutaway.construct.operations import AT_MOST, Operation
from cutaway.construct.segments import Segment
from cutaway.construct.words import meaning, poses_as, stem
from cutaway.core.errors import OptionError, suggestion
from cutaway.data.dataset import Sample


@dataclass(frozen=True)
class Observation:
    """One picture as an annotator sees it: its hash, the sample, its segments, and its class where that is known."""

    picture: str
    sample: Sample
    segments: Sequence[Segment]
    label: str = ""


@runtime_checkable
class Annotator(Protocol):
    """Proposes at most eight operations for a picture, seeing the ontology as it is."""

    def __call__(self, observation: Observation, ontology: Ontology) -> list[Operation]: ...


@dataclass
class Offline:
    """The default: forms, colours and textures that a program can measure, named by templates.

    A look becomes a node once three pictures show it, so that no node stands on a single sighting; from then on
    pictures only add evidence. Colours and textures become attributes of the forms that have them.
    """

    sightings: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    classes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    pictures: Counter[str] = field(default_factory=Counter)

    def __call__(self, observation: Observation, ontology: Ontology) -> list[Operation]:
        looks = looks_of(observation)
        done: list[Operation] = []
        for one in dict.fromkeys(each.form for each in looks):
            done += self._seen(("part", one), observation.picture, ontology, "")
        named = {operation.node for operation in done if operation.verb == "add"}
        for word, owner in dict.fromkeys((word, each.form) for each in looks for word in (each.colour, each.texture)):
            if owner in ontology or owner in named:
                done += self._seen(("attribute", f"{word}"), observation.picture, ontology, owner)
        if observation.label:
            done += self._class(observation, {each.form for each in looks}, ontology)
        return _distinct(done)[:AT_MOST]

    def _seen(self, thing: tuple[str, str], picture: str, ontology: Ontology, owner: str) -> list[Operation]:
        """Another sighting: evidence for a node, a node of its own, or something to remember."""
        kind, name = thing
        pictures = self.sightings[thing]
        if picture not in pictures:
            pictures.append(picture)
        if name in ontology:
            node = ontology[name]
            done = []
            if len(node.evidence) < 4 * LEAST_EVIDENCE and picture not in node.evidence:
                done.append(Operation("alias", name, {"evidence": [picture]}))
            if owner and owner not in node.attaches_to:
                done.append(Operation("attach", name, {"to": owner}))
            return done
        if len(pictures) < LEAST_EVIDENCE:
            return []
        says = f"a form: {name.replace('_', ' ')}" if kind == "part" else f"surfaces that are {name}"
        values = {"kind": kind, "says": says, "evidence": list(pictures), "attaches_to": [owner] if owner else []}
        return [Operation("add", name, values)]

    def _class(self, observation: Observation, forms: set[str], ontology: Ontology) -> list[Operation]:
        """A class, once three pictures show it: made of the forms that it has more often than other classes do."""
        label = re.sub(r"[^a-z0-9]+", "_", observation.label.lower()).strip("_")
        self.pictures[label] += 1
        self.classes[label].update(forms)
        self.sightings["class", label].append(observation.picture)
        parts = self._typical(label, ontology)
        if label in ontology or self.pictures[label] < LEAST_EVIDENCE or not parts:
            return []
        evidence = self.sightings["class", label][:LEAST_EVIDENCE]
        says = f"pictures labelled {label}"
        return [Operation("add", label, {"kind": "class", "says": says, "all_of": parts, "evidence": evidence})]

    def _typical(self, label: str, ontology: Ontology) -> list[str]:
        others = sum(self.pictures.values()) - self.pictures[label]
        counts = {
            form: sum(seen[form] for name, seen in self.classes.items() if name != label) for form in ontology.nodes
        }

        def worth(form: str) -> float:
            mine = self.classes[label][form] / self.pictures[label]
            return mine - counts[form] / max(others, 1)

        known = [form for form in self.classes[label] if form in ontology]
        return sorted(known, key=lambda form: (-worth(form), form))[: MOST_CHILDREN - 2]


def looks_of(observation: Observation) -> list[Look]:
    """The looks of a picture's segments."""
    picture = observation.sample.picture.numpy()
    return [look(picture, segment.pixels()) for segment in observation.segments]


def covered(observation: Observation, ontology: Ontology) -> tuple[int, int]:
    """How many of a picture's segments have a node of their form, and how many there are."""
    forms = [each.form for each in looks_of(observation)]
    return sum(form in ontology and ontology[form].status != "retired" for form in forms), len(forms)


def _distinct(operations: Sequence[Operation]) -> list[Operation]:
    """One addition of a node; a second one becomes an attachment of it."""
    done: list[Operation] = []
    added: set[str] = set()
    for operation in operations:
        if operation.verb == "add" and operation.node in added:
            for owner in operation.values.get("attaches_to", ()):
                done.append(Operation("attach", operation.node, {"to": owner}))
            continue
        added |= {operation.node} if operation.verb == "add" else set()
        done.append(operation)
    new = [one for one in done if one.verb != "alias"]
    return new + [one for one in done if one.verb == "alias"]  # where there are too many, evidence can wait


@dataclass
class Captions:
    """Parts out of what people say of a picture: nouns that captions share, with the adjectives before them."""

    sightings: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    owners: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __call__(self, observation: Observation, ontology: Ontology) -> list[Operation]:
        done: list[Operation] = []
        for adjectives, noun in _phrases(observation.sample.captions):
            done += self._seen(noun, observation.picture, ontology, "part", "")
            present = noun in ontology or any(one.node == noun for one in done if one.verb == "add")
            for adjective in adjectives if present else ():
                done += self._seen(adjective, observation.picture, ontology, "attribute", noun)
        return _distinct(done)[:AT_MOST]

    def _seen(self, name: str, picture: str, ontology: Ontology, kind: str, owner: str) -> list[Operation]:
        if picture not in self.sightings[name]:
            self.sightings[name].append(picture)
        if name in ontology:
            attach = owner and ontology[name].kind == "attribute" and owner not in ontology[name].attaches_to
            return [Operation("attach", name, {"to": owner})] if attach else []
        taken = any(meaning(name) == meaning(other.id) for other in ontology)
        if taken or len(self.sightings[name]) < LEAST_EVIDENCE:
            return []
        evidence = self.sightings[name]
        values = {"kind": kind, "says": name, "evidence": evidence, "attaches_to": [owner] if owner else []}
        return [Operation("add", name, values)]


_LINKING = frozenset(
    [
        "of",
        "with",
        "and",
        "that",
        "has",
        "have",
        "on",
        "in",
        "at",
        "by",
        "from",
        "to",
        "a",
        "an",
        "the",
        "its",
        "this",
        "is",
        "are",
        "we",
        "see",
        "no",
        "not",
        "without",
    ]
)


def _phrases(captions: Sequence[str]) -> list[tuple[tuple[str, ...], str]]:
    """("long", "orange"), "bill" out of "has a long orange bill": what stands between small words."""
    found: list[tuple[tuple[str, ...], str]] = []
    for caption in captions:
        if re.search(r"\b(no|not|without)\b", caption):
            continue  # what is denied is not there
        run: list[str] = []
        for word in [*re.findall(r"[a-z]+|[,:;.]", caption.lower()), "."]:
            if word in _LINKING or not word.isalpha():
                if 1 < len(run) <= 4:
                    noun = stem(run[-1])
                    words = tuple(each for each in run[:-1] if poses_as(each) is None)
                    if poses_as(noun) is None:
                        found.append((words, noun))
                run = []
            else:
                run.append(word)
    return list(dict.fromkeys(found))


ANNOTATORS: Mapping[str, Callable[[], Annotator]] = {"offline": Offline, "captions": Captions}


def annotator(name: str) -> Annotator:
    """The annotator of a name, or of `file.py:function`, a function without arguments that makes one."""
    if name in ANNOTATORS:
        return ANNOTATORS[name]()
    path, colon, function = name.partition(":")
    if colon and path.endswith(".py") and Path(path).is_file():
        spec = importlib.util.spec_from_file_location("cutaway_annotator", path)
        if spec and spec.loader:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            made = getattr(module, function, None)
            if callable(made):
                own: Annotator = made()
                return own
    known = [*ANNOTATORS, "anthropic", "openai", "file.py:function"]
    raise OptionError(f'no annotator "{name}"; expected one of {", ".join(known)}{suggestion(name, known)}')


def growth(counts: Sequence[int], last: int = 20) -> float:
    """Nodes a picture over the last pictures, from the counts after each."""
    tail = counts[-last - 1 :]
    return float(tail[-1] - tail[0]) / max(len(tail) - 1, 1) if len(tail) > 1 else float(np.sum(tail))
