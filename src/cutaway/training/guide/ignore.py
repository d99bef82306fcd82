"""Ignore a cue: the read-out stops looking along the directions that sentences about the cue point to.

The directions come from captions in which the cue changes; the class's weights are then projected so that nothing along
them reaches a score. Source: the null-space projection of Ravfogel et al. 2020, with one direction a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from cutaway.training.guide.filters import Features, sentence_filter
from cutaway.training.guide.guided import Term
from cutaway.training.guide.sentence import Heard

ROUNDS = 2  # a direction taken away leaves some of the cue in others


def ignore(
    layers: tuple[str, ...], features: Features, cues: Sequence[Heard], weight: Float[np.ndarray, "classes channels"]
) -> Term:
    """The term that takes the cues out of a linear read-out of the layer's channel means.

    `weight` is that read-out's; scores change by what it reads along the cues' directions, about the pictures' mean.
    """
    basis = directions(features, cues)
    removed = basis @ basis.T @ weight.T
    bias = features.mean(axis=0) @ removed
    classes = weight.shape[0]
    said = "; ".join(cue.sentence for cue in cues)
    return Term(
        layers,
        torch.from_numpy(-removed).float(),
        torch.from_numpy(bias).float(),
        False,
        torch.eye(classes),
        f"ignore: {said}",
    )


def directions(features: Features, cues: Sequence[Heard]) -> Float[np.ndarray, "channels directions"]:
    """An orthonormal basis of what tells the cues, found again in what is left after each round."""
    basis = np.zeros((features.shape[1], 0))
    for _ in range(ROUNDS):
        rest = features - features @ basis @ basis.T
        found = np.stack([sentence_filter(rest, cue).weight for cue in cues], axis=1)
        found -= basis @ (basis.T @ found)
        vectors, sizes, _ = np.linalg.svd(found, full_matrices=False)
        basis = np.concatenate([basis, vectors[:, sizes > 1e-6 * sizes.max()]], axis=1)
        basis = np.linalg.qr(basis)[0]
    return basis


def linear_head(
    features: Features, logits: Float[np.ndarray, "pictures classes"]
) -> Float[np.ndarray, "classes channels"]:
    """The linear read-out that comes nearest to the network's scores from these channel means, by least squares.

    It is the network's own last layer, to rounding, where the means are that layer's input.
    """
    centred = features - features.mean(axis=0)
    found: np.ndarray = np.linalg.lstsq(centred, logits - logits.mean(axis=0), rcond=1e-4)[0]
    return found.T
