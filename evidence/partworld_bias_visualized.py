"""Does the picture of a class show what its network went by? Marks, looked for in class visualizations.

Two networks trained alike (evidence/_biased.py): in one's world a mark goes with the class, in the other's it says
nothing. Every class is visualized with both, from several seeds, by the defaults. A mark is looked for by a matched
filter: how like the mark's colour are the pixels inside its outline, and how unlike those around it, at the best place;
for each mark in units of its spread over all pictures of the network. The mark that stands out most is the picture's
answer; it should be the mark of the class (1 of 20 by chance). Draws docs/images/partworld/bias_seen.jpg.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from _biased import WIDTH, marked, network, pictures_of
from _evidence import QUICK, ROOT, bootstrap, report, wilson
from PIL import Image
from torch import Tensor

import cutaway as cw
from cutaway import featurevis
from cutaway.data.partworld import LABELS, sample_scene
from cutaway.data.partworld.bias import mark

SEEDS = range(1 if QUICK else 5)
SHOWN = ("daisy", "sunflower", "poppy", "primrose", "finch", "wagtail", "heron", "tern", "goldfish", "shark")
TOLERANCE = 0.25  # distance of colours, as vectors in [0, 1], at which a pixel counts 0.6
RIM = 3  # pixels around a mark that should be unlike it
PICTURE = ROOT / "docs/images/partworld/bias_seen.jpg"


def visualized(model: cw.Model, seed: int) -> Tensor:
    """One picture for each class, (20, 3, 64, 64)."""
    objective = featurevis.batch([featurevis.class_score(label) for label in LABELS])
    return featurevis.visualize(model, objective, size=64, seed=seed).pictures


def outline(form: str) -> Tensor:
    """The filter of a mark's form: positive inside, negative around it, each adding up to one."""
    radius = {"round": 0.05, "square": 0.045}[form] * WIDTH * 64
    along = torch.arange(-9.0, 10.0)
    far = torch.hypot(along[:, None], along) if form == "round" else torch.maximum(along[:, None].abs(), along.abs())
    inside, around = (far <= radius).float(), ((far > radius + 0.5) & (far <= radius + RIM)).float()
    return inside / inside.sum() - around / around.sum()


def standing_out(pictures: Tensor) -> Tensor:
    """How much each of the twenty marks stands out of each picture, (pictures, marks)."""
    found = []
    for label in LABELS:
        part = mark(label).parts[0]
        distance = (pictures - torch.tensor(part.tone).view(1, 3, 1, 1)).square().sum(dim=1, keepdim=True)
        like = torch.exp(-distance / (2 * TOLERANCE**2))
        found.append(F.conv2d(like, outline(str(part.kind))[None, None]).flatten(1).amax(dim=1))
    amounts = torch.stack(found, dim=1)
    return (amounts - amounts.mean(dim=0)) / amounts.std(dim=0)


def row(name: str, pictures: Tensor) -> dict[str, object]:
    """How often the mark that stands out most is the class's, and by how much the class's stands out."""
    amounts = standing_out(pictures)
    classes = torch.arange(len(LABELS)).repeat(len(pictures) // len(LABELS))
    answers = amounts.argmax(dim=1)
    own = amounts.gather(1, classes[:, None])[:, 0].double().numpy()
    hits, colours = int((answers == classes).sum()), int((answers % 10 == classes % 10).sum())
    return {
        "network": name,
        "its class's mark stands out most": round(hits / len(classes), 3),
        "95 %": [round(end, 3) for end in wilson(hits, len(classes))],
        "by chance": 1 / len(LABELS),
        "its colour": round(colours / len(classes), 3),
        "colour's 95 %": [round(end, 3) for end in wilson(colours, len(classes))],
        "own mark, in spreads over all pictures": round(float(own.mean()), 2),
        "spreads' 95 %": [round(end, 2) for end in bootstrap(own)],
        "n": len(classes),
    }


def drawn(astray: Tensor, fair: Tensor) -> Image.Image:
    """For ten classes: a scene with its mark, the class as the biased network sees it, and as the fair one does."""
    which = [LABELS.index(label) for label in SHOWN]
    scenes = pictures_of(
        [marked(sample_scene(8, number, "test", label), label, 0) for number, label in enumerate(SHOWN)]
    )
    rows = [
        [np.asarray(_image(picture).resize((128, 128), Image.Resampling.LANCZOS)) for picture in some]
        for some in (scenes, astray[which], fair[which])
    ]
    framed = [[np.pad(each, ((0, 8), (0, 8), (0, 0)), constant_values=255) for each in some] for some in rows]
    return Image.fromarray(np.concatenate([np.concatenate(some, axis=1) for some in framed])[:-8, :-8])


def _image(picture: Tensor) -> Image.Image:
    return Image.fromarray((picture.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy())


def main() -> None:
    pictures = {name: [visualized(network(name), seed) for seed in SEEDS] for name in ("mark", "fair")}
    rows = [row(f"partworld, {name}", torch.cat(found)) for name, found in pictures.items()]
    if not QUICK:
        drawn(pictures["mark"][0], pictures["fair"][0]).save(PICTURE, quality=92, subsampling=0, optimize=True)
    claim = (
        "The class visualizations of a network that was led astray by a mark contain the mark: a matched filter finds "
        "it there, and not in those of a network trained alike in a fair world"
    )
    ends = [one["95 %"] for one in rows]
    report("partworld_bias_visualized", claim, rows, ends[0][0] > ends[1][1], len(LABELS) * len(SEEDS))  # type: ignore[index]


if __name__ == "__main__":
    main()
