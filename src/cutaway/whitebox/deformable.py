"""Deformable prototypes: parts that may move within bounds that are set beforehand and can be read."""

from __future__ import annotations

from functools import reduce
from typing import Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from cutaway.core.errors import OptionError, choose
from cutaway.core.seeds import generator
from cutaway.whitebox.gradients import at_least_one
from cutaway.whitebox.prototypes import Features, Prototypes, highest

NOTHING = -1.0  # the likeness of a place beyond the border: as unlike as can be
Form = Literal["anchors", "directions"]


class DeformablePrototypeLayer(Prototypes):
    """Each prototype is several parts, and each part is looked for near its own anchor, or in its own direction.

    Likeness of a part = cosine of its vector and the features at a place. A prototype's likeness at (y, x) is the mean
    over its parts of max over d in D_k of cosine_k((y, x) + d) - stiffness |d - anchor_k|^2: what a part may do is the
    set D_k and its cost, both plain numbers; no network decides on offsets (compare Donnelly et al. 2022).

    form="anchors": anchors lie on a centred lattice, `spacing` apart, and D_k is the square within `reach` of its
    anchor (as flexible as `reach` says; stiffness=0 makes all of it free). form="directions": D_k is part k's sector of
    the disc of radius `reach`, free of cost: each part is matched in its own direction by max pooling. Directions are
    strict where parts keep `inner` places away from the centre; with inner=0 the centre belongs to every sector, and
    there most parts then meet.

    Raises OptionError for parts < 1, reach < 0 (directions: < 1), inner that leaves a sector empty, stiffness < 0 and
    an unknown form.
    """

    allowed: Tensor
    cost: Tensor

    def __init__(
        self,
        channels: int,
        classes: int,
        per_class: int = 5,
        parts: int = 4,
        reach: int = 1,
        spacing: int = 1,
        stiffness: float = 0.05,
        form: Form = "anchors",
        seed: int = 0,
        inner: int = 0,
    ) -> None:
        super().__init__(classes, per_class)
        least = 1 if choose(form, ("anchors", "directions"), "form") == "directions" else 0
        if reach < least:
            raise OptionError(f"reach is {reach}; expected at least {least} places for {form}; try reach=2")
        if not stiffness >= 0:
            raise OptionError(f"stiffness is {stiffness}; expected a number of at least 0; try stiffness=0.05")
        count = at_least_one(parts, "parts")
        allowed, cost = sectors(count, reach, inner) if form == "directions" else windows(count, reach, spacing)
        self.register_buffer("allowed", allowed)
        self.register_buffer("cost", stiffness * cost)
        shape = (len(self.classes_of), count, at_least_one(channels, "channels"))
        self.vectors = nn.Parameter(torch.randn(shape, generator=generator(seed, "vectors")))

    def values(self) -> nn.Parameter:
        return self.vectors

    def part_maps(self, features: Features) -> Float[Tensor, "batch prototypes parts y x"]:
        """The cosine of each part with each place, wherever the part may be."""
        vectors = F.normalize(self.vectors, dim=-1).flatten(0, 1)[:, :, None, None]
        cosines = F.conv2d(F.normalize(features, dim=1), vectors)
        return rearrange(cosines, "batch (each parts) y x -> batch each parts y x", parts=self.vectors.shape[1])

    def matched(
        self, features: Features
    ) -> tuple[Float[Tensor, "batch prototypes parts y x"], Int64[Tensor, "batch prototypes parts y x"]]:
        """Each part's best likeness less its cost for every place of the prototype, and the index of its move."""
        return self.search(self.part_maps(features))

    def search(
        self, maps: Float[Tensor, "batch prototypes parts y x"]
    ) -> tuple[Float[Tensor, "batch prototypes parts y x"], Int64[Tensor, "batch prototypes parts y x"]]:
        """The best of each part's map, less its cost, that its prototype can reach from every place; and the move."""
        height, width = maps.shape[-2:]
        side = self.allowed.shape[-1]
        padded = F.pad(maps, [side // 2] * 4, value=NOTHING)
        best = torch.full_like(maps, -torch.inf)
        move = torch.zeros_like(maps, dtype=torch.long)
        for part, allowed in enumerate(self.allowed):
            for dy, dx in allowed.nonzero().tolist():
                here = padded[:, :, part, dy : dy + height, dx : dx + width] - self.cost[part, dy, dx]
                move[:, :, part].masked_fill_(here > best[:, :, part], dy * side + dx)
                best[:, :, part] = torch.maximum(best[:, :, part], here)
        return best, move

    def similarity_maps(self, features: Features) -> Float[Tensor, "batch prototypes y x"]:
        """The mean over parts of their best likeness: as `matched`, without the moves, at the allowed places alone."""
        maps = self.part_maps(features)
        height, width = maps.shape[-2:]
        padded = F.pad(maps, [self.allowed.shape[-1] // 2] * 4, value=NOTHING)
        best = []
        for part, allowed in enumerate(self.allowed):
            moves = (
                padded[:, :, part, dy : dy + height, dx : dx + width] - self.cost[part, dy, dx]
                for dy, dx in allowed.nonzero().tolist()
            )
            best.append(reduce(torch.maximum, moves))  # one by one: all at once do not fit into a processor's cache
        return torch.stack(best).mean(0)

    def offsets(self, features: Features) -> Int64[Tensor, "batch prototypes parts 2"]:
        """How far (dy, dx) each part lies from its prototype's best place: what a person can read off a picture."""
        found, move = self.matched(features)
        best = found.mean(2).flatten(2).argmax(2)
        chosen = move.flatten(3).gather(3, best[:, :, None, None].expand(-1, -1, move.shape[2], 1))[..., 0]
        side = self.allowed.shape[-1]
        return torch.stack([chosen // side, chosen % side], dim=-1) - side // 2

    def patch(self, features: Features, prototype: int, place: tuple[int, int]) -> Float[Tensor, "parts channels"]:
        return self._moved(features[0], self.matched(features)[1][0, prototype, :, place[0], place[1]], place)

    def candidates(
        self, features: Features, worth: Float[Tensor, "batch y x"], count: int
    ) -> Float[Tensor, "count parts channels"]:
        """Each part is the worthiest place of its own sector or window; a prototype is worth their mean."""
        parts = self.vectors.shape[1]
        best, move = self.search(worth[:, None, None].expand(-1, 1, parts, -1, -1))
        total = best.mean((1, 2))
        return torch.stack([self._moved(features[n], move[n, 0, :, y, x], (y, x)) for n, y, x in highest(total, count)])

    def _moved(self, picture: Tensor, move: Tensor, place: tuple[int, int]) -> Tensor:
        """The features where each part lies, (parts, channels)."""
        side = self.allowed.shape[-1]
        height, width = picture.shape[-2:]
        y = (place[0] + move // side - side // 2).clamp(0, height - 1)
        x = (place[1] + move % side - side // 2).clamp(0, width - 1)
        return picture[:, y, x].T

    def extra_repr(self) -> str:
        count, parts, channels = self.vectors.shape
        return f"{count} prototypes of {self.classes} classes, {parts} parts, {channels} channels"


def windows(
    parts: int, reach: int, spacing: int
) -> tuple[Bool[Tensor, "parts side side"], Float[Tensor, "parts side side"]]:
    """Squares around anchors on a centred lattice: which moves are allowed, and their squared length."""
    across = max(1, round(parts**0.5))
    down = -(-parts // across)
    anchors = [
        (round((row - (down - 1) / 2) * spacing), round((column - (across - 1) / 2) * spacing))
        for row in range(down)
        for column in range(across)
    ][:parts]
    radius = max(max(abs(y), abs(x)) for y, x in anchors) + reach
    y, x = _axes(radius)
    away = [(y - up, x - left) for up, left in anchors]
    allowed = torch.stack([(dy.abs() <= reach) & (dx.abs() <= reach) for dy, dx in away])
    return allowed, torch.stack([(dy.square() + dx.square()).float() for dy, dx in away])


def sectors(
    parts: int, reach: int, inner: int = 0
) -> tuple[Bool[Tensor, "parts side side"], Float[Tensor, "parts side side"]]:
    """Equal sectors of a disc, the first centred on the right, then clockwise; the centre belongs to all.

    inner > 0: of a ring, whose places are at least so far from the centre, which then belongs to none.
    """
    y, x = _axes(reach)
    angle = torch.atan2(y.double(), x.double())
    turn = 2 * torch.pi / parts
    sector = torch.floor((angle + turn / 2 + 1e-9) / turn).long() % parts
    away = y.square() + x.square()
    centre, within = (away == 0) & (inner == 0), (away <= (reach + 0.5) ** 2) & (away >= inner**2)
    allowed = torch.stack([((sector == part) | centre) & within for part in range(parts)])
    if inner < 0 or not (allowed.is_meta or bool(allowed.flatten(1).any(1).all())):  # built for its shapes alone: meta
        raise OptionError(
            f"inner is {inner} for {parts} sectors of reach {reach}; expected a number of at least 0 that leaves each "
            "a place; try inner=1, a larger reach or fewer parts"
        )
    return allowed, torch.zeros(allowed.shape)


def _axes(radius: int) -> tuple[Tensor, Tensor]:
    line = torch.arange(-radius, radius + 1)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return y, x
