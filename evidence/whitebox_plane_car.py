"""Plane against car: a class is one of several cases, and a case is four parts; five seeds of each network.

The settings were chosen on 1,000 held-out training pictures; every network saw the 2,000 test pictures once. Figures of
the published research log: 90 % (parts anywhere) and 94 % (parts by direction).
"""

from __future__ import annotations

import numpy as np
from _evidence import QUICK, bootstrap, report
from _whitebox import PAIR, drawn, examined, percent, trained

from cutaway.metrics import class_agreement, contrast, exactness

GOALS = {"conjunction-disjunction": 90.0, "directional": 94.0}
SEEDS = 1 if QUICK else 5
SETTINGS = ['classes=["airplane", "automobile"]', f"epochs={1 if QUICK else 4}"]


def main() -> None:
    pictures, targets = examined(PAIR)
    rows, passed = [], True
    for name, goal in GOALS.items():
        found = [trained(name, SETTINGS, seed, f"{name}-pair") for seed in range(SEEDS)]
        accuracies = [card["scores"]["accuracy"] for _, card in found]
        model = found[0][0]
        few = pictures[:200]
        rows.append(
            {
                "network": name,
                "goal, %": goal,
                "accuracy, %": percent(accuracies),
                "95 % over seeds": [round(100 * end, 2) for end in bootstrap(accuracies)],
                "each seed, %": ", ".join(f"{100 * each:.2f}" for each in accuracies),
                "exactness, worst of 200": f"{max(exactness(model, few).values):.1e}",
                "contrast": round(contrast(model, few).value, 3),
                "agreement of classes on noise": round(class_agreement(model, 2).value, 3),
                "parameters": found[0][1]["parameters"],
                "seconds a run": round(float(np.mean([card["training_seconds"] for _, card in found]))),
                "gallery": drawn(f"pair_{name.replace('-', '_')}", model, pictures, targets),
            }
        )
        passed &= percent(accuracies) >= goal
    claim = "Plane against car, mean of 5 seeds: conjunction and disjunction 90 %, parts by direction 94 %"
    report("whitebox_plane_car", claim, rows, passed, len(targets) * SEEDS)


if __name__ == "__main__":
    main()
