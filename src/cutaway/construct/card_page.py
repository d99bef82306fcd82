"""The card as a page: one HTML file with its pictures inside, and nothing in it that anybody else wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from markupsafe import Markup

from cutaway import featurevis
from cutaway.construct.cards import extremes
from cutaway.construct.figures import upsampled
from cutaway.construct.materials import Material
from cutaway.construct.tree import Recogniser, Tree, maps
from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess
from cutaway.report.drawing import Field, Raster, overlay, png, resize, tile, to_raster
from cutaway.report.selfcontained import asset, data_uri, template

SIDE = 96
STEPS = 64
SAID = {
    "balanced_accuracy": "balanced accuracy",
    "auroc": "AUROC",
    "pointing": "points at it",
    "iou": "IoU of map and mask",
    "follows": "follows it when moved",
}


def page(card: dict[str, Any], tree: Tree, stuff: Material, probes: Sequence[str]) -> str:
    """The page of a card."""
    node = card["node"]
    best, worst = extremes(tree, node, stuff)
    return template("card.html.j2", {"words": words}).render(
        card=card,
        style=asset("base.css"),
        figures=[(says, card["figures"][name]) for name, says in SAID.items()],
        dream=drawn(dream(tree, node, stuff.pictures.shape[-1])),
        probes=drawn(_lit(tree, node, stuff, [stuff.places[one] for one in probes])),
        best=drawn(_grid(stuff, best.tolist())),
        worst=drawn(_grid(stuff, worst.tolist())),
    )


def dream(tree: Tree, node: str, size: int) -> Raster:
    """A picture made to please a node, through all networks below it."""
    net = Recogniser(tree, [node]).eval()
    model = Model(net, preprocess=Preprocess(size=size, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)), labels=[node])
    seen = featurevis.visualize(
        model, featurevis.class_score(node), size=size, steps=STEPS, precision="float32", cache=False
    )
    return resize(to_raster(seen.pictures[0].numpy()), 2 * SIDE, 2 * SIDE)


def _lit(tree: Tree, node: str, stuff: Material, places: Sequence[int]) -> Raster:
    """Pictures, and below each the same with the node's chances laid over it."""
    if not places:
        return np.full((8, 8, 3), 255, dtype=np.uint8)
    pictures = stuff.pictures[torch.tensor(places)]
    chances = upsampled(maps(tree, pictures, [node])[node].sigmoid(), pictures.shape[-1]).numpy()
    above = [raster(picture) for picture in pictures]
    below = [glowing(picture, chance) for picture, chance in zip(above, chances, strict=True)]
    return tile([above, below], SIDE)


def glowing(picture: Raster, chances: Field) -> Raster:
    """A picture with a node's chances laid over it; one that fires nowhere stays dark, however its map is scaled."""
    return overlay(picture, chances if chances.max() >= 0.5 else np.zeros_like(chances), signed=False)


def _grid(stuff: Material, places: Sequence[int]) -> Raster:
    shown = [raster(stuff.pictures[place]) for place in places]
    return tile([shown[start : start + 3] for start in range(0, len(shown), 3)], SIDE)


def raster(picture: torch.Tensor) -> Raster:
    """A picture of bytes as a raster of three times its pixels."""
    return to_raster(picture.float().div(255).numpy()).repeat(3, axis=0).repeat(3, axis=1)


def drawn(image: Raster) -> Markup:
    """A raster as an address that holds it."""
    return data_uri(png(image))


def words(node: str) -> str:
    """A node's id as people read it."""
    return node.replace("_", " ")
