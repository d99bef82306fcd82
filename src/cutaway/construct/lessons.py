"""What a network learns from or is scored on, and how it is varied so that a part is known by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Shaped, UInt8
from torch import Tensor

CROPS = 0.30  # a cut-out part fills a square of at least this share of the picture's side
SUPPORT = 0.15  # how much of a field has to be left of a picture for its mean to be painted with


@dataclass(frozen=True)
class Lesson:
    """What a network learns from or is scored on: inputs, where the part is, where its rivals are.

    inputs: pictures in uint8 or maps of children; masks: shares in [0, 1] of each place of the network's grid.
    present: whether the part is there; clear: whether that can be said at all (neither labelled nor too small is no).
    """

    inputs: Shaped[Tensor, "n c h w"]
    masks: Float[Tensor, "n grid grid"]
    rivals: Float[Tensor, "n grid grid"]
    present: Bool[Tensor, " n"]
    clear: Bool[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.inputs)

    def only(self, keep: Shaped[Tensor, " m"]) -> Lesson:
        """The part of the lesson that an index or a selection names."""
        return Lesson(self.inputs[keep], self.masks[keep], self.rivals[keep], self.present[keep], self.clear[keep])

    def mirrored(self) -> Lesson:
        """The lesson with left and right exchanged."""
        return replace(self, inputs=self.inputs.flip(3), masks=self.masks.flip(2), rivals=self.rivals.flip(2))

    def __add__(self, other: Lesson) -> Lesson:
        """One lesson after the other."""
        return Lesson(*(torch.cat(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))


def laid_in(batch: Lesson, share: float, draw: torch.Generator) -> Lesson:
    """A batch of pictures, a share of them with the part of another one laid in, anywhere (Ghiasi et al. 2021).

    A part that is always seen in one company (petals about a disk) is otherwise recognised by its company.
    Masks are as large as the pictures.
    """
    pictures, masks, rivals = batch.inputs.clone(), batch.masks.clone(), batch.rivals.clone()
    present, clear = batch.present.clone(), batch.clear.clone()
    sources = torch.randperm(len(batch), generator=draw).tolist()
    for goal in torch.nonzero(torch.rand(len(batch), generator=draw) < share)[:, 0].tolist():
        source = sources[goal]
        part = batch.masks[source] > 0.5
        if not bool(batch.clear[source] & part.any()):
            continue
        step = _anywhere(part, draw)
        there = part.roll(step, (0, 1))
        pictures[goal] = torch.where(there, batch.inputs[source].roll(step, (1, 2)), pictures[goal])
        masks[goal], rivals[goal] = masks[goal].masked_fill(there, 1.0), rivals[goal].masked_fill(there, 0.0)
        present[goal] = clear[goal] = True
    return Lesson(pictures, masks, rivals, present, clear)


def _anywhere(part: Bool[Tensor, "size size"], draw: torch.Generator) -> tuple[int, int]:
    """A step down and to the right that leaves a part inside the picture."""
    steps = []
    for axis in (1, 0):
        taken = torch.nonzero(part.any(dim=axis))[:, 0]
        first, last = int(taken[0]), int(taken[-1])
        steps.append(int(torch.randint(-first, part.shape[0] - last, (1,), generator=draw)))
    return steps[0], steps[1]


def erased(lesson: Lesson) -> Lesson:
    """The pictures that show the part, with it painted over: it is not there any more, its company is.

    Masks are as large as the pictures; a ring of one pixel about the part goes with it.
    """
    shown = lesson.only(lesson.present)
    hole = F.max_pool2d((shown.masks > 0)[:, None].float(), 3, 1, 1) > 0
    pictures = torch.where(hole, painted(shown.inputs, hole), shown.inputs)
    gone = torch.zeros_like(shown.present)
    return Lesson(pictures, torch.zeros_like(shown.masks), shown.rivals, gone, ~gone)


def painted(
    pictures: UInt8[Tensor, "n c size size"], hole: Bool[Tensor, "n 1 size size"]
) -> UInt8[Tensor, "n c size size"]:
    """Pictures with holes painted from around, coarse to fine: what a small field cannot say a larger one does.

    The scheme of pull and push (Gortler et al. 1996).
    """
    size = pictures.shape[-1]
    known = (~hole).float()
    seen = pictures.float() * known
    found = torch.full_like(seen[..., :1, :1], 127.5)
    for side in (2**power for power in range(int(size).bit_length()) if size % 2**power == 0):
        share = F.adaptive_avg_pool2d(known, side)
        mean = F.adaptive_avg_pool2d(seen, side) / share.clamp(min=1e-6)
        found = torch.where(share > SUPPORT, mean, F.interpolate(found, size=(side, side), mode="bilinear"))
    whole: Tensor = F.interpolate(found, size=(size, size), mode="bilinear").round().to(torch.uint8)
    return whole


def crops(batch: Lesson) -> Lesson:
    """Cut-out parts at full size, and as many cut-outs from anywhere: how the prototype taught its networks."""
    size, grid = batch.inputs.shape[-1], batch.masks.shape[-1]
    cut, there = [], []
    for picture, mask, rival in zip(batch.inputs, batch.masks, batch.rivals, strict=True):
        for wanted, answer in ((mask, True), (rival, False)):
            rows, columns = torch.nonzero(wanted > 0.5, as_tuple=True)
            if not len(rows):
                continue
            scale = size / grid
            middle = (float(rows.float().mean()) * scale, float(columns.float().mean()) * scale)
            extent = max(float(rows.max() - rows.min()), float(columns.max() - columns.min())) * scale + scale
            cut.append(_square(picture, middle, max(extent, CROPS * size)))
            there.append(answer)
    if not cut:
        cut, there = [batch.inputs[0]], [False]
    empty = torch.zeros(len(cut), grid, grid)
    return Lesson(torch.stack(cut), empty, empty, torch.tensor(there), torch.ones(len(cut), dtype=torch.bool))


def _square(picture: Shaped[Tensor, "c h w"], middle: tuple[float, float], side: float) -> Shaped[Tensor, "c h w"]:
    size = picture.shape[-1]
    reach = min(round(side), size)
    top, left = (min(max(round(at - reach / 2), 0), size - reach) for at in middle)
    crop = picture[None, :, top : top + reach, left : left + reach].float()
    return F.interpolate(crop, size=(size, size), mode="bilinear")[0].to(picture.dtype)
