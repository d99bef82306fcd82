"""A class must not fire on what a sentence says: "a daisy without leaves" is no daisy; two ways, side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from _evidence import QUICK, bootstrap, report
from _guiding import LAYERS, RULES, Captured, captured, pairs

from cutaway.data.partworld import LABELS
from cutaway.data.partworld.words import PARTS
from cutaway.naming import open_encoder
from cutaway.naming.sightings import Said, read
from cutaway.training.guide import WAYS, GuideError, forbid, hear

SEEDS = (21,) if QUICK else (31, 32, 33)
WORDINGS = (
    "a {label} lacking {part}",
    "this {label} has no {part}",
    "no {part} on the {label}",
    "a {label} not having any {part}",
    "a {label} that is without its {part}",
)
Change = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    rows, sums = [], {}
    for seed in SEEDS:
        data = captured(seed)
        told = read(data.captions, open_encoder("shipped"))
        for rule in RULES:
            for what, value in trial(data, told, seed, rule, seed == SEEDS[0]).items():
                sums.setdefault((rule, what), []).append(value)
    shown = True
    for way in WAYS:
        per_rule = [line(rule, way, sums) for rule in RULES]
        rows += per_rule
        good = sum(bool(row["shown"]) for row in per_rule)
        rows.append(
            {"rule": f"{way}: rules that hold", "way": way, "without the part": None, "shown": good >= 10, "n": good}
        )
        shown = shown and (way != "veto" or good >= 10)
    for what, least in (("opposite", -0.03), ("nonsense", -0.03)):
        values = [value for (_, key), found in sums.items() if key == what for value in found]
        rows.append({"rule": f"change by the {what} sentence", "change": float(np.mean(values)), "n": len(values)})
        shown = shown and np.mean(values) >= least
    wordings = [value for (_, key), found in sums.items() if key == "wordings" for value in found]
    low, high = bootstrap(wordings)
    rows.append(
        {
            "rule": "five other wordings: share of the effect",
            "change": float(np.mean(wordings)),
            "interval": [low, high],
        }
        | {"n": len(wordings), "shown": low >= 0.9}
    )
    report(
        "guide_forbid",
        f"A class stops firing on what a sentence forbids ({len(RULES)} rules, {len(SEEDS)} seeds)",
        rows,
        bool(shown and low >= 0.9),
        len(RULES) * len(SEEDS),
    )


def line(rule: tuple[str, str, str], way: str, sums: dict) -> dict[str, object]:
    """One rule, one way: shares called by the class, before and after, over all seeds."""

    def mean(what: str) -> float:
        return float(np.mean(sums[(rule, what)]))

    after = [sums[(rule, f"{way} {case}")] for case in ("without", "whole", "other")]
    interval = bootstrap(after[0]) if len(after[0]) > 1 else (after[0][0], after[0][0])
    lost, moved = mean("whole") - float(np.mean(after[1])), abs(mean("other") - float(np.mean(after[2])))
    ok = mean("without") >= 0.8 and np.mean(after[0]) <= 0.10 and lost <= 0.02 and moved <= 0.03
    return {
        "rule": f"{rule[0]} without {rule[1]}",
        "way": way,
        "called so before": mean("without"),
        "without the part": float(np.mean(after[0])),
        "interval": list(interval),
        "recall lost": lost,
        "without another part, changed": moved,
        "n": len(after[0]),
        "shown": bool(ok),
    }


def trial(data: Captured, told: Said, seed: int, rule: tuple[str, str, str], wordings: bool) -> dict[str, float]:
    """One rule on one seed; captioned pictures of the class that lack the part are left out first."""
    label, part, _ = rule
    target, noun = LABELS.index(label), PARTS[part][0]
    kept = [i for i in range(len(data.labels)) if not (data.labels[i] == target and part not in data.parts[i])]
    features, logits = data.features[kept], data.logits[kept]
    encoder = open_encoder("shipped")
    cases = pairs(seed, rule)

    def unchanged(means: np.ndarray) -> np.ndarray:
        return np.zeros((len(means), len(LABELS)))

    def share(case: str, change: Change) -> float:
        means, scores = cases[case]
        return float(((scores + change(means)).argmax(axis=1) == target).mean())

    def change(text: str, way: str) -> Change:
        try:
            heard = hear(text, told, encoder, label)
            heard = replace(heard, says=heard.says[kept], opposes=heard.opposes[kept])
            term = forbid(LAYERS, features, logits, heard, target, way)
        except GuideError:
            return unchanged
        return lambda means: term(torch.from_numpy(means)).numpy()

    found = {case: share(case, unchanged) for case in cases}
    for way in WAYS:
        made = change(f"a {label} without {noun}", way)
        found |= {f"{way} {case}": share(case, made) for case in cases}
    found["opposite"] = share("without", change(f"a {label} with {noun}", "veto")) - found["without"]
    found["nonsense"] = share("without", change(f"a {label} without blorps", "veto")) - found["without"]
    if wordings:
        effects = [
            found["without"] - share("without", change(w.format(label=label, part=noun), "veto")) for w in WORDINGS
        ]
        whole = found["without"] - found["veto without"]
        found["wordings"] = float(np.mean(effects)) / whole if whole > 0 else 1.0
    return found


if __name__ == "__main__":
    main()
