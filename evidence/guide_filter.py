"""A new filter from a sentence that no caption holds: as good as one trained on true labels? And does all else stay?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from _detectors import concepts, pictures_of
from _evidence import QUICK, bootstrap, report
from _guiding import COUNT, LAYERS, captured
from sklearn.metrics import average_precision_score

import cutaway as cw
from cutaway.data.partworld import LABELS, Fact, sample_scene
from cutaway.data.partworld.words import GROUNDS
from cutaway.naming import open_encoder
from cutaway.naming.sightings import read
from cutaway.training.guide import GuideError, Heard, Term, guided, hear, sentence_filter
from cutaway.training.guide.guided import filter_term

SEEDS = (21,) if QUICK else (31, 32, 33, 34, 35)
FRESH = 600
SENTENCES = {
    "it has slender petals": Fact("petals", "kind", "slender"),
    "these are round petals": Fact("petals", "kind", "round"),
    "there are oval leaves": Fact("leaves", "kind", "oval"),
    "there may be blade-like leaves": Fact("leaves", "kind", "blade"),
    "its tail is a forked tail": Fact("tail", "kind", "forked"),
    "its wheels are large wheels": Fact("wheels", "kind", "large"),
    "so there are small wheels": Fact("wheels", "kind", "small"),
    "a gabled roof can be seen": Fact("roof", "kind", "gabled"),
    "there may be arched windows": Fact("windows", "kind", "arched"),
    "it is a castle": Fact("", "label", "castle"),
    "this would be a heron": Fact("", "label", "heron"),
    "what we see is a truck": Fact("", "label", "truck"),
}
HARDER = {
    **{f"we see it {words[0]}": Fact("", "background", ground) for ground, words in GROUNDS.items()},
    **{f"it has {colour} petals": Fact("petals", "colour", colour) for colour in ("red", "blue", "green")},
    **{f"it has a {colour} body": Fact("body", "colour", colour) for colour in ("red", "blue")},
}
"""What a network of classes has little use for: told beside the others, for a filter reads only what channels carry."""


def main() -> None:
    marks: dict[str, list[Mark]] = {sentence: [] for sentence in SENTENCES | HARDER}
    for seed in SEEDS:
        for sentence, mark in trial(seed).items():
            marks[sentence].append(mark)
    every = [mark for sentence in SENTENCES for mark in marks[sentence]]
    harder = [mark for sentence in HARDER for mark in marks[sentence]]
    rows = [row(f'"{sentence}"', some) for sentence, some in marks.items()]
    rows.append(row("backgrounds and colours, which the classes hardly need", harder))
    lift = [(mark.shuffled - mark.chance) / (mark.told - mark.chance) for mark in every]
    rows += [
        bound("parts and classes: average precision", [mark.told for mark in every], 0.90, least=True),
        bound(
            "parts and classes: as a share of true labels'", [mark.told / mark.true for mark in every], 0.90, least=True
        ),
        bound(
            "backgrounds and colours: as a share of true labels'", [m.told / m.true for m in harder], None, least=True
        ),
        bound("shuffled captions: share of the effect", lift, 0.10, least=False),
        count("captions that hold one of the sentences", sum(mark.held for mark in [*every, *harder])),
        *undisturbed([mark.term for mark in every]),
        count("nonsense that is not refused", 0 if refused() else 1),
    ]
    report(
        "guide_filter",
        f"A filter learnt from a sentence is as good as one from true labels, and all else stays ({len(SEEDS)} seeds)",
        rows,
        all(each.get("shown", True) for each in rows),
        len(every),
    )


@dataclass(frozen=True)
class Mark:
    """Average precision on fresh pictures: from the sentence, from labels, from shuffled captions, and by chance."""

    told: float
    true: float
    shuffled: float
    chance: float
    held: int
    term: Term


def row(what: str, marks: Sequence[Mark]) -> dict[str, object]:
    names = {"told": "from the sentence", "true": "from true labels", "shuffled": "shuffled captions"}
    means = {said: float(np.mean([getattr(mark, key) for mark in marks])) for key, said in names.items()}
    return {"what": what} | means | {"chance": float(np.mean([mark.chance for mark in marks])), "n": len(marks)}


def bound(what: str, values: Sequence[float], goal: float | None, *, least: bool) -> dict[str, object]:
    low, high = bootstrap(values)
    given = {"from the sentence" if least else "shuffled captions": float(np.mean(values))}
    found = {"what": what} | given | {"interval": [low, high], "n": len(values)}
    if goal is None:
        return found
    asked = f"lower bound at least {goal}" if least else f"upper bound at most {goal}"
    return found | {"asked": asked, "shown": low >= goal if least else high <= goal}


def count(what: str, number: int) -> dict[str, object]:
    return {"what": what, "from the sentence": number, "asked": "none", "shown": number == 0}


def trial(seed: int) -> dict[str, Mark]:
    """Every sentence on the captioned pictures of one seed: five sixths to learn from, the rest to be marked on."""
    data, facts = captured(seed), concepts()
    encoder = open_encoder("shipped")
    told = read(data.captions, encoder)
    train = np.arange(COUNT) < 5 * COUNT // 6
    order = np.random.default_rng(seed).permutation(int(train.sum()))
    found = {}
    for sentence, fact in (SENTENCES | HARDER).items():
        heard = hear(sentence, told, encoder)
        own = replace(heard, says=heard.says[train], opposes=heard.opposes[train])
        truth = data.truth[:, facts.index(fact)]
        known = Heard(sentence, truth[train], ~truth[train], 1.0, 1.0)
        mixed = replace(own, says=own.says[order], opposes=own.opposes[order])
        filters = [sentence_filter(data.features[train], one) for one in (own, known, mixed)]
        marks = [float(average_precision_score(truth[~train], one(data.features[~train]))) for one in filters]
        held = sum(sentence in caption.lower() for some in data.captions for caption in some)
        term = filter_term(LAYERS, filters[0], len(LABELS))
        found[sentence] = Mark(*marks, float(truth[~train].mean()), held, term)
    return found


def undisturbed(terms: Sequence[Term]) -> list[dict[str, object]]:
    """The network with all the filters beside the network without: its channels, its scores, its accuracy."""
    model = cw.load("partworld")
    more = guided(model, terms)
    scenes = [sample_scene(SEEDS[0] + 9000, i, "test") for i in range(FRESH)]
    truth = torch.tensor([LABELS.index(scene.label) for scene in scenes])
    moved, right = [], {model.name: 0, more.name: 0}
    for start, some in enumerate((pictures_of(scenes).float() / 255).split(200)):
        own = truth[200 * start : 200 * start + len(some)]
        before = cw.activations(model, some, list(LAYERS))
        after = cw.activations(more, some, [f"network.{layer}" for layer in LAYERS])
        moved += [float((after[f"network.{k}"] - v).norm() / v.norm()) for k, v in before.items()]
        with torch.no_grad():
            for net in (model, more):
                right[net.name] += int((net(some).argmax(dim=1) == own).sum())
    lost = (right[model.name] - right[more.name]) / FRESH
    return [
        {"what": what, "from the sentence": value, "asked": "at most 0.01", "n": FRESH, "shown": value <= 0.01}
        for what, value in (("change of all other channels", max(moved)), ("accuracy lost", lost))
    ]


def refused() -> bool:
    """Whether a sentence that no caption could mean is refused."""
    encoder = open_encoder("shipped")
    try:
        hear("a blorp with zang", read(["a red cat", "a blue dog"] * 20, encoder), encoder)
    except GuideError:
        return True
    return False


if __name__ == "__main__":
    main()
