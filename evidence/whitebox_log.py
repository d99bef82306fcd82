"""The research log's questions about parts, local features and alignment: a row each, one seed.

Plane against car, one epoch of 5,000 pictures, scored on 5,000 held-out training pictures; the test set stays unread.
"units that agree": live units of the layer whose gradients on 32 pictures of noise have a mean cosine of at least 0.5.
Differences of less than two points are within what one seed can tell. What else the log asks: whitebox_log_gumbel,
whitebox_log_layers, whitebox_log_places; positive weights: whitebox_positive.
"""

from __future__ import annotations

from _evidence import report
from _log import Asked, all_asked

PARTS, LOCAL, ALIGNED = "parts.conv", "layer3.conv", "stage2.conv2"
QUESTIONS = [
    Asked("parts: anywhere or by direction", "anywhere", "conjunction-disjunction", [], PARTS),
    Asked("parts: anywhere or by direction", "by direction, reach 3", "directional", [], PARTS),
    Asked("parts: how far they may move", "reach 1", "directional", ["reach=1"], PARTS),
    Asked("parts: how many cases of a class", "one", "conjunction-disjunction", ["cases=1"], PARTS),
    Asked("parts: how soft the disjunction", "temperature 3", "conjunction-disjunction", ["temperature=3.0"], PARTS),
    Asked("local features", "patches of 10 pixels", "bagnet", ["widths=[48, 64, 64]"], LOCAL),
    Asked("local features", "patches of 14 pixels", "bagnet", ["widths=[48, 64, 64]", "deep=3"], LOCAL),
    Asked("alignment", "B-cos, B = 1", "bcos", ["start=", "widths=[32, 64]", "b=1.0"], ALIGNED),
    Asked("alignment", "B-cos, B = 2", "bcos", ["start=", "widths=[32, 64]", "b=2.0"], ALIGNED),
]


def main() -> None:
    rows = all_asked(QUESTIONS)
    claim = (
        "The research log on parts, local features and alignment, plane against car: every question with its networks, "
        "each of which tells the two apart (65 % at least)"
    )
    report("whitebox_log", claim, rows, all(each["accuracy, %"] >= 65 for each in rows), rows[0]["n"])


if __name__ == "__main__":
    main()
