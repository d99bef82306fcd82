"""Patches: what a window of a picture could hold, given the pixels around it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.attribution.perturbation import Place
from cutaway.core.errors import PictureError
from cutaway.core.seeds import generator

MOST = 8192
"""Patches that a model is fitted to, drawn from all pictures alike."""

SHRINKAGE = 1e-3
"""Share of the mean variance that is added to each variance, so that few patches still give a distribution."""


class PatchModel:
    """A normal distribution of patches (channels, height, width), and what it says of a part given the rest."""

    def __init__(self, patches: Float[Tensor, "n channels height width"], margin: int) -> None:
        self.shape = patches.shape[1:]
        self.margin = margin
        flat = patches.reshape(len(patches), -1).double()
        self.low, self.high = float(flat.min()), float(flat.max())
        self.mean = flat.mean(dim=0)
        centred = flat - self.mean
        covariance = centred.T @ centred / max(1, len(flat) - 1)
        shrunk = SHRINKAGE * covariance.diagonal().mean() + 1e-9
        self.covariance = covariance + shrunk * torch.eye(len(covariance), dtype=covariance.dtype)
        self._given: dict[tuple[int, ...], tuple[Tensor, Tensor, Tensor]] = {}

    def fill(self, picture: Float[Tensor, "channels height width"], place: Place, *seeds: int) -> None:
        """Replaces a window of the picture by a draw from what it could hold given the pixels around it."""
        _, rows, columns = place
        assert isinstance(rows, slice)
        assert isinstance(columns, slice)
        tops = [
            min(max(0, span.start - self.margin), length - size)
            for span, length, size in zip((rows, columns), picture.shape[1:], self.shape[1:], strict=True)
        ]
        within = [(span.start - top, span.stop - span.start) for span, top in zip((rows, columns), tops, strict=True)]
        hidden, gain, factor = self._conditional(*within[0], *within[1])
        outer = picture[:, tops[0] : tops[0] + self.shape[1], tops[1] : tops[1] + self.shape[2]]
        off = outer.cpu().double().reshape(-1) - self.mean
        noise = torch.randn(len(factor), generator=generator(*seeds, "patch"), dtype=factor.dtype)
        drawn = self.mean[hidden] + gain @ off[~hidden] + factor @ noise
        filling = drawn.clamp(self.low, self.high).reshape(self.shape[0], within[0][1], within[1][1])
        picture[:, rows, columns] = filling.to(picture)

    def _conditional(self, top: int, height: int, left: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
        """Which values are hidden, how their mean follows the others, and the root of their covariance given those."""
        key = (top, height, left, width)
        if key not in self._given:
            mask = torch.zeros(self.shape, dtype=torch.bool)
            mask[:, top : top + height, left : left + width] = True
            hidden = mask.reshape(-1)
            across, inside = self.covariance[hidden][:, ~hidden], self.covariance[hidden][:, hidden]
            known = torch.linalg.cholesky(self.covariance[~hidden][:, ~hidden])
            gain = torch.cholesky_solve(across.T, known).T
            self._given[key] = hidden, gain, torch.linalg.cholesky(inside - gain @ across.T)
        return self._given[key]


def fit_patches(pictures: Tensor, shape: Sequence[int], side: int, margin: int, seed: int) -> PatchModel:
    """The distribution of patches of `side` and a margin around it, for inputs of a shape, as these pictures have them.

    A PictureError unless the pictures have the channels of the inputs and are at least as large as a patch.
    """
    sizes = [min(side + 2 * margin, length) for length in shape[1:]]
    if (
        pictures.ndim != 4
        or pictures.shape[1] != shape[0]
        or any(length < size for length, size in zip(pictures.shape[-2:], sizes, strict=True))
    ):
        raise PictureError(
            f"patches has shape {tuple(pictures.shape)}; expected pictures (n, {shape[0]}, at least {sizes[0]}, "
            f"at least {sizes[1]})"
        )
    drawing = generator(seed, "patches")
    spots = [length - size + 1 for length, size in zip(pictures.shape[-2:], sizes, strict=True)]
    many = min(MOST, len(pictures) * spots[0] * spots[1])
    which, tops, lefts = (torch.randint(most, (many,), generator=drawing).tolist() for most in (len(pictures), *spots))
    drawn = [
        pictures[index, :, top : top + sizes[0], left : left + sizes[1]]
        for index, top, left in zip(which, tops, lefts, strict=True)
    ]
    return PatchModel(torch.stack(drawn).detach().cpu(), margin)
