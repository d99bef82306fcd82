"""The card as a page: one HTML file with its pictures inside, and nothing in it that anybody else wrote."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import jinja2
import numpy as np
import torch

from cutaway import featurevis
from cutaway.construct.cards import extremes
from cutaway.construct.figures import upsampled
from cutaway.construct.materials import Material
from cutaway.construct.tree import Recogniser, Tree, maps
from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess
from cutaway.report.drawing import Field, Raster, overlay, png, resize, tile, to_raster

SIDE = 96
STEPS = 64
SAID = {
    "balanced_accuracy": "balanced accuracy",
    "auroc": "AUROC",
    "pointing": "points at it",
    "iou": "IoU of map and mask",
    "follows": "follows it when moved",
}

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{{ card.node }}</title>
<style>
 body { font: 16px/1.5 Georgia, serif; color: #14181f; max-width: 62rem; margin: 2.5rem auto; padding: 0 1.5rem; }
 h1 { font-size: 2rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
 .row { display: flex; gap: 2.5rem; flex-wrap: wrap; }
 img { display: block; max-width: 100%; image-rendering: pixelated; }
 table { border-collapse: collapse; font: 14px/1.6 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
 th { text-align: left; font-weight: 600; padding-right: 2rem; } td { text-align: right; padding: 0 0 0 1.5rem; }
 tr + tr { border-top: 1px solid #e4e2dc; } p, figcaption { color: #4a5160; margin: .3rem 0; } figure { margin: 0; }
 code { font-size: .85rem; background: #f4f2ec; padding: .15rem .4rem; border-radius: 3px; overflow-wrap: anywhere; }
</style></head><body>
<h1>{{ card.node | replace("_", " ") }}</h1><p>{{ card.claim.split(": ", 1)[1] }}</p>
<div class="row"><div><h2>On {{ card.figures.balanced_accuracy.n }} pictures that it has never seen</h2>
<table><tr><th></th><td>figure</td><td>95 % interval</td><td>n</td></tr>
{% for name, figure in figures %}<tr><th>{{ name }}</th><td>{{ "%.3f" | format(figure.value) }}</td>
<td>{{ "%.3f" | format(figure.low) }} to {{ "%.3f" | format(figure.high) }}</td><td>{{ figure.n }}</td></tr>
{% endfor %}</table></div>
{% if card.figures.children %}<div><h2>Without each of its children</h2><table>
{% for child, loss in card.figures.children.items() %}<tr>
<th>{{ "all of them" if child == "*" else child | replace("_", " ") }}</th>
<td>{{ "%+.1f" | format(-100 * loss) }} points</td></tr>{% endfor %}</table></div>{% endif %}
{% if card.change %}<div><h2>Since the previous version</h2><table>
{% for name, step in card.change.items() %}<tr>
<th>{{ name | replace("_", " ") }}</th><td>{{ "%+.3f" | format(step) }}</td></tr>
{% endfor %}</table></div>{% endif %}
<figure><h2>What it looks for</h2><img alt="a picture made to please this node" src="{{ dream }}"></figure></div>
<h2>Locked pictures, and where it fires on them</h2><img alt="twelve pictures above their maps" src="{{ probes }}">
<div class="row"><figure><h2>Where it is surest</h2><img alt="nine pictures" src="{{ best }}"></figure>
<figure><h2>Where it errs, or comes nearest to it</h2><img alt="nine pictures" src="{{ worst }}"></figure></div>
<h2>Make it again</h2><p><code>{{ card.command }}</code></p><p>weights <code>{{ card.weights[:16] }}</code></p>
</body></html>
"""


def page(card: dict[str, Any], tree: Tree, stuff: Material, probes: Sequence[str]) -> str:
    """The page of a card."""
    node = card["node"]
    best, worst = extremes(tree, node, stuff)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.Undefined)
    return environment.from_string(_PAGE).render(
        card=card,
        figures=[(says, card["figures"][name]) for name, says in SAID.items()],
        dream=_uri(dream(tree, node, stuff.pictures.shape[-1])),
        probes=_uri(_lit(tree, node, stuff, [stuff.places[one] for one in probes])),
        best=_uri(_grid(stuff, best.tolist())),
        worst=_uri(_grid(stuff, worst.tolist())),
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


def _uri(image: Raster) -> str:
    return f"data:image/png;base64,{base64.b64encode(png(image)).decode()}"
