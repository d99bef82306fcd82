"""Neuron groups on photographs with SqueezeNet: error, stability, additivity, the literal derivation, and ablation."""

from __future__ import annotations

import torch
from _evidence import QUICK, SHARED, bootstrap, report
from scipy.stats import spearmanr

import cutaway as cw
from cutaway.blocks import neuron_groups
from cutaway.blocks.factorization import agreement, factorize
from cutaway.nets import Model
from cutaway.trace import activations, layout, trace

LAYERS = ("features.12", "features.9", "features.7")
GROUPS, CLASSES, SEEDS = 6, 5, 4
COUNT = 4 if QUICK else 24


MEANS = (
    ("error", "left over, as a share of the activations' norm"),
    ("stability", "stability: cosine with the groups of other random starts"),
    ("answer", "the same between answers for 4 seeds"),
    ("rank", "rank correlation of contribution and ablation, 6 groups x 5 likeliest classes"),
    ("within", "the same within the predicted class, 6 groups"),
)
WORST = {
    "gap": "groups + rest less the linear part, all 1000 classes, relative, worst",
    "literal": "literal derivation against ours, relative, worst",
}


def shown(found: list[dict[str, float]], key: str) -> str:
    """A mean over photographs with its 95 % interval."""
    values = [each[key] for each in found]
    low, high = bootstrap(values)
    return f"{sum(values) / len(values):.3f} ({low:.3f} to {high:.3f})"


def literal(model: Model, picture: torch.Tensor, layer: str, maps: torch.Tensor, what: torch.Tensor, cls: int):
    """Each group's contribution to one class: the class's own backward pass, then sums over places and channels."""
    with torch.enable_grad():
        seen = trace(model, picture, [layer], cut=layer)
        gradient = torch.autograd.grad(seen.logits[0, cls], seen[layer])[0][0].double()
    parts = [maps[g].double()[None] * what[g].double()[:, None, None] for g in range(len(what))]
    whole = float((gradient * seen[layer].detach()[0].double()).sum())
    return torch.tensor([float((gradient * part).sum()) for part in parts]), whole


def one(model: Model, path: object, layer: str) -> dict[str, float]:
    """All figures of one photograph at one layer."""
    picture = model.prepare(path)
    found = neuron_groups(model, picture, layer, GROUPS, visualize=False)
    grid = layout(model, layer).to_grid(activations(model, picture, [layer])[layer])[0]
    flat = grid.flatten(1).T.double().numpy()
    again = [factorize(flat, GROUPS, seed=seed).what for seed in range(1, SEEDS)]
    likeliest = found.logits[0].topk(CLASSES).indices
    linear, measured = found.contributions[0][:, likeliest], found.measured[0][:, likeliest]
    total = found.contributions.sum(1) + found.rest
    by_hand, whole = literal(model, picture, layer, found.maps[0], found.directions, int(likeliest[0]))
    error = float((linear[:, 0].double() - by_hand).abs().max() / by_hand.abs().max())
    return {
        "error": found.error,
        "stability": found.stability,
        "answer": sum(agreement(found.directions.double().numpy(), each) for each in again) / len(again),
        "gap": float((total - found.linear).abs().max() / found.linear.abs().max()),
        "literal": max(error, abs(float(found.linear[0, likeliest[0]]) - whole) / abs(whole)),
        "rank": float(spearmanr(linear.flatten(), measured.flatten())[0]),
        "within": float(spearmanr(linear[:, 0], measured[:, 0])[0]),
    }


def main() -> None:
    weights, labels = SHARED / "models/squeezenet1_1_imagenet.safetensors", SHARED / "data/imagenet_labels.json"
    model = cw.load("squeezenet1_1", weights=weights, labels=labels)
    photos = sorted((SHARED / "data/photos").glob("*.jpg"))
    photos = photos[:: len(photos) // COUNT][:COUNT]
    by_layer = {layer: [one(model, path, layer) for path in photos] for layer in LAYERS}
    rows = [{"figure": says, **{layer: shown(found, key) for layer, found in by_layer.items()}} for key, says in MEANS]
    worst = {key: max(each[key] for found in by_layer.values() for each in found) for key in WORST}
    for key, says in WORST.items():
        rows.append({"figure": says, **{layer: max(each[key] for each in found) for layer, found in by_layer.items()}})
    sure = bootstrap([each["rank"] for each in by_layer[LAYERS[0]]])[0] > 0.9
    report(
        "neuron_groups",
        "neuron groups and the rest add up to the linear part of every score; the literal derivation agrees to 1e-4; "
        "what ablation measures is in the order that they say",
        rows,
        sure and all(figure <= 1e-4 for figure in worst.values()),
        n=len(photos),
    )


main()
