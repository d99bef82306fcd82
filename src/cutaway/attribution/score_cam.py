"""Score-CAM: a class activation map without gradients."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.attribution.attribution import Attribution, attributed
from cutaway.attribution.cam import grid_of, last_grid, over_input, with_layers
from cutaway.attribution.scores import Forward, Inputs, answer, answers, passes, plain
from cutaway.nets.targets import Target
from cutaway.trace import activations


def score_cam(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    layer: str | None = None,
    batch_size: int | None = None,
) -> Attribution:
    """The layer's channels, each weighed by the score that the input keeps where the channel fires, added up.

    Every channel is laid over the input as a mask from 0 to 1; the scores of the masked inputs, through a softmax over
    the channels, are the weights. It takes as many passes as the layer has channels. layer, values: as for `grad_cam`.
    Wang et al. 2020, "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks".
    """
    module = with_layers(forward, "score_cam")
    layer = layer or last_grid(module, inputs, target)
    places = grid_of(module, inputs, layer)
    whole = answers(module, inputs, target, versus, batch_size)
    with plain(module, inputs), torch.no_grad():
        found = places.to_grid(activations(module, inputs.detach().clone(), [layer], batch_size=batch_size)[layer])
        kept = torch.empty(found.shape[:2], dtype=whole.score.dtype, device=whole.score.device)
        for rows, channels in passes(len(found), found.shape[1], batch_size):
            points = inputs.detach()[rows]
            points = points * masks(found[rows, channels], points)[:, None]
            against = None if whole.versus is None else whole.versus[rows]
            kept[rows, channels] = answer(module, points, whole.target[rows], against).score
        weights = kept.softmax(dim=1).to(found)
        coarse = (weights[:, :, None, None] * found).sum(dim=1).relu()
        values = over_input(coarse, inputs)
    return attributed("score_cam", values, whole, found.shape[1] + 1, layer)


def masks(fired: Float[Tensor, "n rows columns"], inputs: Tensor) -> Float[Tensor, "n height width"]:
    """Where each channel fired, over the input, from 0 (least) to 1 (most); 0 everywhere where it did not vary."""
    fine = over_input(fired, inputs)
    low, high = fine.amin(dim=(1, 2), keepdim=True), fine.amax(dim=(1, 2), keepdim=True)
    return (fine - low) / (high - low).clamp(min=torch.finfo(fine.dtype).tiny)
