"""A class must not fire on what a sentence says: "a daisy without leaves" is no daisy; two ways, side by side.

From the sentence alone: captioned pictures of the class that lack the part are left out before anything is learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from _evidence import QUICK, bootstrap, report
from _guiding import LAYERS, RULES, Captured, captured, pairs, through

from cutaway.data.partworld import LABELS, PartWorld
from cutaway.data.partworld.words import PARTS
from cutaway.naming import open_encoder
from cutaway.naming.sightings import Said, read
from cutaway.training.guide import WAYS, GuideError, forbid, hear

SEEDS = (21,) if QUICK else (31, 32, 33, 34, 35)
FRESH, RULES_ASKED = 1_000, 10
WORDINGS = (
    "a {label} lacking {part}",
    "this {label} has no {part}",
    "no {part} on the {label}",
    "a {label} not having any {part}",
    "a {label} that is without its {part}",
)
Change = Callable[[np.ndarray], np.ndarray]
Rule = tuple[str, str, str]
Sums = dict[tuple[Rule, str], list[float]]


def main() -> None:
    sums: Sums = {}
    for seed in SEEDS:
        data = captured(seed)
        told = read(data.captions, open_encoder("shipped"))
        for rule in RULES:
            for what, value in trial(data, told, seed, rule, seed == SEEDS[0]).items():
                sums.setdefault((rule, what), []).append(value)
    rows = [each for way in WAYS for each in compared(way, sums)]
    rows += [
        bound("the opposite sentence: change of what is called so", over(sums, "opposite"), -0.03, least=True),
        bound("nonsense in its place: change of what is called so", np.abs(over(sums, "nonsense")), 0.03),
    ]
    rows += [
        bound(f'"{words}": share of the effect', over(sums, words), 0.90, least=True, of="one seed")
        for words in WORDINGS
    ]
    report(
        "guide_forbid",
        f"A class stops firing on what a sentence forbids ({len(RULES)} rules, {len(SEEDS)} seeds)",
        rows,
        all(each.get("shown", True) for each in rows if each.get("way") != "penalty"),
        len(RULES) * len(SEEDS),
    )


def compared(way: str, sums: Sums) -> list[dict[str, object]]:
    """One way: every rule, how many hold, and all of them together."""
    rules = [line(rule, way, sums) for rule in RULES]
    good = sum(bool(each.pop("holds")) for each in rules)
    asked = f"at least {RULES_ASKED} of {len(RULES)}"
    count = {"rule": "rules that hold", "way": way, "value": good, "asked": asked, "shown": good >= RULES_ASKED}
    lost, moved = (np.subtract(over(sums, case), over(sums, f"{way} {case}")) for case in ("whole", "other"))
    bounds = [
        bound("called so before, without the part", over(sums, "without"), 0.80, least=True),
        bound("called so after, without the part", over(sums, f"{way} without"), 0.10),
        bound("recall lost on whole ones", lost, 0.02),
        bound("change without another part", np.abs(moved), 0.03),
        bound("accuracy lost over all classes", over(sums, f"{way} accuracy lost"), 0.01),
        bound("answers changed over all classes", over(sums, f"{way} answers changed"), None),
    ]
    return [*rules, count, *({**each, "way": way} for each in bounds)]


def over(sums: Sums, what: str) -> list[float]:
    """What was measured, over all rules and seeds."""
    return [value for (_, key), found in sums.items() if key == what for value in found]


def bound(
    what: str, values: Sequence[float], goal: float | None, *, least: bool = False, of: str = ""
) -> dict[str, object]:
    low, high = bootstrap(values)
    found = {"rule": what + (f" ({of})" if of else ""), "value": float(np.mean(values)), "interval": [low, high]}
    found["n"] = len(values)
    if goal is None:
        return found
    asked = f"{'lower' if least else 'upper'} bound at {'least' if least else 'most'} {goal}"
    return found | {"asked": asked, "shown": low >= goal if least else high <= goal}


def line(rule: Rule, way: str, sums: Sums) -> dict[str, object]:
    """One rule, one way: shares called by the class, before and after, over all seeds."""
    before = {case: float(np.mean(sums[(rule, case)])) for case in ("without", "whole", "other")}
    after = {case: float(np.mean(sums[(rule, f"{way} {case}")])) for case in before}
    lost, moved = before["whole"] - after["whole"], abs(before["other"] - after["other"])
    holds = before["without"] >= 0.80 and after["without"] <= 0.10 and lost <= 0.02 and moved <= 0.03
    return {
        "rule": f"{rule[0]} without {rule[1]}",
        "way": way,
        "called so before": before["without"],
        "called so after": after["without"],
        "interval": list(bootstrap(sums[(rule, f"{way} without")])),
        "recall lost": lost,
        "without another part, changed": moved,
        "n": len(SEEDS),
        "as asked": holds,
        "holds": holds,
    }


def trial(data: Captured, told: Said, seed: int, rule: Rule, wordings: bool) -> dict[str, float]:
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
        found |= {f"{way} {what}": value for what, value in effects(seed, made).items()}
    found["opposite"] = share("without", change(f"a {label} with {noun}", "veto")) - found["without"]
    found["nonsense"] = share("without", change(f"a {label} without blorps", "veto")) - found["without"]
    whole = found["without"] - found["veto without"]
    for words in WORDINGS if wordings and whole > 0 else ():
        reworded = change(words.format(label=label, part=noun), "veto")
        found[words] = (found["without"] - share("without", reworded)) / whole
    return found


def effects(seed: int, change: Change) -> dict[str, float]:
    """What a guide changes on fresh pictures of all classes, parts and all."""
    means, scores, truth = fresh(seed)
    before, after = scores.argmax(axis=1), (scores + change(means)).argmax(axis=1)
    lost = float((before == truth).mean() - (after == truth).mean())
    return {"accuracy lost": lost, "answers changed": float((before != after).mean())}


@cache
def fresh(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Channel means, scores and classes of pictures that no caption is about."""
    world = PartWorld(FRESH, seed + 8000, "test")
    scenes = [world.scene(i) for i in range(FRESH)]
    return *through(scenes, f"fresh {seed}"), np.array([LABELS.index(scene.label) for scene in scenes])


if __name__ == "__main__":
    main()
