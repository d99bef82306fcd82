"""A new filter from a sentence that no caption holds: as good as one trained on true labels?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from _detectors import concepts
from _evidence import QUICK, bootstrap, report
from _guiding import COUNT, captured
from sklearn.metrics import average_precision_score

from cutaway.data.partworld import Fact
from cutaway.naming import open_encoder
from cutaway.naming.sightings import read
from cutaway.training.guide import GuideError, Heard, hear, sentence_filter

SEEDS = (21,) if QUICK else (31, 32, 33)
SENTENCES = {
    "it has slender petals": Fact("petals", "kind", "slender"),
    "these are round petals": Fact("petals", "kind", "round"),
    "there are oval leaves": Fact("leaves", "kind", "oval"),
    "there may be blade-like leaves": Fact("leaves", "kind", "blade"),
    "its tail is a forked tail": Fact("tail", "kind", "forked"),
    "we see large wheels": Fact("wheels", "kind", "large"),
    "so there are small wheels": Fact("wheels", "kind", "small"),
    "a gabled roof can be seen": Fact("roof", "kind", "gabled"),
    "there may be arched windows": Fact("windows", "kind", "arched"),
    "it is a castle": Fact("", "label", "castle"),
    "this would be a heron": Fact("", "label", "heron"),
    "what we see is a truck": Fact("", "label", "truck"),
}


def main() -> None:
    rows, reached, shares, shuffled = [], [], [], []
    results = [trial(seed) for seed in SEEDS]
    for sentence in SENTENCES:
        told, true, mixed, base = (np.array([result[sentence][k] for result in results]) for k in range(4))
        reached += told.tolist()
        shares += (told / true).tolist()
        shuffled += (mixed / base).tolist()
        row = {"sentence": sentence, "from the sentence": told.mean(), "from true labels": true.mean()}
        rows.append(row | {"from shuffled captions": mixed.mean(), "chance": base.mean(), "n": len(told)})
    bounds = bootstrap(reached), bootstrap(shares)
    rows.append(
        {"sentence": "all: average precision", "from the sentence": np.mean(reached), "interval": list(bounds[0])}
    )
    rows.append(
        {"sentence": "all: share of true labels'", "from the sentence": np.mean(shares), "interval": list(bounds[1])}
    )
    rows.append({"sentence": "all: shuffled captions, times chance", "from shuffled captions": np.mean(shuffled)})
    rows.append({"sentence": "nonsense is refused", "refused": refused()})
    plain = [{k: float(v) if isinstance(v, np.floating) else v for k, v in row.items()} for row in rows]
    passed = bounds[0][0] >= 0.90 and bounds[1][0] >= 0.90 and refused()
    report(
        "guide_filter",
        "A filter learnt from a sentence is as good as one from true labels",
        plain,
        passed,
        len(reached),
    )


def trial(seed: int) -> dict[str, tuple[float, float, float, float]]:
    """Average precision on fresh pictures: from the sentence, from labels, from shuffled captions, and by chance."""
    data, facts = captured(seed), concepts()
    told, encoder = read(data.captions, open_encoder("shipped")), open_encoder("shipped")
    train = np.arange(COUNT) < 5 * COUNT // 6
    order = np.random.default_rng(seed).permutation(int(train.sum()))
    found = {}
    for sentence, fact in SENTENCES.items():
        heard = hear(sentence, told, encoder)
        own = replace(heard, says=heard.says[train], opposes=heard.opposes[train])
        truth = data.truth[:, facts.index(fact)]
        known = Heard(sentence, truth[train], ~truth[train], 1.0, 1.0)
        mixed = replace(own, says=own.says[order], opposes=own.opposes[order])
        marks = [
            average_precision_score(truth[~train], sentence_filter(data.features[train], one)(data.features[~train]))
            for one in (own, known, mixed)
        ]
        found[sentence] = (*map(float, marks), float(truth[~train].mean()))
    return found


def refused() -> bool:
    """Whether a sentence that no caption could mean is refused."""
    try:
        hear(
            "a blorp with zang",
            read(["a red cat", "a blue dog"] * 20, open_encoder("shipped")),
            open_encoder("shipped"),
        )
    except GuideError:
        return True
    return False


if __name__ == "__main__":
    main()
