"""Gates decide, values add up: a deep network whose every score is a sum over pixels that can be looked at.

Two streams of the same shape. The gating stream is a common network, offsets, norms and all; it looks at the picture
and says how far each channel opens at each place. The value stream has no offset and no nonlinearity of its own: it is
convolutions and means of the pixels, let through by those gates. For one picture it is a linear map W(x), and
f(x) = W(x) x. Gates that are shared by neighbouring places make W smooth, hence legible. The last gates are
picture-wide: channels that speak for what the gating stream answers open wider (`AnswerGate`).
(Fiat et al. 2019, "Decoupling Gating from Linearity"; Lakshminarayanan and Singh 2021, "Disentangling deep networks".)
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import OptionError, WeightsError
from cutaway.nets.zoo.by_weights import made_for
from cutaway.nets.zoo.smooth_convnet import filters, leaves, smooth_convnet
from cutaway.whitebox import AnswerGate, Contrast, SharedGate
from cutaway.whitebox.homogeneous import contrast_of

SHARED = 5  # places a side that share their gates


class Value(nn.Module):
    """One step of the value stream: a convolution, a mean where the grid is halved, and the gates.

    The mean is over 4 x 4 places, two apart: means that don't overlap leave their grid in every gradient.
    unit: what one is worth in each filter, where these are in whole numbers.
    """

    unit: Tensor

    def __init__(self, like: nn.Conv2d, pool: nn.Module | None, shared: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(like.in_channels, like.out_channels, 3, padding=1, bias=False)
        self.pool = nn.Identity() if pool is None else nn.AvgPool2d(4, 2, 1, count_include_pad=False)
        self.gate = SharedGate(shared)
        self.register_buffer("unit", torch.ones(like.out_channels, 1, 1))

    def forward(self, values: Tensor, by: Tensor) -> Tensor:
        summed = self.pool(self.conv(values))
        gated: Tensor = self.gate(summed * self.unit.to(summed), by)
        return gated

    @torch.no_grad()
    def in_integers(self, top: int = 127) -> None:
        """Rounds filters to whole numbers up to `top`, so that each weight takes a byte."""
        step = self.conv.weight.abs().amax((1, 2, 3), keepdim=True).clamp(min=torch.finfo(self.unit.dtype).tiny) / top
        self.conv.weight.copy_((self.conv.weight / step).round())
        self.unit *= step[:, 0]


class ClearNet(nn.Module):
    """`gates` (a `smooth_convnet`), `values.layer0 ... layerN`, `pool, answered, flatten, head, contrast`.

    The gating stream sees the picture at contrast one, so that the whole is homogeneous: f(x) = <grad f(x), x> holds
    for the plain gradient, and for W(x), which is the gradient within `weights_held`. strength: how far its answer, and
    that of each of `advisers` (networks that see what it sees), opens the last channels; with 0 it has no head to
    answer with, and values are all there is. places: a grid of so many a side has a head that may count each of its
    places in its own way; with 1 a score is a mean over all.
    """

    def __init__(
        self,
        gates: nn.Sequential,
        classes: int,
        shared: int = SHARED,
        strength: float = 0.0,
        advisers: Sequence[nn.Module] = (),
        places: int = 1,
    ) -> None:
        super().__init__()
        if advisers and not strength:
            raise OptionError(f"advisers given: {len(advisers)}, but strength is 0: nobody listens; try strength=1.0")
        self.gates = gates
        self.advisers = nn.ModuleList(advisers) if advisers else ()
        steps = [Value(conv, pool, shared) for conv, pool, _ in filters(gates)]
        self.values = nn.Sequential(OrderedDict((f"layer{number}", step) for number, step in enumerate(steps)))
        self.places, self.pool, self.flatten = places, nn.AdaptiveAvgPool2d(places), nn.Flatten()
        self.answered = AnswerGate(strength) if strength else None
        self.head = nn.Linear(steps[-1].conv.out_channels * places**2, classes, bias=False)
        self.contrast = Contrast("middle")
        if not strength:
            for above in ("pool", "flatten", "head"):
                delattr(gates, above)
        self.values_like_gates()

    def forward(self, pictures: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        seen = pictures / contrast_of(pictures)
        openings, last = self.gating(seen)
        if self.answered is None:
            return self.scores(self.summed(pictures, openings))
        answer = self.answer(seen, last)
        summed = self.summed(pictures, openings)
        above = self.head.weight.unflatten(1, (summed.shape[1], -1)).sum(2)  # what a channel says anywhere
        return self.scores(self.answered(summed, answer, above))

    def gating(self, seen: Float[Tensor, "batch 3 height width"]) -> tuple[list[Tensor], Tensor]:
        """What each nonlinearity of the gating stream is given, and what the stream ends with: its answer."""
        openings = []
        for layer in leaves(self.gates):
            if isinstance(layer, nn.GELU):
                openings.append(seen)
            seen = layer(seen)
        return openings, seen

    def answer(self, seen: Float[Tensor, "batch 3 height width"], last: Tensor) -> Float[Tensor, "batch classes"]:
        """Probabilities: the geometric mean of what the gating stream ends with and what each adviser says."""
        return torch.stack([last, *(each(seen) for each in self.advisers)]).log_softmax(2).mean(0).softmax(1)

    def summed(self, values: Tensor, openings: Sequence[Tensor]) -> Float[Tensor, "batch channels places places"]:
        """What the value stream adds up from pictures, let through by these openings."""
        for step, by in zip(self.values, openings, strict=True):
            values = step(values, by)
        channels: Tensor = self.pool(values)
        return channels

    def scores(self, channels: Float[Tensor, "batch channels places places"]) -> Float[Tensor, "batch classes"]:
        """What channels say, class by class."""
        told: Tensor = self.contrast(self.head(self.flatten(channels)))
        return told

    def train(self, mode: bool = True) -> ClearNet:
        """As of any module; but a stream that learns nothing keeps its norms as they are."""
        super().train(mode)
        for each in (self.gates, *self.advisers):
            if not any(parameter.requires_grad for parameter in each.parameters()):
                each.eval()
        return self

    def values_in_integers(self) -> None:
        """Rounds the value stream's filters: a byte for each weight, and hardly another score."""
        for step in self.values:
            assert isinstance(step, Value)
            step.in_integers()

    @torch.no_grad()
    def values_like_gates(self) -> None:
        """The value stream begins with the gating stream's filters, at the size that its norms give them."""
        for step, (conv, _, norm) in zip(self.values, filters(self.gates), strict=True):
            assert isinstance(step, Value)
            weight = conv.weight
            if norm is not None:
                assert norm.running_var is not None
                weight = weight * (norm.weight * torch.rsqrt(norm.running_var + norm.eps))[:, None, None, None]
            step.conv.weight.copy_(weight)


def clear_net(
    classes: int = 10,
    widths: Sequence[int] = (64, 144, 176),
    whitening: int = 16,
    shared: int = SHARED,
    strength: float = 0.0,
    advisers: Sequence[Callable[..., nn.Module]] = (),
    places: int = 1,
) -> ClearNet:
    """The network for pictures that two poolings divide; its gating stream is a `smooth_convnet`.

    advisers: what makes each, `adviser(classes=...)`.
    """
    gates = smooth_convnet(classes, widths, whitening)
    return ClearNet(gates, classes, shared, strength, [each(classes=classes) for each in advisers], places)


def like(
    weights: Mapping[str, Tensor],
    classes: int,
    strength: float,
    places: int,
    shared: int = SHARED,
    name: str = "weights",
) -> ClearNet:
    """A network of the shape that these weights are of, but for its grid of places.

    strength, shared: of its answers, where it has such, and of its gates, which weights don't tell. Raises WeightsError
    for other networks.
    """
    streams: dict[str, dict[str, Tensor]] = {}
    for key, value in weights.items():
        if stream := re.match(r"gates|advisers\.\d+", key):
            streams.setdefault(stream[0], {})[key] = value
    if "gates" not in streams:
        raise WeightsError(f'"{name}" has no gating stream; expected weights of a clear network; try clear')
    gates, *advisers = (
        made_for({key.removeprefix(f"{stream}."): value for key, value in streams[stream].items()}, classes)
        for stream in sorted(streams, key=lambda each: (len(each), each))
    )
    answers = "gates.head.weight" in weights
    return ClearNet(gates, classes, shared, strength * answers, advisers, places)
