"""Plane against car: a class is one of several cases, and a case is four parts; five seeds of each network.

The settings were chosen on 1,000 held-out training pictures; every network saw the 2,000 test pictures once. Figures of
the published research log: 90 % (parts anywhere) and 94 % (parts by direction).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from _evidence import QUICK, bootstrap, report
from _whitebox import PAIR, drawn, examined, percent, trained

from cutaway.metrics import class_agreement, contrast, exactness

GOALS = {"conjunction-disjunction": 90.0, "directional": 94.0}
SEEDS = 1 if QUICK else 5
SETTINGS = ['classes=["airplane", "automobile"]', f"epochs={1 if QUICK else 4}"]
MOVED = 0.5  # L2, pixels in [0, 1]: how far each batch is moved for its second view
MOVED_SEEDS = 1  # beside the five: what the same network looks like once its gradients are to be read


def main() -> None:
    pictures, targets = examined(PAIR)
    rows, passed = [], True
    for (name, goal), length in product(GOALS.items(), (0.0, MOVED)):
        # A batch that is shown twice counts twice: half the epochs take the same time.
        settings = [*SETTINGS[:1], "epochs=2", f"length={length}"] if length and not QUICK else SETTINGS
        tag = f"{name}-pair-moved" if length else f"{name}-pair"
        found = [trained(name, settings, seed, tag) for seed in range(MOVED_SEEDS if length else SEEDS)]
        accuracies = [card["scores"]["accuracy"] for _, card in found]
        model = found[0][0]
        few = pictures[:200]
        rows.append(
            {
                "network": name,
                "shown": "twice, moved" if length else "once",
                "goal, %": goal,
                "accuracy, %": percent(accuracies),
                "seeds": len(found),
                "95 % over seeds": [round(100 * end, 2) for end in bootstrap(accuracies)] if len(found) > 1 else None,
                "each seed, %": ", ".join(f"{100 * each:.2f}" for each in accuracies),
                "exactness, worst of 200": f"{max(exactness(model, few).values):.1e}",
                "contrast": round(contrast(model, few).value, 3),
                "agreement of classes on noise": round(class_agreement(model, 2).value, 3),
                "parameters": found[0][1]["parameters"],
                "seconds a run": round(float(np.mean([card["training_seconds"] for _, card in found]))),
                "gallery": drawn(f"pair_{tag.replace('-pair', '').replace('-', '_')}", model, pictures, targets),
            }
        )
        passed &= percent(accuracies) >= goal
    claim = "Plane against car, mean of 5 seeds: conjunction and disjunction 90 %, parts by direction 94 %"
    report("whitebox_plane_car", claim, rows, passed, len(targets) * SEEDS)


if __name__ == "__main__":
    main()
