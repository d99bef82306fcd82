"""All recipes by all metrics: networks of ten classes, and what their gradients show.

Rows "at length" are those of whitebox_clear (run it first), three seeds of `clear` (seed 0 is the shipped one, whose
gates saw 18 epochs more, which gave nothing) and three of `airbench`. All others are short and narrow, each trained for
one epoch: "passes" counts the pictures that went through a network in training, so rows of as many passes can be
compared, and no accuracy is what a recipe reaches at length. "pullback" rows read a black box through soft gates: the
rival. The judge of the noise test is a ResNet-20 with public weights. Bootstrap intervals over pictures, mosaics
(chance 0.111), or classes and sets of noise (chance 0.1). "measured at" is the commit of rows whose runs are not there
(they lie in out/, which git does not know): these stand as the table had them, on 60 mosaics; rows of
whitebox_clear are on 1,000.

    python evidence/whitebox_table.py --train    trains those that are not there (five hours of one core with bfloat16)
    python evidence/whitebox_table.py bagnet     one row alone
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from statistics import mean
from typing import Any

from _clear import clear_again
from _evidence import QUICK, ROOT, report
from _legible import READINGS, Pictures, fallen, figure, judge, kept, legible, told
from _pareto import Axis, Point, best, picture
from _whitebox import IMAGES, RUNS, drawn, examined, trained

import cutaway as cw
from cutaway.data.cifar10 import LABELS

MOSAICS = 20 if QUICK else 300
NARROW = "widths=[32, 64, 96]"
LONG = {"clear": 2_860_000, "black box (cifar10)": 800_000, "adversarially trained": 100_000, "B-cos": 200_000}
"""Rows of whitebox_clear that stand here too, and their passes, beyond the black box's where they begin with it."""
AGAIN = {"clear": 1_960_000, "airbench": 500_000}
"""Recipes with three seeds at length, and the passes of one."""
SEEDS = (0, 1, 2)
RESULTS = ROOT / "evidence" / "results"


@dataclass(frozen=True)
class Short:
    """A recipe on its short schedule; views: how often each picture goes through the network."""

    row: str
    recipe: str
    settings: tuple[str, ...] = ()
    views: int = 1


SHORT = [
    Short("clear, from nothing", "clear", (NARROW, "start=", "strength=0")),
    Short("airbench", "airbench", ("widths=[32, 96, 128]",)),
    Short("bias-free", "bias-free", (NARROW,)),
    Short("adversarial", "adversarial", (NARROW,), views=2),
    Short("bcos", "bcos", (NARROW, "start=")),
    Short("bagnet", "bagnet"),
    Short("conjunction-disjunction", "conjunction-disjunction"),
    Short("directional", "directional"),
    Short("gumbel", "gumbel"),
    Short("positive", "positive", ("filters=96", "units=96")),
    Short("protopnet", "protopnet", ("epochs=2", "last=1")),
    Short("deformable-prototypes", "deformable-prototypes", ("epochs=2", "last=1", "per_class=4")),
]


def row(name: str, model: cw.Model, reading: str, passes: int, data: Pictures, by: cw.Model) -> dict[str, Any]:
    """One network read in one way."""

    def measure() -> dict[str, Any]:
        if reading != "gradient":
            return legible(model, reading, data, by, MOSAICS)
        shuffled = {"class accuracy, weights shuffled": fallen(model, data, MOSAICS // 3)}
        return told(model, data) | legible(model, reading, data, by, MOSAICS) | shuffled

    asked = {"what": "table", "reading": reading, "mosaics": MOSAICS, "of": len(data[1])}
    found = {"network": name, "read by": READINGS[reading], "passes": passes, "mosaics": MOSAICS}
    found |= kept(model, asked, measure)
    print(found, file=sys.stderr, flush=True)
    return found


def there(tag: str, seed: int = 0) -> bool:
    """Whether the network of a run is there, or is to be trained."""
    return "--train" in sys.argv or QUICK or (RUNS / tag / f"seed{seed}" / "card.json").exists()


def earlier(name: str) -> list[dict[str, Any]]:
    """A network's rows as the table had them, and the commit that they were measured at."""
    path = RESULTS / "whitebox_table.json"
    before: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"rows": []}
    return [{"measured at": before["commit"]} | each for each in before["rows"] if each["network"] == name]


def tag_of(one: Short) -> str:
    """Where its run is kept."""
    return f"table-{one.row.replace(', ', '-').replace(' ', '-')}"


def short_rows(one: Short, data: Pictures, by: cw.Model) -> list[dict[str, Any]]:
    """A recipe's rows, `airbench` also read by pullback; its gallery drawn."""
    settings = [] if any(each.startswith("epochs") for each in one.settings) else ["epochs=1"]
    model, card = trained(one.recipe, [*settings, *one.settings], 0, tag_of(one))
    passes = card["config"]["epochs"] * 50_000 * one.views
    drawn(f"ten_{one.row.replace(', ', '_').replace(' ', '_').replace('-', '_')}", model, *data)
    readings = ("gradient", "pullback") if one.recipe == "airbench" else ("gradient",)
    return [row(one.row, model, reading, passes, data, by) for reading in readings]


def long_rows(data: Pictures, by: cw.Model) -> list[dict[str, Any]]:
    """What whitebox_clear measured, and the black box read by pullback."""
    kept_rows = json.loads((RESULTS / "whitebox_clear.json").read_text())["rows"]
    found = []
    for each in kept_rows:
        if each["network"] in LONG and each["read by"] == READINGS["gradient"]:
            left = {
                key: value for key, value in each.items() if key not in ("network", "read by", "parameters", "bytes")
            }
            name = f"{each['network']}, at length" + (", seed 0" if each["network"] in AGAIN else "")
            found.append({"network": name, "read by": each["read by"], "passes": LONG[each["network"]]} | left)
    box = "black box (cifar10)"
    return [*found, row(f"{box}, at length", cw.load("cifar10"), "pullback", LONG[box], data, by)]


def rows_again(data: Pictures, by: cw.Model) -> list[dict[str, Any]]:
    """`clear` with two further seeds, and `airbench` with three, the first also read by pullback."""
    found = []
    for seed in SEEDS[1:]:
        name = f"clear, at length, seed {seed}"
        if there("clear-asked", seed):
            found.append(row(name, clear_again(seed), "gradient", AGAIN["clear"], data, by))
        else:
            found += earlier(name)
    for seed in SEEDS:
        name = f"airbench, at length, seed {seed}"
        if there("airbench", seed):
            box = trained("airbench", [], seed)[0]
            for reading in ("gradient",) if seed else ("gradient", "pullback"):
                found.append(row(name, box, reading, AGAIN["airbench"], data, by))
        else:
            found += earlier(name)
    return found


def pareto(rows: list[dict[str, Any]]) -> list[str]:
    """Draws accuracy over class accuracy, every network read by its gradient; the names of those that lead."""
    named: dict[str, list[dict[str, Any]]] = {}
    for each in rows:
        if "accuracy, %" in each:
            named.setdefault(each["network"].split(", seed")[0], []).append(each)
    points = [
        Point(
            name if len(seeds) == 1 else f"{name}, mean of {len(seeds)}",
            mean(figure(each, "class accuracy") for each in seeds),
            mean(figure(each, "accuracy, %") for each in seeds),
            name.startswith("clear"),
        )
        for name, seeds in named.items()
    ]
    x = Axis("class accuracy: share of the evidence for a class that lies on it (chance 0.11)", 0.1, 0.7, 0.1)
    (IMAGES / "pareto.svg").write_text(picture(points, x, Axis("test accuracy, %", 30, 100, 10)))
    return [one.name for one in best(points)]


def main() -> None:
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")]  # names of rows, to measure these first
    known = [one.row for one in SHORT]
    if unknown := [word for word in wanted if word not in known]:
        sys.exit(f"error: no row {', '.join(unknown)}; expected one of {'; '.join(known)}")
    data, by = examined(LABELS, None if not QUICK else 300), judge()
    rows = [] if wanted or QUICK else rows_again(data, by)
    missing = 0 if wanted or QUICK else 2 * len(SEEDS) - len(rows)  # seed 0: `clear` is shipped, `airbench` read twice
    for one in SHORT:
        if wanted and one.row not in wanted:
            continue
        some = short_rows(one, data, by) if wanted or there(tag_of(one)) else earlier(one.row)
        rows += some
        missing += not some
    rows = rows if wanted else long_rows(data, by) + rows
    lead = pareto(rows)
    claim = (
        "All recipes by all metrics; of accuracy and of evidence that lies on its class nobody has more of both than "
        f"{'; '.join(lead)}" + (f" ({missing} runs are not there)" if missing else "")
    )
    clear = any(name.startswith("clear") for name in lead)
    report("whitebox_table", claim, rows, clear and not missing, len(data[1]))


if __name__ == "__main__":
    main()
