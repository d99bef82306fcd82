"""The colours of evidence, one pair for page and pictures: orange argues for, blue against, told apart without red or
green. Colour never stands alone: the page adds signs and hatching, pictures add contours."""

from __future__ import annotations

FOR = "#b84d06"
"""Evidence for the target on light paper; on white it has 5.1 : 1 contrast."""

AGAINST = "#1f62a8"
"""Evidence against the target on light paper; on white it has 6.2 : 1 contrast."""

DIVERGING = ("#0b3a6f", "#1f62a8", "#7fb0dc", "#ffffff", "#f6b27a", "#b84d06", "#6e2a00")
"""Stops from the strongest evidence against (-1) over none (0, white) to the strongest evidence for (+1)."""

SEQUENTIAL = ("#ffffff", "#fbd9b5", "#f6a860", "#dd6f1b", "#a63c00", "#541c00")
"""Stops of a map without signs, from nothing (white) to the strongest place."""

GROUPS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999")
"""Colours of parts that stand side by side without order (Okabe and Ito 2008)."""
