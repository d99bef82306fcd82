"""Which attribution maps an explanation shows, and what each of them means: a table, no code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """One map: an attribution method with its options, and its meaning in words.

    rather: whether it asks for the target rather than the other class (skipped where there is only one score).
    signed: whether negative values are shown as evidence against; else magnitudes are.
    fine: whether it says something of every pixel; then the overlay shows averages of small patches.
    weighed: whether it is read off layers that weigh their inputs (`whitebox`); other networks have no such map.
    looks_inside: whether it takes a layer; random: whether it takes a seed; covers: whether it takes a window.
    """

    method: str
    title: str
    says: str
    signed: bool
    rather: bool
    options: Mapping[str, Any] = field(default_factory=dict)
    fine: bool = False
    weighed: bool = False
    looks_inside: bool = False
    random: bool = False
    covers: bool = False


INTEGRATED: Mapping[str, Any] = {"tolerance": 0.05, "max_steps": 32}
SMOOTH: Mapping[str, Any] = {"samples": 12, "spread": 0.1}

RECIPES = (
    Recipe(
        "dynamic_linear",
        "Contributions",
        "What each pixel gives to the score by the weights that the network's layers have for this picture: read off, "
        "not estimated. Where all layers are made for it, these terms add up to the score.",
        signed=True,
        rather=False,
        fine=True,
        weighed=True,
    ),
    Recipe(
        "grad_cam",
        "Grad-CAM",
        "Where the layer's channels that raise the score fired. Coarse, but it shows which object or part counted.",
        signed=False,
        rather=False,
        looks_inside=True,
    ),
    Recipe(
        "grad_cam",
        "Grad-CAM, rather than",
        "Where channels fired that raise this class more than the other: the places that tell the two apart.",
        signed=False,
        rather=True,
        looks_inside=True,
    ),
    Recipe(
        "occlusion",
        "Occlusion",
        "How much the lead over the other class drops when a grey square covers the place. A measurement: no gradient, "
        "no approximation. Blue places speak for the other class.",
        signed=True,
        rather=True,
        covers=True,
    ),
    Recipe(
        "integrated_gradients",
        "Integrated gradients",
        "How much each pixel adds to the score on the way from a black picture to this one. "
        "The values of all pixels add up to the change of the score.",
        signed=True,
        rather=False,
        options=INTEGRATED,
        fine=True,
    ),
    Recipe(
        "smoothgrad",
        "SmoothGrad",
        "Which pixels the score is most sensitive to, averaged over noisy copies of the picture.",
        signed=False,
        rather=False,
        options=SMOOTH,
        fine=True,
        random=True,
    ),
    Recipe(
        "gradient",
        "Gradient",
        "Which pixels change the score most if they change a little. Sensitivity, not importance; noisy by nature.",
        signed=False,
        rather=False,
        fine=True,
    ),
)

SINGLE_OCCLUSION = Recipe(
    "occlusion",
    "Occlusion",
    "How much the score drops when a grey square covers the place. A measurement: no gradient, no approximation.",
    signed=True,
    rather=False,
    covers=True,
)
"""In place of the recipe above where there is no other class to compare with."""


def recipes(compared: bool, inside: bool, weighs: bool) -> list[Recipe]:
    """The maps of one explanation. compared: whether there is another class; inside: whether there is a layer to look
    into; weighs: whether layers weigh their inputs."""
    fitting = [
        recipe
        for recipe in RECIPES
        if (compared or not recipe.rather) and (inside or not recipe.looks_inside) and (weighs or not recipe.weighed)
    ]
    return fitting if compared else [*fitting, SINGLE_OCCLUSION]
