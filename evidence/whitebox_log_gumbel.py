"""The research log's questions about Gumbel convolutions, on plane against car: a row each, one seed.

Two epochs of 5,000 pictures, scored on 5,000 held-out training pictures; the test set stays unread. Choices cool for
half of the training and are made then; the second half trains with the kernels that eval uses. "parameters": as they
are stored; "read": the weights that eval reads. "settled": layer by layer, the mean share of softmax(choices) that the
chosen channels hold. Differences of less than two points are within what one seed can tell.
"""

from __future__ import annotations

import sys
from typing import Any

from _evidence import report
from _log import Asked, all_asked, drawn

import cutaway as cw
from cutaway.whitebox import GumbelConv2d, Scale

FIELD = slice(8, 28)  # the pixels that a middle unit of the second layer sees, with a margin


def choices(model: cw.Model, _: dict[str, Any]) -> dict[str, Any]:
    """What the kernels became: weights that eval reads, how settled choices are, and how sure scores are."""
    layers = [layer for layer in model.module.modules() if isinstance(layer, GumbelConv2d)]
    stored = sum(parameter.numel() for parameter in model.module.parameters())
    unread = sum(layer.weight.numel() + layer.choices.numel() - int(layer.chosen().sum()) for layer in layers)
    scale = next(layer.value.detach() for layer in model.module.modules() if isinstance(layer, Scale))
    settled = [f"{layer.agreement():.2f}" for layer in layers]
    return {
        "read": stored - unread,
        "settled": ", ".join(settled),
        "logit scale": round(float(scale), 2),
    }


def gumbel(question: str, variant: str, *settings: str, layer: str = "layer2.conv") -> Asked:
    """A variant of the recipe `gumbel`, on two narrow layers where nothing else is said."""
    widths = [] if any(each.startswith("widths") for each in settings) else ["widths=[24, 32]"]
    one = [] if any(each.startswith("top_k") for each in settings) else ["top_k=[1, 1]"]
    return Asked(question, variant, "gumbel", ["whitening=8", *widths, *one, *settings], layer, choices, epochs=2)


PUBLISHED = gumbel("the published network", "1, then 2 a place", "widths=[48, 64]", "top_k=[1, 2]")
QUESTIONS = [
    gumbel("Gumbel or plain", "plain; Muon", "top_k=[0, 0]"),
    gumbel("Gumbel or plain", "all channels; Adam, as the others", "top_k=[16, 24]", "settled=0"),
    gumbel("Gumbel or plain", "1 channel a place"),
    gumbel("Gumbel or plain", "1 a place, by lot, never learned", "settled=0"),
    gumbel("channels a place, by depth", "2, 2", "top_k=[2, 2]"),
    gumbel("channels a place, by depth", "4, 4", "top_k=[4, 4]"),
    gumbel("mixing 1 x 1 behind", "1 a place, mixed", "mixing=true", layer="layer2.mix"),
    PUBLISHED,
    gumbel("logit scale", "fixed at 8", "scale=8.0"),
    gumbel("layers", "three", "widths=[24, 32, 32]", "top_k=[1, 1, 1]", layer="layer3.conv"),
    gumbel("tau", "1 to 1", "cold=1.0"),
]


def main() -> None:
    rows = all_asked(QUESTIONS)
    for one, name in ((PUBLISHED, "gumbel_units"), (QUESTIONS[0], "plain_units")):
        print(drawn(one, name, FIELD), file=sys.stderr)
    told = {row["variant"]: row["accuracy, %"] for row in rows}
    one, lot, plain = (told[name] for name in (rows[2]["variant"], rows[3]["variant"], rows[0]["variant"]))
    claim = (
        "The research log on Gumbel convolutions, plane against car: kernels that read one channel a place tell 80 %, "
        "with a tenth of the weights of plain ones, which tell more; choices by lot are worth as much as learned ones"
    )
    report("whitebox_log_gumbel", claim, rows, 80 <= one < plain and abs(one - lot) < 2, rows[0]["n"])


if __name__ == "__main__":
    main()
