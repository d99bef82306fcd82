"""`clear` made again with another seed, every part of it: gates, adviser, values, and what its head shows on noise.

The way is that of the shipped one (seed 0, `training/recipes/clear.py`), but for the 18 epochs of its gates that gave
nothing. Judges, who say what is seen on noise, are its own gates and black box, and two that serve all seeds.
"""

from __future__ import annotations

from _evidence import ROOT
from _whitebox import RUNS, trained

import cutaway as cw

GATES = "widths=[64, 192, 256]"
SLOWLY = ["epochs=3", "even=true", "filter_rate=0.03", "rest_rate=0.015"]  # to get used to contrast one
ROBUST = ("adversarial", ["start=cifar10", "epochs=1", "batch=125", "filter_rate=0.05", "length=0.7"])
"""Recipe and settings of the robust network: a rival, and a judge."""


def clear_again(seed: int) -> cw.Model:
    """The network of this seed, trained now or taken up where it was left."""
    first = stored("cifar10", [GATES, "epochs=20", "shift=4"], seed, "clear-first")
    gates = stored("cifar10", [GATES, *SLOWLY, f"start={first}"], seed, "clear-gates")
    box = stored("airbench", [], seed)
    adviser = stored("airbench", [*SLOWLY, f"start={box}"], seed, "clear-adviser")
    robust = stored(*ROBUST, 0)
    begun = [GATES, f"start={gates}", f'advisers=["{adviser}"]']
    values = stored("clear", begun, seed, "clear-values")
    judges = f'judges=["cifar10", "{gates}", "{robust}", "{box}"]'
    return trained("clear-noise", [f"start={values}", judges], seed, "clear-asked")[0]


def stored(name: str, settings: list[str], seed: int, tag: str = "") -> str:
    """Where the weights of a run lie, from the root."""
    trained(name, settings, seed, tag)
    return str((RUNS / (tag or name) / f"seed{seed}" / "weights.safetensors").relative_to(ROOT))
