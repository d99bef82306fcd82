"""Draw the pictures of docs/partworld.md: `python docs/images/partworld/draw.py`. The same ones every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from cutaway.data.partworld import CLASSES, LABELS, Bias, Scene, biased, render, sample_scene
from cutaway.data.partworld.counterfactuals import (
    enlarged,
    moved,
    pasted,
    shuffled,
    with_attribute,
    with_background,
    without_part,
)
from cutaway.data.partworld.gallery import complete, lit

HERE = Path(__file__).parent
GAP = 8
PAGE = 255


def sheet(name: str, pictures: list[np.ndarray], columns: int) -> None:
    """Pictures of one size in rows, with white between them, as one JPEG."""
    framed = [np.pad(picture, ((0, GAP), (0, GAP), (0, 0)), constant_values=PAGE) for picture in pictures]
    rows = [np.concatenate(framed[start : start + columns], axis=1) for start in range(0, len(framed), columns)]
    whole = np.concatenate(rows, axis=0)[:-GAP, :-GAP]
    Image.fromarray(whole).save(HERE / f"{name}.jpg", quality=92, subsampling=0, optimize=True)


def drawn(scene: Scene, size: int) -> np.ndarray:
    return render(scene, size).picture


def main() -> None:
    seed = 8
    sheet("classes", [drawn(sample_scene(seed, 20 + LABELS.index(label), label=label), 160) for label in CLASSES], 4)
    finch = complete(7, "finch", "meadow")
    rendering = render(finch, 160)
    paths = ("body", "body/wing", "head", "head/beak", "tail", "legs", "head/eye")
    sheet("anatomy", [rendering.picture, *(lit(rendering, path) for path in paths)], 4)
    truck = complete(7, "truck", "sea")
    changes = [
        truck,
        without_part(truck, "wheels"),
        with_attribute(truck, "load", "colour", "purple"),
        with_attribute(truck, "cab", "kind", "tall"),
        moved(truck, "load", 0.05, -0.18),
        enlarged(truck, "wheels", 1.5),
        pasted(truck, "cab", 0.25, 0.2),
        with_background(truck, "night"),
    ]
    sheet("changes", [drawn(scene, 160) for scene in changes], 4)
    whole = sample_scene(7, 33, label="church")
    sheet("shuffled", [drawn(whole, 160), *(drawn(shuffled(whole, number), 160) for number in (1, 2, 4))], 4)
    herons = [sample_scene(7, 60 + number, label="heron") for number in range(4)]
    sheet("bias", [drawn(biased(one, Bias("mark", 1.0), 7, n), 160) for n, one in enumerate(herons)], 4)


if __name__ == "__main__":
    main()
