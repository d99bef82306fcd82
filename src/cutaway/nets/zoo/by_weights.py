"""Which of our common networks some weights are of: its make and its widths, told by their names and shapes."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from cutaway.nets.zoo.airbench_net import airbench_net
from cutaway.nets.zoo.smooth_convnet import smooth_convnet, widths_of


def made_for(weights: Mapping[str, Tensor], classes: int) -> nn.Sequential:
    """A network drawn anew that takes these weights: an `airbench_net`, whose stem sees 2 x 2 places, or a smooth one.

    Weights of other networks are not refused here but where they are loaded.
    """
    stem = weights.get("stem.whiten.weight")
    if stem is None:
        return smooth_convnet(classes, widths_of(weights))
    make = airbench_net if stem.shape[-1] == 2 else smooth_convnet
    return make(classes, widths_of(weights), len(stem) // 2)
