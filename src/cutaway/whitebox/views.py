"""The maximum over views of a picture: a layer that answers as if it had been shown the best of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import OptionError

View = Callable[[Tensor], Tensor]


class MaxOverViews(nn.Module):
    """y = max over v of layer(v(x)): the layer's answer to the view that excites each output most.

    `views` are functions from a batch of pictures to a batch of the same shape (a grid of outputs is thus not laid
    back: end in a pooling where views move places). Raises OptionError for no views.
    """

    def __init__(self, layer: nn.Module, views: Sequence[View]) -> None:
        super().__init__()
        if not views:
            raise OptionError("no views were given; expected functions from pictures to pictures; try flips()")
        self.layer, self.views = layer, tuple(views)

    def forward(self, pictures: Float[Tensor, "batch channels height width"]) -> Tensor:
        return torch.stack([self.layer(view(pictures)) for view in self.views]).amax(0)


def flips() -> tuple[View, ...]:
    """The picture and its mirror image."""
    return (torch.Tensor.clone, lambda pictures: pictures.flip(-1))


def quarter_turns() -> tuple[View, ...]:
    """The picture turned by 0, 90, 180 and 270 degrees (squares only)."""
    return tuple(lambda pictures, k=k: torch.rot90(pictures, k, (-2, -1)) for k in range(4))


def shifts(pixels: int) -> tuple[View, ...]:
    """The picture, and the picture moved by so many pixels up, down, left and right (what leaves comes in again)."""
    moves = [(0, 0), (-pixels, 0), (pixels, 0), (0, -pixels), (0, pixels)]
    return tuple(lambda pictures, move=move: torch.roll(pictures, move, (-2, -1)) for move in moves)
