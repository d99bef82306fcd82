"""Receptive fields: which pixels a unit of a layer can see."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import LayerError
from cutaway.nets.model import Model, as_model
from cutaway.trace.survey import find_place, probe_for


@dataclass(frozen=True)
class ReceptiveField:
    """What the units at each place of a layer's grid can see, in pixels of the network's input.

    size: (height, width) of the largest field, which fields at the border of the picture do not reach.
    stride: distance between the fields of neighbouring places. offset: (top, left) of the first place's field before
    the picture's border cuts it, so negative where the network pads. whole: every place sees the whole picture.
    boxes: (top, left, bottom, right) for each place, cut at the border; bottom and right are the first pixels outside.
    """

    size: tuple[int, int]
    stride: tuple[float, float]
    offset: tuple[float, float]
    whole: bool
    boxes: Float[Tensor, "4 rows columns"]

    def box(self, y: int, x: int) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) of the field of one place."""
        top, left, bottom, right = map(int, self.boxes[:, y, x].tolist())
        return top, left, bottom, right


def receptive_field(model: Model | nn.Module, layer: str, pictures: Tensor | None = None) -> ReceptiveField:
    """The receptive field of a layer's units, from how each operation of an observed pass combines what it reads.

    It is what a unit can depend on, by the structure alone: no pixel outside ever matters, one inside may have no
    weight. Attention, global pooling and what they gate see the whole picture. A LayerError where there is no grid.
    """
    inner = as_model(model)
    boxes = find_place(model, layer, pictures).boxes
    if boxes is None:
        raise LayerError(
            f'layer "{layer}" of {inner.name} has no grid of places; expected one; try model.layers() for those with '
            "a height and a width"
        )
    height, width = probe_for(inner, pictures).shape[-2:]
    top, left, bottom, right = boxes
    vertical, horizontal = _along(top[:, 0], bottom[:, 0], height), _along(left[0], right[0], width)
    return ReceptiveField(
        size=(vertical[0], horizontal[0]),
        stride=(vertical[1], horizontal[1]),
        offset=(vertical[2], horizontal[2]),
        whole=bool((top <= 0).all() and (left <= 0).all() and (bottom >= height).all() and (right >= width).all()),
        boxes=boxes,
    )


def _along(near: Tensor, far: Tensor, length: int) -> tuple[int, float, float]:
    """Size, stride and offset along one side, from where the fields begin and end."""
    size = int((far - near).max())
    free = near[near > 0], far[far < length]  # edges that the border did not cut
    steps = [edge.diff() for edge in free if len(edge) > 1]
    stride = float(steps[0].median()) if steps else float(length) / len(near)
    whole_ones = (far - near == size).nonzero()[:, 0]
    first = int(whole_ones[0])
    return size, stride, float(near[first]) - first * stride
