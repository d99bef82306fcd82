"""Can pictures be written down in every way, do all objectives rise, and does their algebra hold?

python evidence/parameterizations.py [--quick]
"""

from __future__ import annotations

import torch
from _evidence import QUICK, SHARED, report
from torch import Tensor

from cutaway.core.seeds import generator
from cutaway.data.pictures import read_image
from cutaway.featurevis import (
    PARAMETERIZATIONS,
    Objective,
    activation_match,
    alignment,
    class_score,
    copies,
    deepdream,
    direction,
    diversity,
    moved_scores,
    neuron,
    unit,
    visualize,
)
from cutaway.featurevis.maco import draw, start
from cutaway.featurevis.objectives import as_objective
from cutaway.featurevis.spectrum import natural
from cutaway.nets import load
from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess

SIZE, PHOTOGRAPHS = 128, 4 if QUICK else 10
DESCENT, RATE = 400, 0.3
ERROR, MAGNITUDE, ROUNDING = 0.01, 1e-4, 1e-5


def written(name: str, photographs: Tensor) -> list[dict[str, object]]:
    """How far a photograph is from itself, written down and drawn again, and found by descent from grey."""
    form = PARAMETERIZATIONS[name]
    assert form.write is not None
    back = (form.render(form.write(photographs), SIZE) - photographs).abs().mean(dim=(1, 2, 3))
    begun = [form.start(3, SIZE, generator(index)) for index in range(len(photographs))]
    numbers = torch.stack(begun).requires_grad_()
    adam = torch.optim.Adam([numbers], lr=RATE)
    for step in range(DESCENT):
        adam.param_groups[0]["lr"] = RATE * (1 - step / DESCENT)
        loss = (form.render(numbers, SIZE) - photographs).square().mean(dim=(1, 2, 3)).sum()
        (numbers.grad,) = torch.autograd.grad(loss, numbers)
        adam.step()
    found = (form.render(numbers, SIZE) - photographs).abs().mean(dim=(1, 2, 3)).detach()
    return [
        {"what": f"{name}: {how}", "n": len(each), "worst": f"{float(each.max()):.2g}", "at most": ERROR}
        for how, each in (("photographs written and drawn", back), (f"found by {DESCENT} steps of descent", found))
    ]


def magnitudes() -> dict[str, object]:
    """How far MaCo's magnitudes are from those that it keeps, whatever the phases, as a share of them."""
    worst, sizes = 0.0, (16, 17, 64, 128)
    for size in sizes:
        phases = 10 * torch.stack([start(3, size, generator(seed)) for seed in range(8)])
        kept, wanted = torch.fft.rfft2(draw(phases, size), norm="forward").abs(), natural(3, size)
        worst = max(worst, float(((kept - wanted).abs() / wanted.amax()).max()))
    return {
        "what": "MaCo: magnitudes kept, any phases",
        "n": 8 * len(sizes),
        "worst": f"{worst:.2g}",
        "at most": MAGNITUDE,
    }


def objectives(layer: str, photograph: Tensor, channels: int) -> dict[str, Objective]:
    """One of each kind."""
    return {
        "unit": unit(f"{layer}:1"),
        "neuron": neuron(f"{layer}:2", 1, 1),
        "direction": direction(layer, torch.randn(channels, generator=generator(0))),
        "class_score": class_score(1),
        "deepdream": deepdream(layer),
        "diversity": -diversity(layer),
        "alignment": alignment(layer),
        "caricature": activation_match(layer, photograph),
        "inversion": activation_match(layer, photograph, "inversion"),
        "a function": as_objective(lambda seen: seen[layer].square().mean()),
    }


def raised(model: Model, layer: str, photographs: Tensor, channels: int) -> dict[str, object]:
    """How many objectives three steps raise; those that compare pictures, from three photographs."""
    risen, kinds = [], objectives(layer, photographs[3], channels)
    for name, objective in kinds.items():
        several = name in ("diversity", "alignment")
        wanted = copies(objective, 3) if several else objective
        given = photographs[:3] if several else None
        found = visualize(model, wanted, size=64, steps=3, transforms="none", start=given, cache=False)
        risen.append(bool(found.scores.sum() > found.history[:, 0].sum()))
    return {"what": f"{model.name}: objectives raised by three steps", "n": len(kinds), "held": sum(risen)}


def algebra(model: Model, layer: str, photographs: Tensor, channels: int) -> dict[str, object]:
    """How far the score of a sum of all objectives is from the sum of theirs, as a share of its largest addend."""
    kinds = objectives(layer, photographs[3], channels)
    kinds.pop("a function")  # which sees one picture at a time
    shown = (
        Preprocess(64).fit(photographs[0])[None].expand(3, -1, -1, -1)
        * torch.tensor([1.0, 0.8, 0.6])[:, None, None, None]
    )
    weights = torch.randn(len(kinds), generator=generator(1)).tolist()
    total = copies(unit(f"{layer}:0") - unit(f"{layer}:0"), 3)
    expected, largest = torch.zeros(3), torch.zeros(3)
    for weight, objective in zip(weights, kinds.values(), strict=True):
        total = total + 2 * (objective * weight) / 4 - objective * (-weight / 2)
        alone = weight * moved_scores(model, copies(objective, 3), shown, transforms="none", draws=1)
        expected, largest = expected + alone, torch.maximum(largest, alone.abs())
    together = moved_scores(model, total, shown, transforms="none", draws=1)
    worst = float(((together - expected).abs() / largest).max())
    return {"what": f"{model.name}: a sum of all objectives against the sum of their scores", "n": 3 * len(kinds),
            "worst": f"{worst:.2g}", "at most": ROUNDING}  # fmt: skip


def main() -> None:
    fit = Preprocess(SIZE).fit
    paths = sorted((SHARED / "data" / "photos").glob("*.jpg"))[:: 500 // PHOTOGRAPHS][:PHOTOGRAPHS]
    photographs = torch.stack([fit(read_image(path)) for path in paths])
    rows = [row for name in ("pixel", "fourier", "laplacian") for row in written(name, photographs)]
    rows.append(magnitudes())
    squeezenet = load(f"squeezenet1_1@{SHARED / 'models' / 'squeezenet1_1_imagenet.safetensors'}")
    for model, layer, channels in ((load("cifar10"), "stage2", 144), (squeezenet, "features.9", 384)):
        rows += [raised(model, layer, photographs, channels), algebra(model, layer, photographs, channels)]
    for row in rows:
        row["passed"] = (
            row["held"] == row["n"] if "held" in row else float(str(row["worst"])) <= float(str(row["at most"]))
        )
    claim = (
        f"pixels, waves and pyramids reproduce photographs to a mean error below {ERROR}; MaCo keeps its magnitudes to "
        f"{MAGNITUDE:g}; three steps raise every objective; the score of a sum of objectives is the sum of their scores"
    )
    report("parameterizations", claim, rows, all(bool(row["passed"]) for row in rows), n=PHOTOGRAPHS)


if __name__ == "__main__":
    main()
