"""Answers about one picture and one model: plain functions from the bench to JSON or an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float

from cutaway.attribution import METHODS
from cutaway.blocks.channel_attribution import channel_attribution
from cutaway.blocks.places import raster_of
from cutaway.core.errors import LayerError, OptionError, choose
from cutaway.core.types import Unit
from cutaway.explain.maps import PATCHES, as_field
from cutaway.explain.recipes import RECIPES
from cutaway.nets.model import Model
from cutaway.report.drawing import Raster, enlarge, heat, overlay, to_raster
from cutaway.trace import activations, edit, graph, layout, layouts

SIGNED = {recipe.method: recipe.signed for recipe in RECIPES}
COARSE = ("grad_cam", "layer_cam", "score_cam", "occlusion", "prediction_difference")
MOST_ABLATED = 64
SMALL = 96
"""Pixels of the short side of a picture of where a unit fired."""

Grid = Float[torch.Tensor, "channels rows columns"]
QUICK: Mapping[str, dict[str, Any]] = {
    "integrated_gradients": {"steps": 24},
    "smoothgrad": {"samples": 12},
    "occlusion": {},
}


def model_facts(model: Model) -> dict[str, Any]:
    """What a page needs to know of a model."""
    found = layouts(model)
    shown = [
        {"name": name, "channels": axes.channels, "grid": list(axes.grid), "kind": model.layer(name).kind}
        for name, axes in found.items()
    ]
    return {
        "name": model.name,
        "note": model.note,
        "input": list(model.preprocess.shape),
        "classes": len(model.labels or ()),
        "labels": list(model.labels or ()),
        "layers": shown,
        "methods": list(METHODS),
    }


def graph_facts(model: Model) -> dict[str, Any]:
    """The computation graph, ready to draw."""
    return graph(model).to_dict()


def predictions(model: Model, pictures: torch.Tensor, ablated: Sequence[str], k: int = 6) -> list[dict[str, Any]]:
    """The likeliest classes, as the network is or without some of its units."""
    if len(ablated) > MOST_ABLATED:
        raise OptionError(f"{len(ablated)} units; expected at most {MOST_ABLATED}")
    units = [Unit.parse(text) for text in ablated]
    with torch.no_grad(), edit(model, {str(unit): 0.0 for unit in units}):
        logits = model(pictures)[0]
    return [vars(each) for each in model.predictions(logits, k)]


def attribution_map(
    model: Model, pictures: torch.Tensor, method: str, target: int | None, versus: int | None, layer: str | None
) -> tuple[Raster, dict[str, Any]]:
    """One map over the pale grey picture, as the explanation page draws it; and what was measured on it."""
    choose(method, METHODS, "method")
    options = dict(QUICK.get(method, {}))
    if method == "occlusion":
        height, width = pictures.shape[2:]
        options = {"window": (height // 5, width // 5), "stride": (height // 7, width // 7)}
    if layer is not None and method in ("grad_cam", "layer_cam", "guided_grad_cam", "score_cam"):
        options["layer"] = layer
    found = METHODS[method](model, pictures, target, versus=versus, batch_size=8, **options)
    signed = SIGNED.get(method, True)
    values = as_field(found.values[0], signed)
    gap = None if found.completeness_gap is None else float(found.completeness_gap[0])
    grain = 1 if method in COARSE else max(1, min(values.shape) // PATCHES)
    facts = {"signed": signed, "completeness_gap": gap, "layer": found.layer}
    return overlay(raster_of(pictures), values, signed, grain), facts


def grid_of(model: Model, pictures: torch.Tensor, layer: str) -> Grid:
    """What a layer answers to one picture, laid out on its grid."""
    axes = layout(model, layer)
    found: Grid = axes.to_grid(activations(model, pictures, [layer])[layer])[0].float().cpu()
    return found


def dictionary(values: Grid, layer: str, k: int = 4) -> dict[str, Any]:
    """Every place of a layer's grid (at most 14 a side) spelled in its k strongest channels."""
    rows, columns = (min(14, side) for side in values.shape[1:])
    coarse = F.adaptive_max_pool2d(values, (rows, columns))
    best = coarse.topk(min(k, len(coarse)), dim=0)
    strength = coarse.norm(dim=0)
    return {
        "layer": layer,
        "rows": rows,
        "columns": columns,
        "channels": best.indices.permute(1, 2, 0).flatten(0, 1).tolist(),
        "values": [[round(v, 3) for v in cell] for cell in best.values.permute(1, 2, 0).flatten(0, 1).tolist()],
        "strength": [round(v, 4) for v in (strength / strength.max().clamp_min(1e-9)).flatten().tolist()],
    }


def channels(
    model: Model, pictures: torch.Tensor, layer: str, target: int | None, versus: int | None, k: int = 8
) -> dict[str, Any]:
    """Which channels argued for a class (rather than another) and which against: gradient x activation, in logits."""
    found = channel_attribution(model, pictures, layer, target, versus, visualize=0)
    fired = found.activations.flatten(1)

    def one(channel: int) -> dict[str, Any]:
        peak = int(fired[channel].argmax())
        return {
            "unit": f"{layer}:{channel}",
            "value": float(found.values[channel]),
            "activation": float(fired[channel].max()),
            "place": list(divmod(peak, found.activations.shape[2])),
        }

    sides = found.strongest(k)
    return {
        "target": found.target,
        "versus": found.versus,
        "score": found.score,
        "for": [one(channel) for channel in sides[0]],
        "against": [one(channel) for channel in sides[1]],
    }


def gradients(model: Model, pictures: torch.Tensor, layer: str, targets: Sequence[int]) -> np.ndarray:
    """Units x pictures: how much each channel of a layer argued for each picture's class, in logits."""
    from cutaway.trace import trace

    axes = layout(model, layer)
    with torch.enable_grad():
        seen = trace(model, pictures, [layer], cut=layer)
        if seen.logits is None:
            raise LayerError(f"{model.name} gave no scores; expected some")
        score = seen.logits.gather(1, torch.tensor(targets)[:, None]).sum()
        slope = torch.autograd.grad(score, seen[layer])[0]
    product = axes.to_grid((slope * seen[layer]).detach())
    found: np.ndarray = product.sum(dim=(2, 3)).T.float().cpu().numpy()
    return found


def frame(model: Model, pictures: torch.Tensor, layers: Sequence[str], k: int = 6) -> dict[str, Any]:
    """One pass: the likeliest classes, and the strongest channels of each layer, for a camera's frames."""
    from cutaway.store.work import forward

    logits, pooled = forward(model, pictures, {layer: layout(model, layer) for layer in layers}, "auto")
    shown = []
    for layer in layers:
        values = pooled[layer].max[0]
        best = np.argsort(-values)[:k]
        shown.append(
            {
                "layer": layer,
                "channels": best.tolist(),
                "values": values[best].tolist(),
                "mean": float(pooled[layer].mean.mean()),
            }
        )
    return {"predictions": [vars(each) for each in model.predictions(logits[0].float(), 4)], "layers": shown}


def activation_picture(values: Grid, unit: Unit) -> Raster:
    """Where one unit fired, as a map without signs."""
    if not 0 <= unit.channel < len(values):
        raise LayerError(f'no unit "{unit}"; expected a channel from 0 to {len(values) - 1}')
    return enlarge(heat(values[unit.channel].clamp_min(0).double().numpy(), False), SMALL)


def picture_raster(pictures: torch.Tensor) -> Raster:
    return to_raster(pictures[0].detach().cpu().numpy())
