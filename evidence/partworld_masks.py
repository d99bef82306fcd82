"""That masks are exact: a picture without a part differs only where the part's mask or its shadow's mask is."""

from __future__ import annotations

from collections import Counter

import numpy as np
from _evidence import QUICK, report

from cutaway.data.partworld import render, sample_scene, without_part
from cutaway.data.partworld.scene import walk

COUNT = 100 if QUICK else 2_000
SIZES = (32, 64, 128)


def main() -> None:
    rows = []
    for size in SIZES:
        count = COUNT if size == 64 else COUNT // 10
        sums: Counter[str] = Counter()
        for index in range(count):
            sums += examined(index, size)
        rows.append(
            {
                "size": size,
                "scenes": count,
                "parts": sums["parts"],
                "pixels changed outside mask and shadow": sums["outside"],
                "masks not inside their parent's": sums["loose"],
                "share of mask pixels that do change": round(sums["masked and changed"] / sums["masked"], 4),
            }
        )
    passed = all(
        row["pixels changed outside mask and shadow"] == 0 and row["masks not inside their parent's"] == 0
        for row in rows
    )
    claim = "Re-rendering without a part changes pixels only where its mask or its shadow's is; nested masks nest"
    report("partworld_masks", claim, rows, passed, COUNT)


def examined(index: int, size: int) -> Counter[str]:
    """One scene, every part."""
    scene = sample_scene(77, index, "test")
    whole = render(scene, size)
    sums: Counter[str] = Counter()
    for path, _ in walk(scene.whole.parts):
        changed = np.any(render(without_part(scene, path), size).picture != whole.picture, axis=-1)
        mask, owner = whole.masks[path], whole.masks[path.rpartition("/")[0] or "whole"]
        sums += Counter(
            {
                "parts": 1,
                "outside": int((changed & ~(mask | whole.shadows[path])).sum()),
                "loose": int((mask & ~owner).any()),
                "masked": int(mask.sum()),
                "masked and changed": int((mask & changed).sum()),
            }
        )
    return sums


if __name__ == "__main__":
    main()
