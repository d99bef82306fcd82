"""How a node learns: per-pixel masks on whole pictures, with siblings, surroundings and the ground as negatives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from cutaway.construct import answering
from cutaway.construct.lessons import Lesson, crops, erased, laid_in
from cutaway.construct.networks import Mean, PartNet, Spec
from cutaway.core.devices import autocast
from cutaway.core.errors import ProjectError
from cutaway.core.seeds import generator

RATE = 0.01
RIVALS = 3.0  # a place on a sibling weighs as much as three on the ground
OVERLAP = 0.6  # the share of the loss on the overlap of map and mask
BEST_PLACES = 3, 1 / 512  # the head's loss looks at so many of the highest places, or this share of all


@dataclass(frozen=True)
class Learned:
    """A trained network with its thresholds set, and the mean loss of each epoch."""

    net: PartNet
    spec: Spec
    losses: tuple[float, ...]


def learn(spec: Spec, train: Lesson, val: Lesson, switch: tuple[int, str] | None = None) -> Learned:
    """A network for the spec. The same arguments give the same weights on one machine, whatever the number of cores.

    switch: from this epoch on, another head. Raises ProjectError where a split shows the part never or always.
    """
    for name, lesson in (("train", train), ("val", val)):
        shown = int((lesson.present & lesson.clear).sum())
        if not 0 < shown < int(lesson.clear.sum()):
            raise ProjectError(
                f"{shown} of {int(lesson.clear.sum())} pictures of {name} show the part; expected some, not all; "
                "label more pictures"
            )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums over several threads may differ in their last bits
    try:
        net, losses = _several(spec, train, switch) if spec.members > 1 else _one(spec, train, switch)
        if net.answer is not None:
            answering.fit(net.answer, train.inputs[train.clear], train.present[train.clear])
        net.load_state_dict({name: stored(value) for name, value in net.state_dict().items()})
        threshold, level = thresholds(net, val)
        spec = replace(net.spec, threshold=threshold, level=level)
        net.spec = spec
        return Learned(net, spec, tuple(losses))
    finally:
        torch.set_num_threads(threads)


def _one(spec: Spec, train: Lesson, switch: tuple[int, str] | None) -> tuple[PartNet, list[float]]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(spec.seed, "part network").initial_seed())
        net = _laid_out(PartNet(spec))
    return _fitted(net, spec, train, switch)


def _several(spec: Spec, train: Lesson, switch: tuple[int, str] | None) -> tuple[PartNet, list[float]]:
    """Networks of successive seeds, each fitted by itself, as one; the head that is trained, if any, is the first's."""
    alone = [_one(replace(spec, members=1, seed=spec.seed + number), train, switch) for number in range(spec.members)]
    net = _laid_out(PartNet(replace(alone[0][0].spec, members=spec.members)))
    net.map = Mean([each.map for each, _losses in alone])
    net.head = alone[0][0].head
    return net.eval(), [sum(losses) / len(losses) for losses in zip(*(each for _net, each in alone), strict=True)]


def _laid_out(net: PartNet) -> PartNet:
    """The network with its channels last in memory, which is quicker on a CPU."""
    for weight in net.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return net


def stored(value: Tensor) -> Tensor:
    """A weight as its file will hold it, at half precision: what is scored is what is stored."""
    return value.half().float() if value.is_floating_point() else value


def _fitted(net: PartNet, spec: Spec, train: Lesson, switch: tuple[int, str] | None) -> tuple[PartNet, list[float]]:
    draw = generator(spec.seed, "order of pictures")
    steps = spec.epochs * -(-len(train) // spec.batch)
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    share = float(train.masks.mean().clamp(min=1e-6))
    positive = ((1 - share) / share) ** 0.5  # places of the part are rare; the root keeps the ground in sight
    losses = []
    for epoch in range(spec.epochs):
        if switch and epoch == switch[0]:
            net = _with_head(net, switch[1])
            fresh = [weight for name, weight in net.named_parameters() if name.startswith("head.")]
            if fresh:
                optimizer.add_param_group({"params": fresh, **_rates(optimizer)})
        net.train()
        total, batches = 0.0, 0
        for batch in _batches(train, spec, draw):
            loss = _loss(net, batch, positive)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total, batches = total + float(loss.detach()), batches + 1
        losses.append(total / batches)
    return net.eval(), losses


def _rates(optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """What the schedule has put into the first group, for a group that comes later."""
    return {key: value for key, value in optimizer.param_groups[0].items() if key != "params"}


def _with_head(net: PartNet, head: str) -> PartNet:
    """The same map under another head."""
    other = _laid_out(PartNet(replace(net.spec, head=head)))
    other.map = net.map
    return other


def _batches(train: Lesson, spec: Spec, draw: torch.Generator) -> Iterator[Lesson]:
    for picked in torch.randperm(len(train), generator=draw).split(spec.batch):
        batch = train.only(picked)
        if spec.supervision == "crop":
            batch = crops(batch)
        elif spec.form == "leaf":
            batch = laid_in(batch, spec.laid_in, draw)
        yield batch.mirrored() if bool(torch.rand((), generator=draw) < 0.5) else batch


def _loss(net: PartNet, batch: Lesson, positive: float) -> Float[Tensor, ""]:
    with autocast(torch.device("cpu")):
        field = net(as_input(batch.inputs))
    field = field.float()
    there = batch.present.float()
    if net.spec.supervision == "crop":
        alone: Tensor = F.binary_cross_entropy_with_logits(net.presence(field), there)
        return alone
    mask = batch.masks[:, None]
    weight = 1 + (positive - 1) * mask + (RIVALS - 1) * batch.rivals[:, None] * (1 - mask)
    places = (F.binary_cross_entropy_with_logits(field, mask, reduction="none") * weight).mean()
    chance = field.sigmoid()
    overlap = 1 - (2 * (chance * mask).sum() + 1) / (chance.sum() + mask.sum() + 1)
    many = max(BEST_PLACES[0], round(BEST_PLACES[1] * field[0].numel()))
    best = field.flatten(1).topk(many, dim=1).values.mean(dim=1) if net.spec.head == "max" else net.presence(field)
    answer = F.binary_cross_entropy_with_logits(best, there, reduction="none") * batch.clear
    whole: Tensor = places + OVERLAP * overlap + net.spec.whether * answer.mean()
    return whole


def as_input(values: Shaped[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Pictures of bytes as floats in [0, 1]; maps as they are."""
    scaled = values.float() / 255 if values.dtype == torch.uint8 else values
    return scaled.contiguous(memory_format=torch.channels_last)


def fields(net: PartNet, inputs: Shaped[Tensor, "n c h w"], batch_size: int = 200) -> Float[Tensor, "n 1 grid grid"]:
    """The maps of many inputs, in float32 and without gradients."""
    with torch.no_grad():
        return torch.cat([net(as_input(part)) for part in inputs.split(batch_size)])


def thresholds(net: PartNet, val: Lesson) -> tuple[float, float]:
    """Threshold and level: where validation pictures are told apart best, and where maps cover masks best.

    Pictures in which a leaf's part is painted over are among those that it has to refuse.
    """
    asked = val + erased(val) if net.spec.form == "leaf" else val
    field = fields(net, asked.inputs)
    with torch.no_grad():
        presence = net.presence(field)[asked.clear].double().numpy()
    cut = best_threshold if net.answer is None else answering.even_threshold
    return cut(presence, asked.present[asked.clear].numpy()), best_level(field[:, 0], asked.masks > 0.5)


def best_threshold(scores: Float[np.ndarray, " n"], there: Bool[np.ndarray, " n"]) -> float:
    """The cut with the highest balanced accuracy, in the middle of its gap, so that it leaves room on both sides."""
    order = np.argsort(scores, kind="stable")
    ranked, yes = scores[order], there[order]
    hits = yes.sum() - np.concatenate(([0], np.cumsum(yes)))  # of those from the cut upwards
    refused = np.concatenate(([0], np.cumsum(~yes)))
    balanced = hits / max(yes.sum(), 1) + refused / max((~yes).sum(), 1)
    cut = int(np.argmax(balanced))
    low = ranked[max(cut - 1, 0)]
    high = ranked[min(cut, len(ranked) - 1)]
    return round(float((low + high) / 2), 6)


def best_level(field: Float[Tensor, "n g g"], masks: Bool[Tensor, "n g g"]) -> float:
    """The logit above which maps cover masks best, over the pictures that show the part."""
    shown = masks.flatten(1).any(dim=1)
    best, level = -1.0, 0.0
    for candidate in torch.linspace(-2, 2, 17).tolist():
        inside = field[shown] > candidate
        joined = (inside | masks[shown]).flatten(1).sum(dim=1)
        overlap = ((inside & masks[shown]).flatten(1).sum(dim=1) / joined).mean()
        if float(overlap) > best:
            best, level = float(overlap), candidate
    return level
