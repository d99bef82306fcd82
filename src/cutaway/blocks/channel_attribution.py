"""Channel attribution: which channels of a layer argued for a class, and which against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.blocks.drawn import Drawn
from cutaway.blocks.icons import STEPS, icons
from cutaway.blocks.places import one_picture, raster_of
from cutaway.core.errors import ModelError, TargetError
from cutaway.data.pictures import Source
from cutaway.nets.model import Model
from cutaway.nets.targets import Target
from cutaway.report.drawing import Raster, bar, beside, resize, spotlight, stacked
from cutaway.trace import layout, trace

_ROW = 96  # pixels


@dataclass(frozen=True)
class ChannelAttribution(Drawn):
    """How much each channel of a layer argued for the target (positive) or against it, in logits.

    values: sum over places of gradient x activation of the score (target logit, less the versus logit if there is one).
    score: that score. activations: the channels on the layer's grid. picture: as the network sees it.
    icons: visualizations of the channels that are drawn. note: what a reader should know, or nothing.
    """

    layer: str
    target: int
    versus: int | None
    score: float
    values: Float[Tensor, " channels"]
    activations: Float[Tensor, "channels height width"]
    picture: Raster
    icons: Mapping[int, Raster] = field(default_factory=dict)
    note: str = ""

    @property
    def caption(self) -> str:
        """What the picture shows."""
        return f"channels of {self.layer} that argued for and against class {self.target}"

    def strongest(self, k: int) -> tuple[list[int], list[int]]:
        """The k channels that argued most for the target and the k most against it, strongest first."""
        order = torch.argsort(self.values, descending=True, stable=True).tolist()
        arguing_for = [channel for channel in order[:k] if self.values[channel] > 0]
        arguing_against = [channel for channel in order[: -k - 1 : -1] if self.values[channel] < 0]
        return arguing_for, arguing_against

    def fired(self, channel: int) -> Raster:
        """Where in the picture the channel fired."""
        return spotlight(self.picture, self.activations[channel].numpy())

    def draw(self, k: int = 4) -> Raster:
        """One row per channel: what excites it, where it fired, how much it argued for (right) or against (left)."""
        arguing_for, arguing_against = self.strongest(k)
        shown = arguing_for + arguing_against
        most = max((abs(float(self.values[channel])) for channel in shown), default=0.0) or 1.0
        rows = [
            beside(
                [
                    *([resize(self.icons[channel], _ROW, _ROW)] if channel in self.icons else []),
                    resize(self.fired(channel), _ROW, _ROW),
                    bar(float(self.values[channel]) / most, 2 * _ROW, _ROW // 2),
                ]
            )
            for channel in shown
        ]
        return stacked(rows) if rows else resize(self.picture, _ROW, _ROW)


def channel_attribution(
    model: Model,
    picture: Source,
    layer: str,
    target: Target = None,
    versus: Target = None,
    *,
    visualize: int = 4,
    steps: int = STEPS,
    seed: int = 0,
) -> ChannelAttribution:
    """Which channels of a layer argued for the target (rather than versus), to first order.

    Gradient x activation is exact where the network above the layer is linear; measure the strongest with
    `ablate_each`. `visualize` channels of each side get an icon (0 = none), of so many `steps`.
    Olah et al. 2018, "The Building Blocks of Interpretability".
    """
    pictures = one_picture(model, picture)
    axes = layout(model, layer)
    with torch.enable_grad():
        seen = trace(model, pictures, [layer], cut=layer)
        logits = _logits(seen.logits)
        chosen = int(model.target(target, logits)[0])
        against = None if versus is None else int(model.target(versus, logits)[0])
        if against == chosen:
            raise TargetError(f"versus is the target itself, class {chosen}; expected another class")
        score = logits[0, chosen] - (0 if against is None else logits[0, against])
        gradient = _gradient(score, seen[layer])
    places = tuple(axis for axis in range(gradient.ndim) if axis != axes.channel_axis % gradient.ndim)
    values = (gradient * seen[layer].detach()).sum(dim=places).cpu()
    found = ChannelAttribution(
        layer=layer,
        target=chosen,
        versus=against,
        score=float(score.detach()),
        values=values,
        activations=axes.to_grid(seen[layer].detach())[0].cpu(),
        picture=raster_of(pictures),
        note="" if bool(gradient.any()) else f"the score does not depend on {layer}, to first order",
    )
    channels = list(chain(*found.strongest(visualize)))
    return replace(found, icons=icons(model, layer, channels, steps=steps, seed=seed))


def _gradient(score: Tensor, at: Tensor) -> Tensor:
    found = torch.autograd.grad(score, at, allow_unused=True)[0] if score.requires_grad else None
    return torch.zeros_like(at) if found is None else found


def _logits(logits: Tensor | None) -> Tensor:
    if logits is None:
        raise ModelError("the network gave no scores; expected scores of shape (batch, classes)")
    return logits
