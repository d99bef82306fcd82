"""That captions are true of their scenes: each is read back into facts, and each fact is looked up in the scene."""

from __future__ import annotations

from collections import Counter

from _evidence import QUICK, report, wilson

from cutaway.data.partworld import FAMILIES, all_facts, captions, is_true, parse, sample_scene

COUNT = 500 if QUICK else 10_000


def main() -> None:
    told, facts, wrong, lies = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    silent = 0
    for index in range(COUNT):
        scene, other = sample_scene(78, index, "test"), sample_scene(79, index, "test")
        stated = set()
        for family, caption in zip(FAMILIES, captions(scene, index), strict=True):
            read = parse(caption)
            told[family] += 1
            facts[family] += len(read)
            wrong[family] += any(not is_true(fact, scene) for fact in read)
            lies[family] += any(not is_true(fact, other) for fact in read)
            stated |= set(read)
        silent += bool(all_facts(scene) - stated)
    rows = [
        {
            "family": family,
            "captions": told[family],
            "facts": facts[family],
            "wrong": wrong[family],
            "wrong of another scene of the class": round(lies[family] / told[family], 3),
            "interval of wrong": [round(bound, 5) for bound in wilson(wrong[family], told[family])],
        }
        for family in FAMILIES
    ]
    rows.append({"family": "scenes of which a part or attribute is not told", "captions": COUNT, "wrong": silent})
    claim = "0 wrong captions; every part and attribute is told; the checker does notice captions of other scenes"
    report(
        "partworld_captions",
        claim,
        rows,
        sum(wrong.values()) == 0 and silent == 0 and lies["full"] > 0,
        sum(told.values()),
    )


if __name__ == "__main__":
    main()
