"""The shipped PartWorld network reads scenes that it has not seen, at its own size and drawn larger."""

from __future__ import annotations

import numpy as np
import torch

from cutaway.data.partworld import PartWorld
from cutaway.nets import load


def test_it_is_as_accurate_as_its_card_says_on_200_fresh_scenes() -> None:
    model = load("partworld")
    for size in (64, 128):
        world = PartWorld(count=200, seed=271_828, split="test", size=size)
        samples = [world[index] for index in range(200 if size == 64 else 60)]
        with torch.no_grad():
            answers = model(torch.cat([model.prepare(sample.picture) for sample in samples])).argmax(dim=1)
        right = np.mean([int(answer) == sample.label for answer, sample in zip(answers, samples, strict=True)])
        assert right >= 0.97
    assert model.labels == world.labels
