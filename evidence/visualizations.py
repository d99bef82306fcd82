"""Do visualizations show what excites a channel? Each against all 500 photographs.

python evidence/visualizations.py [--quick]
"""

from __future__ import annotations

import torch
from _evidence import QUICK, SHARED, bootstrap, report, wilson
from torch import Tensor

from cutaway.data.pictures import read_image
from cutaway.featurevis import units, visualize
from cutaway.nets import load
from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess
from cutaway.trace import activations

LAYERS, SIZE, STEPS = ("features.9", "features.12"), 128, 128
CHANNELS = 32  # of each layer, where it has to be quick
NEEDED = 0.97
FLAT = 0.03  # standard deviation over a picture's pixels below which it is a grey field
ENDS = 0.02  # distance from black or white at which a value is at an end
SATURATED = 0.25  # share of values at the ends from which a picture is


def photographs() -> Tensor:
    """All of them, the centre at 128 px."""
    fit = Preprocess(SIZE).fit
    return torch.stack([fit(read_image(path)) for path in sorted((SHARED / "data" / "photos").glob("*.jpg"))])


def compare(model: Model, layer: str, on_photos: Tensor) -> dict[str, object]:
    """One layer: mean activations of its channels on the photographs (500, channels) against those on the pictures."""
    most = on_photos.amax(dim=0)
    alive = (most > 0).nonzero()[:, 0].tolist()
    chosen = alive[:: max(1, len(alive) // CHANNELS)][:CHANNELS] if QUICK else alive
    found = visualize(model, units([f"{layer}:{channel}" for channel in chosen]), size=SIZE, steps=STEPS)
    scores = activations(model, found.pictures, [layer], batch_size=32)[layer].mean(dim=(2, 3))
    ratios = scores[range(len(chosen)), chosen] / most[chosen]
    beaten = int((ratios > 1).sum())
    spread = found.pictures.flatten(2).std(dim=2).mean(dim=1)
    at_ends = ((found.pictures < ENDS) | (found.pictures > 1 - ENDS)).float().mean(dim=(1, 2, 3))
    low, high = wilson(beaten, len(chosen))
    return {
        "layer": layer,
        "channels that fire": len(alive),
        "tested": len(chosen),
        "beyond every photograph": beaten,
        "share": round(beaten / len(chosen), 4),
        "interval": f"{low:.3f} to {high:.3f}",
        "median ratio": round(float(ratios.median()), 2),
        "interval of the median": "{:.2f} to {:.2f}".format(
            *bootstrap(ratios.tolist(), lambda each: float(torch.tensor(each).median()), 500)
        ),
        "least ratio": round(float(ratios.min()), 2),
        "grey fields": int((spread < FLAT).sum()),
        "least contrast": round(float(spread.min()), 3),
        "values at the ends": round(float(at_ends.mean()), 4),
        "saturated pictures": int((at_ends > SATURATED).sum()),
    }


def main() -> None:
    model = load(f"squeezenet1_1@{SHARED / 'models' / 'squeezenet1_1_imagenet.safetensors'}")
    seen = activations(model, photographs(), list(LAYERS), batch_size=25)
    rows = [compare(model, layer, seen[layer].mean(dim=(2, 3))) for layer in LAYERS]
    claim = (
        f"at least {NEEDED:.0%} of SqueezeNet's channels that fire on the 500 photographs are excited more by their "
        f"visualization ({SIZE} px, {STEPS} steps, as it is, mean over places, float32) than by any photograph; "
        f"none is a grey field, and less than {SATURATED:.0%} of all values are at the ends"
    )
    passed = all(
        float(str(row["share"])) >= NEEDED
        and row["grey fields"] == 0
        and float(str(row["values at the ends"])) < SATURATED
        for row in rows
    )
    report("visualizations", claim, rows, passed, n=sum(int(str(row["tested"])) for row in rows))


if __name__ == "__main__":
    main()
