"""The section on channels: who argued for and against, and what the score becomes without each."""

from __future__ import annotations

from itertools import chain

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.blocks.ablation import BATCH, ablate_each
from cutaway.blocks.channel_attribution import ChannelAttribution
from cutaway.explain.album import Album
from cutaway.explain.question import Question, margin
from cutaway.explain.settings import Settings
from cutaway.metrics.correlation import rank_correlation
from cutaway.report.schema import Ablation, Channel, Channels


def channels_section(
    question: Question, found: ChannelAttribution, settings: Settings, icons: dict[int, str], album: Album
) -> Channels:
    """The strongest channels with their visualizations (`icons`: their names), and their measured ablations."""
    arguing = found.strongest(settings.channels)
    numbers = list(chain(*arguing))
    size = settings.batch_size or BATCH
    without = ablate_each(question.model, question.pictures, found.layer, numbers, batch_size=size).float().cpu()
    records = {
        channel: _channel(question, found, channel, logits, icons[channel], album)
        for channel, logits in zip(numbers, without, strict=True)
    }
    estimates = np.array([records[channel].attribution for channel in numbers])
    measured = np.array([-records[channel].ablation.change for channel in numbers])
    return Channels(
        layer=found.layer,
        total=len(found.values),
        grid=(found.activations.shape[1], found.activations.shape[2]),
        arguing_for=[records[channel] for channel in arguing[0]],
        arguing_against=[records[channel] for channel in arguing[1]],
        rank_correlation=rank_correlation(estimates, measured),
    )


def _channel(
    question: Question,
    found: ChannelAttribution,
    channel: int,
    without: Float[Tensor, " classes"],
    icon: str,
    album: Album,
) -> Channel:
    fired = found.activations[channel]
    row, column = divmod(int(fired.argmax()), fired.shape[1])
    return Channel(
        unit=f"{found.layer}:{channel}",
        attribution=float(found.values[channel]),
        mean_activation=float(fired.mean()),
        max_activation=float(fired.max()),
        peak=(row, column),
        visualization=icon,
        fired=album.add(f"fired_{found.layer}_{channel}", found.fired(channel)),
        ablation=_ablation(question, without),
    )


def _ablation(question: Question, without: Float[Tensor, " classes"]) -> Ablation:
    target = question.score(question.target, without)
    left = margin(without, question.target, question.versus)
    return Ablation(
        target_logit=target.logit,
        target_probability=target.probability,
        margin=left,
        change=left - question.margin,
        prediction=question.score(int(torch.argmax(without)), without),
    )
