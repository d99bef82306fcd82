"""Bad input to what shows networks, and what has to come of each: an error, or an answer that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cutaway import attribution, blocks, featurevis
from cutaway.core.errors import CutawayError
from cutaway.nets import Model, Preprocess


class Beside(nn.Module):
    """A convolution that feeds the scores, and one whose output nobody uses; the last channel of `dead` never fires."""

    def __init__(self) -> None:
        super().__init__()
        self.beside = nn.Conv2d(3, 4, 3, padding=1)
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.dead = nn.Sequential(nn.Conv2d(8, 6, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(6, 5)
        with torch.no_grad():
            self.dead[0].weight[5], self.dead[0].bias[5] = 0.0, -1.0

    def forward(self, x: Tensor) -> Tensor:
        self.beside(x)
        return self.head(self.dead(self.first(x)).mean(dim=(2, 3)))


@dataclass(frozen=True)
class Case:
    """One mistake, and what should come of it: an error, or an answer with a warning (or that is simply right)."""

    name: str
    do: Callable[[Model, Tensor], Any]
    expected: str = "error"


def draw(model: Model, objective: Any, **options: Any) -> Any:
    return featurevis.visualize(model, objective, size=32, steps=8, cache=False, **options)


def everything(pictures: Tensor) -> Tensor:
    """A regularizer whose gradient drowns every other."""
    return 1e30 * pictures.square().mean(dim=(1, 2, 3))


def nothing_left(pictures: Tensor) -> Tensor:
    """A regularizer that is not a number."""
    return (pictures - pictures).mean(dim=(1, 2, 3)) / 0.0


CASES = (
    Case("objective on a dead channel", lambda m, p: draw(m, "dead:5"), "warning"),
    Case("objective on a layer that does not feed the class", lambda m, p: draw(m, "beside:0"), "answer"),
    Case("a class that is not there", lambda m, p: draw(m, featurevis.class_score(9))),
    Case("a channel that is not there", lambda m, p: draw(m, "first:99")),
    Case("a direction of another length", lambda m, p: draw(m, featurevis.direction("first", torch.ones(3)))),
    Case("a neuron outside the grid", lambda m, p: draw(m, featurevis.neuron("first:0", 999, 0))),
    Case("a regularizer that removes everything",
         lambda m, p: draw(m, "first:0", regularizers=[("clip_norm", 1.0)]), "warning"),
    Case("a regularizer's weight out of range", lambda m, p: draw(m, "first:0", regularizers=[("decay", 1e9)])),
    Case("a charge that drowns the score", lambda m, p: draw(m, "first:0", regularizers=[everything]), "answer"),
    Case("a regularizer that is not a number", lambda m, p: draw(m, "first:0", regularizers=[nothing_left]), "warning"),
    Case("a regularizer that nobody knows", lambda m, p: draw(m, "first:0", regularizers=["beauty"])),
    Case("channel attribution at a layer that does not feed the class",
         lambda m, p: blocks.channel_attribution(m, p, "beside", visualize=0), "warning"),
    Case("spatial attribution at a layer that does not feed the class",
         lambda m, p: blocks.spatial_attribution(m, p, "beside"), "warning"),
    Case("neuron groups of a layer that does not feed the class",
         lambda m, p: blocks.neuron_groups(m, p, "beside", 2, visualize=False), "warning"),
    Case("a source that does not feed the layer",
         lambda m, p: blocks.spatial_attribution(m, p, "first", source="dead")),
    Case("more groups than channels", lambda m, p: blocks.neuron_groups(m, p, "dead", 7)),
    Case("groups of a picture that silences the layer",
         lambda m, p: blocks.neuron_groups(silenced(m), p, "dead", 2)),
    Case("a place outside the grid", lambda m, p: blocks.semantic_dictionary(m, p, "dead", at=[(99, 0)])),
    Case("a layer without places", lambda m, p: blocks.activation_grid(m, p, "head")),
    Case("a layer that is not there", lambda m, p: blocks.activation_grid(m, p, "deid")),
    Case("target out of range", lambda m, p: attribution.gradient(m, p, 5)),
    Case("a target for another number of pictures", lambda m, p: attribution.gradient(m, p, torch.tensor([0, 1, 2]))),
    Case("a label that nobody knows", lambda m, p: attribution.gradient(m, p, "unicorn")),
    Case("versus is the target", lambda m, p: attribution.gradient(m, p, 1, versus=1)),
    Case("a mask (baseline) of another size",
         lambda m, p: attribution.integrated_gradients(m, p, 1, baseline=torch.zeros(3, 7, 7))),
    Case("an occluding window larger than the picture", lambda m, p: attribution.occlusion(m, p, 1, window=99)),
    Case("a CAM at a layer that does not feed the class",
         lambda m, p: attribution.grad_cam(m, p, 1, layer="beside"), "either"),
    Case("a CAM at a layer without places", lambda m, p: attribution.grad_cam(m, p, 1, layer="head")),
    Case("weights that are NaN", lambda m, p: m.predict(broken(m).prepare(p[0]))),
)  # fmt: skip


def silenced(model: Model) -> Model:
    with torch.no_grad():
        model.module.dead[0].bias.fill_(-1e6)
    return model


def broken(model: Model) -> Model:
    with torch.no_grad():
        model.module.head.weight.fill_(torch.nan)
    return model


def tensors(found: Any) -> list[np.ndarray]:
    """All numbers of an answer, less the history of how a picture came to be."""
    fields = vars(found) if hasattr(found, "__dict__") else {"": found}
    values = [value for name, value in fields.items() if name != "history"]
    return [np.asarray(each.detach() if isinstance(each, Tensor) else each)
            for each in values if isinstance(each, Tensor | np.ndarray)]  # fmt: skip


def warned(found: Any) -> str:
    notes = [*getattr(found, "notes", ()), getattr(found, "note", "")]
    return "; ".join(note for note in notes if note)


def tried(case: Case) -> dict[str, object]:
    torch.manual_seed(0)
    model = Model(Beside(), Preprocess(size=32), ["ant", "bee", "cat", "dog", "elk"], name="small")
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    try:
        found = case.do(model, picture)
    except CutawayError as error:
        came, says, finite = "error", str(error), True
    else:
        came, says = ("warning", warned(found)) if warned(found) else ("answer", "")
        finite = all(np.isfinite(each).all() for each in tensors(found) if each.dtype.kind == "f")
    good = finite and (case.expected == came or (case.expected == "either" and came in ("error", "warning")))
    return {"given": case.name, "came": came, "says": says, "finite": finite, "as expected": good}
